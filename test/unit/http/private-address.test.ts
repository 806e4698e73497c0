import { afterEach, describe, expect, it } from 'vitest';
import { parsePrivateAddress } from '../../../src/http/private-address.ts';
import { basic, GOOD_TOKEN, type Rig, rawRequest, startRig, statusOf } from './rig.ts';

const LOGIN = { user: 'owner', password: 'secret' };
const GOOD = `/.alidav/t/${GOOD_TOKEN}`;
const BAD = '/.alidav/t/link_bad';

let rig: Rig;
const start = async (...args: Parameters<typeof startRig>) => {
  rig = await startRig(...args);
};
afterEach(() => rig?.front.close(0));

const ask = (method: string, target: string, headers: readonly string[] = []) =>
  rig.exchange(rawRequest(`${method} ${target}`, headers));

/** The lines of requests appear when their connections' ends were noticed on this side too. */
async function pathsLogged(count: number): Promise<unknown[]> {
  const lines = () => rig.lines.filter(({ msg }) => msg === 'request');
  for (let tries = 0; lines().length < count && tries < 100; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return lines().map(({ path }) => path);
}

describe('parsePrivateAddress', () => {
  it.each([
    ['/.alidav/t/x', { token: 'x', prefix: '/.alidav/t/x' }],
    ['/.alidav/t/x/a/b', { token: 'x', prefix: '/.alidav/t/x' }],
    ['/.alidav/t', undefined],
    ['/.alidav/tt/x', undefined],
    ['/.alidav/T/x', undefined],
    ['/a/.alidav/t/x', undefined],
  ])('%s', (path, expected) => {
    expect(parsePrivateAddress(path)).toEqual(expected);
  });
});

describe('a private address', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'PUT', 'DELETE'])('needs no credentials: %s', async (method) => {
    await start(LOGIN);
    const answer = await ask(method, `${GOOD}/a%20b`);
    expect([statusOf(answer), rig.handled]).toEqual([200, [`${method} ${GOOD}/a%20b`]]);
    expect(answer).toMatch(/^Referrer-Policy: no-referrer\r$/m);
  });

  it.each(['GET', 'OPTIONS', 'PROPFIND', 'PUT'])(
    'that opens nothing is 404 to %s, without a challenge',
    async (method) => {
      await start(LOGIN);
      const answer = await ask(method, `${BAD}/a`);
      expect(statusOf(answer)).toBe(404);
      expect(answer).not.toMatch(/www-authenticate|link_bad/i);
      expect(rig.handled).toEqual([]);
    },
  );

  it.each(['/.alidav/t', '/.alidav/t/'])('without a token is for the owner: %s', async (target) => {
    await start(LOGIN);
    expect(statusOf(await ask('GET', target))).toBe(401);
    expect(await ask('GET', target, [`Authorization: ${basic('owner', 'secret')}`])).toContain('admin /.alidav/t');
  });

  it('takes no notice of credentials, which nobody further in hears of', async () => {
    let heard: string | undefined;
    await start(LOGIN, {
      async handlePrivate(request, response) {
        heard = request.headers.authorization;
        response.end();
        return true;
      },
    });
    expect(statusOf(await ask('GET', GOOD, [`Authorization: ${basic('owner', 'wrong')}`]))).toBe(200);
    expect(heard).toBeUndefined();
  });

  it.each<[string, readonly string[], number]>([
    ['a foreign page', ['Origin: https://evil.example'], 403],
    ['a rebound name', ['Host: evil.example'], 403],
    ['an unknown expectation', ['Expect: 200-ok'], 417],
  ])('is as closed as the rest to %s', async (_what, headers, status) => {
    await start();
    expect(statusOf(await ask('GET', `${GOOD}/`, headers))).toBe(status);
    expect(rig.handled).toEqual([]);
  });
});

describe('guesses', () => {
  it('of tokens and of passwords are counted together', async () => {
    await start(LOGIN);
    const wrong = [`Authorization: ${basic('owner', 'guess')}`];
    for (let guess = 0; guess < 5; guess += 1) {
      expect(statusOf(await ask('GET', `${BAD}${guess}/`))).toBe(404);
      expect(statusOf(await ask('GET', '/', wrong))).toBe(401);
    }
    const [link, owner] = [
      await ask('GET', `${GOOD}/`),
      await ask('GET', '/', [`Authorization: ${basic('owner', 'secret')}`]),
    ];
    expect([statusOf(link), statusOf(owner)]).toEqual([429, 429]);
    expect(link).toMatch(/retry-after: \d+/i);
    expect(rig.handled).toEqual([]);
  });

  it('are counted where there is no password too, and close nothing else', async () => {
    await start();
    for (let guess = 0; guess < 10; guess += 1) await ask('GET', `${BAD}${guess}/`);
    expect(statusOf(await ask('GET', `${GOOD}/`))).toBe(429);
    expect(statusOf(await ask('GET', '/'))).toBe(200);
  });

  it('are not what cannot be looked up', async () => {
    await start(LOGIN, {
      async handlePrivate(_request, response) {
        response.writeHead(503).end();
        return true;
      },
    });
    for (let times = 0; times < 12; times += 1) expect(statusOf(await ask('GET', `${BAD}/`))).toBe(503);
  });
});

describe('the log of a private address', () => {
  const SECRET = 'link_0123456789abcdefghijKLMNOPQRSTUV';

  it.each([
    [`/.alidav/t/${SECRET}/a%20b?x=${SECRET}`, '/.alidav/t/[redacted]/a b'],
    [`/.alidav/t/${SECRET}`, '/.alidav/t/[redacted]'],
    [`//.alidav//t//${SECRET}//a`, '/.alidav/t/[redacted]/a'],
    [`/%2ealidav/%74/${SECRET.replace('_', '%5f')}/`, '/.alidav/t/[redacted]'],
    [`http://localhost/.alidav/t/${SECRET}/`, '/.alidav/t/[redacted]'],
    [`/.ALIDAV/T/${SECRET}/`, '/.ALIDAV/T/[redacted]'],
    [`/dav/${SECRET}/x`, '/dav/[redacted]/x'],
    [`/.alidav/t/${SECRET.slice(0, -1)}/`, '/.alidav/t/[redacted]'],
    [`/.alidav/t/${SECRET}/.alidav/t/${SECRET}/`, '/.alidav/t/[redacted]/.alidav/t/[redacted]'],
    // What cannot be read at all.
    [`/.alidav/t/${SECRET}/%`, '/.alidav/t/[redacted]/%'],
    [`/.alidav/t/${SECRET}/../x`, '/.alidav/t/[redacted]/../x'],
    [`/.alidav/%74/${SECRET.replaceAll('0', '%30')}/%zz`, '/.alidav/t/[redacted]/%zz'],
    [`/.alidav%2Ft%2f${SECRET}`, '/.alidav/t/[redacted]'],
    [`http://localhost//.alidav/t/${SECRET}/#x`, 'http://localhost//.alidav/t/[redacted]/'],
    [`/.alidav/t/${SECRET}/${'a'.repeat(40_000)}`, expect.stringMatching(/^\/\.alidav\/t\/\[redacted\]\/a+$/)],
  ])('shows %.60s… without its token', async (target, path) => {
    await start();
    await ask('GET', target);
    expect(await pathsLogged(1)).toEqual([path]);
    expect(JSON.stringify(rig.lines)).not.toContain(SECRET.slice(5, -1));
  });
});
