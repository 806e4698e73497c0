import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createAuthentication } from '../../../src/http/authentication.ts';
import type { Refusal } from '../../../src/http/refusal.ts';
import { createThrottle } from '../../../src/http/throttle.ts';
import { basic } from './rig.ts';

const SETTINGS = { user: 'owner', password: 'pa:ss+/ß' };

interface Asked {
  readonly method?: string;
  readonly target?: string;
  readonly address?: string;
}

function createDoor(settings: { user?: string; password?: string } = SETTINGS, now = () => 1e12) {
  const authenticate = createAuthentication(
    { user: settings.user, password: settings.password },
    createThrottle(now),
    now,
  );
  return (authorization: string | undefined, { method = 'GET', target = '/', address = '192.0.2.1' }: Asked = {}) =>
    authenticate({ method, headers: { authorization } } as unknown as IncomingMessage, target, address);
}

function challengesOf(refusal: Refusal | undefined): readonly string[] {
  return refusal?.headers?.['WWW-Authenticate'] as readonly string[];
}

function nonceOf(refusal: Refusal | undefined): string {
  return /nonce="([^"]+)"/.exec(challengesOf(refusal)[0] ?? '')?.[1] ?? '';
}

interface DigestParts {
  readonly nonce: string;
  readonly uri?: string;
  readonly method?: string;
  readonly user?: string;
  readonly password?: string;
  readonly count?: number;
  readonly algorithm?: 'MD5' | 'SHA-256';
}

/** A client's side of RFC 7616, written apart from the server's. */
function digest(parts: DigestParts): string {
  const { nonce, uri = '/', method = 'GET', user = SETTINGS.user, password = SETTINGS.password } = parts;
  const { count = 1, algorithm = 'MD5' } = parts;
  const hash = (text: string) => createHash(algorithm.replace('-', '').toLowerCase()).update(text).digest('hex');
  const nc = count.toString(16).padStart(8, '0');
  const response = hash(`${hash(`${user}:alidav:${password}`)}:${nonce}:${nc}:c0ffee:auth:${hash(`${method}:${uri}`)}`);
  const name = Buffer.from(user).toString('latin1');
  return `Digest username="${name}", realm="alidav", nonce="${nonce}", uri="${uri}", algorithm=${algorithm}, qop=auth, nc=${nc}, cnonce="c0ffee", response="${response}"`;
}

describe('who has no credentials', () => {
  it('is challenged: Digest MD5 first and last of the Digests, SHA-256 with the same nonce between them, then Basic', () => {
    const refusal = createDoor()(undefined);
    expect(refusal?.status).toBe(401);
    const [md5, sha256, again, last] = challengesOf(refusal);
    expect(md5).toMatch(/^Digest realm="alidav", qop="auth", algorithm=MD5, nonce="[\w-]{43}", charset=UTF-8$/);
    expect(sha256).toBe(md5?.replace('MD5', 'SHA-256'));
    expect(again).toBe(md5);
    expect(last).toBe('Basic realm="alidav", charset="UTF-8"');
  });

  it('is challenged for ever, and never blocked', () => {
    const ask = createDoor();
    for (let asked = 0; asked < 50; asked += 1) expect(ask(undefined)?.status).toBe(401);
    expect(ask(basic('owner', SETTINGS.password))).toBeUndefined();
  });

  it('is let in where no password is set', () => {
    expect(createDoor({})(undefined)).toBeUndefined();
    expect(createDoor({})('Basic rubbish')).toBeUndefined();
  });
});

describe('Basic', () => {
  it.each([
    ['right', basic('owner', SETTINGS.password), undefined],
    ['another case of the scheme', basic('owner', SETTINGS.password).replace('Basic', 'bAsIc'), undefined],
    ['more blanks', basic('owner', SETTINGS.password).replace(' ', '   '), undefined],
    ['wrong password', basic('owner', 'pa:ss'), 401],
    ['wrong user', basic('Owner', SETTINGS.password), 401],
    ['no colon', `Basic ${Buffer.from('constructor').toString('base64')}`, 401],
    ['a name of the prototype', basic('constructor', ''), 401],
    ['another name of the prototype', basic('__proto__', 'undefined'), 401],
    ['empty', basic('', ''), 401],
    ['no credentials', 'Basic', 401],
    ['no base64', 'Basic \u00ff%%%', 401],
    ['another scheme', 'Bearer abc', 401],
    ['an empty header', '', 401],
  ])('%s', (_what, authorization, status) => {
    expect(createDoor()(authorization)?.status).toBe(status);
  });

  it('takes any name where none is set', () => {
    const ask = createDoor({ password: 'secret' });
    expect(ask(basic('anybody', 'secret'))).toBeUndefined();
    expect(ask(basic('', 'secret'))).toBeUndefined();
    expect(ask(basic('anybody', 'Secret'))?.status).toBe(401);
  });
});

describe('Digest', () => {
  it.each(['MD5', 'SHA-256'] as const)('lets in with %s, once a count', (algorithm) => {
    const ask = createDoor();
    const nonce = nonceOf(ask(undefined));
    expect(ask(digest({ nonce, algorithm }))).toBeUndefined();
    expect(ask(digest({ nonce, algorithm, count: 2 }))).toBeUndefined();
    const replay = ask(digest({ nonce, algorithm, count: 2 }));
    expect(replay?.status).toBe(401);
    expect(challengesOf(replay)[0]).toContain('stale=true');
    expect(nonceOf(replay)).not.toBe(nonce);
  });

  it('calls the nonce of an earlier process stale, and asks again without counting a failure', () => {
    const ask = createDoor();
    const foreign = nonceOf(createDoor()(undefined));
    for (let asked = 0; asked < 20; asked += 1) {
      expect(challengesOf(ask(digest({ nonce: foreign })))[0]).toContain('stale=true');
    }
    expect(challengesOf(ask(digest({ nonce: foreign, password: 'guess' })))[0]).not.toContain('stale');
  });

  it.each<[string, Partial<DigestParts>, Asked]>([
    ['password', { password: 'guess' }, {}],
    ['user', { user: 'constructor', password: '' }, {}],
    ['user with the right password', { user: 'somebody' }, {}],
    ['method', { method: 'GET' }, { method: 'PUT' }],
    ['path', { uri: '/a' }, { target: '/b' }],
    ['query', { uri: '/a?x' }, { target: '/a?y' }],
    ['path, when malformed', { uri: '/%zz' }, { target: '/a' }],
  ])('refuses another %s', (_what, parts, asked) => {
    const ask = createDoor();
    const refusal = ask(digest({ nonce: nonceOf(ask(undefined)), ...parts }), asked);
    expect(refusal?.status).toBe(401);
    expect(challengesOf(refusal)[0]).not.toContain('stale');
  });

  it.each([
    ['/a%20b/?q=1', '/a%20b/?q=1'],
    ['/%e7%94%b5', '/%E7%94%B5'],
    ['http://nas.example/a', '/a'],
    ['/a', 'http://nas.example/a'],
    ["/it's", '/it%27s'],
  ])('takes the uri %s for the target %s', (uri, target) => {
    const ask = createDoor();
    expect(ask(digest({ nonce: nonceOf(ask(undefined)), uri }), { target })).toBeUndefined();
  });

  it('knows names beyond ASCII, and any name where none is set', () => {
    const ask = createDoor({ user: '用户', password: '密码' });
    expect(ask(digest({ nonce: nonceOf(ask(undefined)), user: '用户', password: '密码' }))).toBeUndefined();
    const askAny = createDoor({ password: '密码' });
    expect(askAny(digest({ nonce: nonceOf(askAny(undefined)), user: 'x', password: '密码' }))).toBeUndefined();
  });

  it('refuses rubbish', () => {
    for (const text of ['Digest', 'Digest ', 'Digest constructor', 'Digest username="owner"', 'Digest ,,,']) {
      expect(createDoor()(text)?.status).toBe(401);
    }
  });
});

describe('a flood of wrong passwords', () => {
  it('is answered 429 with a growing Retry-After, at that address alone', () => {
    let now = 1e12;
    const ask = createDoor(SETTINGS, () => now);
    const wrong = basic('owner', 'guess');
    for (let guess = 0; guess < 10; guess += 1) expect(ask(wrong)?.status).toBe(401);
    const blocked = ask(wrong);
    expect([blocked?.status, blocked?.headers?.['Retry-After']]).toEqual([429, '10']);
    expect(ask(basic('owner', SETTINGS.password))?.status).toBe(429);
    expect(ask(basic('owner', SETTINGS.password), { address: '192.0.2.2' })).toBeUndefined();
    expect(ask(undefined)?.status).toBe(401);
    now += 10_000;
    expect(ask(wrong)?.status).toBe(401);
    expect(ask(wrong)?.headers?.['Retry-After']).toBe('20');
    now += 20_000;
    expect(ask(basic('owner', SETTINGS.password))).toBeUndefined();
  });

  it('counts Digest guesses too', () => {
    const ask = createDoor();
    for (let guess = 0; guess < 10; guess += 1) {
      ask(digest({ nonce: nonceOf(ask(undefined)), password: `guess ${guess}` }));
    }
    expect(ask(digest({ nonce: nonceOf(ask(undefined)) }))?.status).toBe(429);
  });
});
