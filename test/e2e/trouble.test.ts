import { describe, expect, it, vi } from 'vitest';
import type { FaultAction } from '../../src/emulator/faults.ts';
import { type LoginKind, type Stack, type StackOptions, startStack } from '../support/stack.ts';
import { type Answer, ask, propfind, readRows, until } from './requests.ts';

// Most of these tests wait for somebody to give up.
vi.setConfig({ maxConcurrency: 40 });

const LIST = { web: '/adrive/v3/file/list', open: '/adrive/v1.0/openFile/list' } as const;
const LINK = '/v2/file/get_download_url';
const HTML = '<html><body><h1>502 Bad Gateway</h1></body></html>';
const QUOTA_BODY =
  '<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/></D:prop></D:propfind>';
const STREAM = { 'User-Agent': 'davfs2/1.7.0' };

type Api = keyof typeof LIST;

function apiOf(kind: LoginKind): Api {
  return kind === 'open' ? 'open' : 'web';
}

/** A stack with `file.txt` and two hundred more in its root; it ends with the test. */
async function withStack(options: StackOptions, test: (stack: Stack) => Promise<void>): Promise<void> {
  const stack = await startStack(options);
  try {
    const { store, drives } = stack.emulator;
    store.addFile(store.root(drives.backup), 'file.txt', 'the bytes');
    await test(stack);
  } finally {
    await stack.close();
  }
}

function expectUnavailable(answer: Answer): void {
  expect([answer.status, answer.isWhole]).toEqual([503, true]);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect(answer.headers['cache-control']).toBe('no-store');
}

/** Everything that a person who looks into the log needs: which request, and why. */
function expectLogged(stack: Stack, method: string, status: number): void {
  const line = stack.logLines.find((candidate) => candidate.method === method && candidate.status === status);
  expect(line?.error).toBeTruthy();
}

async function expectRecovered(stack: Stack, files = 1): Promise<void> {
  stack.emulator.faults.clear();
  const listing = await propfind(stack.url, '/', '1', { headers: { 'Cache-Control': 'no-cache' } });
  expect([listing.status, readRows(listing.text).length]).toEqual([207, files + 1]);
  const file = await ask(stack.url, '/file.txt', { headers: STREAM });
  expect([file.status, file.text]).toEqual([200, 'the bytes']);
  expect((await ask(stack.url, '/.alidav/ready')).status).toBe(200);
}

/** What the service was seen to answer instead of a listing; none of it says anything about the folder. */
const TROUBLES: readonly [string, FaultAction][] = [
  ['500 with JSON', { kind: 'answer', status: 500, body: { code: 'InternalError', message: 'oops' } }],
  ['502 with HTML', { kind: 'answer', status: 502, body: HTML, headers: { 'Content-Type': 'text/html' } }],
  ['503 without a body', { kind: 'answer', status: 503 }],
  ['200 with HTML', { kind: 'answer', status: 200, body: HTML, headers: { 'Content-Type': 'text/html' } }],
  ['200 without a body', { kind: 'answer', status: 200 }],
  ['200 with null', { kind: 'answer', status: 200, body: 'null' }],
  ['200 with an array', { kind: 'answer', status: 200, body: '[]' }],
  ['200 without items', { kind: 'answer', status: 200, body: { next_marker: '' } }],
  ['200 with null for items', { kind: 'answer', status: 200, body: { items: null, next_marker: '' } }],
  ['200 with items that are none', { kind: 'answer', status: 200, body: { items: [null, 3, {}], next_marker: '' } }],
  ['204', { kind: 'answer', status: 204 }],
  ['302 to a login page', { kind: 'answer', status: 302, headers: { Location: 'http://127.0.0.1:9/login' } }],
  ['400 without a code', { kind: 'answer', status: 400, body: {} }],
  ['401 without a body', { kind: 'answer', status: 401 }],
  ['403 of a firewall', { kind: 'answer', status: 403, body: HTML }],
  ['404 of the gateway', { kind: 'answer', status: 404, headers: { 'x-ca-error-code': 'I404' } }],
  ['404 without a body', { kind: 'answer', status: 404 }],
  [
    '404 with a code that nobody knows',
    { kind: 'answer', status: 404, body: { code: 'NotFound.Shard', message: 'x' } },
  ],
  ['408', { kind: 'answer', status: 408 }],
  ['429 that says when', { kind: 'throttle', retryAfterMs: 50 }],
  ['a redirect of a portal', { kind: 'answer', status: 511, body: HTML }],
  ['half a JSON', { kind: 'half-json' }],
  ['an answer cut short', { kind: 'cut', bytes: 20 }],
  ['an answer that is reset', { kind: 'reset-after', bytes: 20 }],
  ['a reset', { kind: 'reset' }],
  ['an access token refused again and again', { kind: 'error', code: 'AccessTokenInvalid' }],
];

describe.concurrent.each<[LoginKind]>([['app'], ['open']])('%s login', (kind) => {
  it.concurrent.each(TROUBLES)('a listing answered with %s is no answer', async (_what, fault) => {
    await withStack({ kind }, async (stack) => {
      stack.emulator.faults.inject({ ...fault, endpoint: LIST[apiOf(kind)], times: 'always' });
      const answers = await Promise.all([
        propfind(stack.url, '/', '1'),
        propfind(stack.url, '/file.txt', '0'),
        ask(stack.url, '/file.txt'),
        ask(stack.url, '/file.txt', { method: 'HEAD' }),
        ask(stack.url, '/'),
      ]);
      for (const answer of answers) expectUnavailable(answer);
      for (const method of ['PROPFIND', 'GET', 'HEAD']) expectLogged(stack, method, 503);
      await until(async () => (await ask(stack.url, '/.alidav/ready')).status === 200, 20_000, 'ready');
      await expectRecovered(stack);
    });
  });
});

describe.concurrent('an app login', () => {
  it.concurrent.each(TROUBLES)('a link answered with %s is no answer', async (what, fault) => {
    await withStack({}, async (stack) => {
      stack.emulator.faults.inject({ ...fault, endpoint: LINK, times: 'always' });
      const answers = await Promise.all([
        ask(stack.url, '/file.txt'),
        ask(stack.url, '/file.txt', { headers: STREAM }),
        ask(stack.url, '/file.txt', { headers: { ...STREAM, Range: 'bytes=2-4' } }),
      ]);
      for (const answer of answers) expectUnavailable(answer);
      expectLogged(stack, 'GET', 503);
      expect([what, (await ask(stack.url, '/file.txt', { method: 'HEAD' })).status]).toEqual([what, 200]);
      await expectRecovered(stack);
    });
  });
});

describe.concurrent('one failure', () => {
  it.concurrent.each<[string, FaultAction]>([
    ['500', { kind: 'answer', status: 500 }],
    ['502 with HTML', { kind: 'answer', status: 502, body: HTML }],
    ['429 without a word', { kind: 'throttle' }],
    ['429 with x-retry-after', { kind: 'throttle', retryAfterMs: 300 }],
    ['half a JSON', { kind: 'half-json' }],
    ['a reset', { kind: 'reset' }],
    ['a token that was revoked', { kind: 'error', code: 'AccessTokenInvalid' }],
    ['a device session that ended', { kind: 'error', code: 'DeviceSessionSignatureInvalid' }],
    ['a device taken offline', { kind: 'error', code: 'UserDeviceOffline' }],
    ['400 without a code', { kind: 'answer', status: 400, body: {} }],
  ])('%s of a listing is not noticed', async (_what, fault) => {
    await withStack({}, async (stack) => {
      stack.emulator.faults.inject({ ...fault, endpoint: LIST.web });
      const listing = await propfind(stack.url, '/', '1');
      expect([listing.status, readRows(listing.text).length]).toEqual([207, 2]);
    });
  });

  it.concurrent('tokens revoked while many read: one refresh, nobody hears of it', async () => {
    await withStack({ kind: 'open' }, async (stack) => {
      const { emulator, url } = stack;
      await propfind(url, '/', '1');
      emulator.calls.reset();
      emulator.tokens.revokeAccessTokens('open');
      const headers = { 'Cache-Control': 'no-cache' };
      const answers = await Promise.all(Array.from({ length: 20 }, () => propfind(url, '/', '1', { headers })));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 207));
      expect(emulator.calls.count('/oauth/access_token')).toBe(1);
    });
  });

  it.concurrent('of a service that says nothing at all keeps nobody, and a client that leaves takes its call along', async () => {
    await withStack({}, async (stack) => {
      stack.emulator.faults.inject({ kind: 'hang', endpoint: LIST.web, times: 'always' });
      const leave = new AbortController();
      const waiting = propfind(stack.url, '/', '1', { signal: leave.signal });
      waiting.catch(() => {});
      await until(() => stack.emulator.calls.count(LIST.web) === 1, 10_000, 'the call');
      leave.abort();
      await expect(waiting).rejects.toThrow();
      await until(() => stack.emulator.calls.snapshot().endpoints[LIST.web]?.byStatus.none === 1, 5_000, 'its end');
      expect((await ask(stack.url, '/', { method: 'OPTIONS' })).status).toBe(200);
      await expectRecovered(stack);
    });
  });
});

describe.concurrent('a later page that fails', () => {
  it.concurrent.each<[string, FaultAction]>([
    ['500', { kind: 'answer', status: 500 }],
    ['half a JSON', { kind: 'half-json' }],
    ['404', { kind: 'error', code: 'NotFound.File' }],
    ['a marker that is refused', { kind: 'error', code: 'InvalidParameter.Marker' }],
    ['no items', { kind: 'patch', remove: ['items'] }],
    ['an entry without a type', { kind: 'patch', remove: ['type'] }],
    ['an entry without an id', { kind: 'patch', set: { file_id: null } }],
    ['the same marker for ever', { kind: 'patch', set: { next_marker: 'bWFya2Vy' } }],
  ])('%s: breaks the connection, so that nobody takes the listing for whole', async (_what, fault) => {
    await withStack({ emulator: { pageMax: 50 } }, async (stack) => {
      const { store, drives, faults } = stack.emulator;
      const root = store.root(drives.backup);
      for (let index = 0; index < 150; index++) store.addFile(root, `f${index}`, '');
      faults.inject({ ...fault, endpoint: LIST.web, skip: 1, times: 'always' });
      const [listing, page] = await Promise.all([propfind(stack.url, '/', '1'), ask(stack.url, '/')]);
      for (const answer of [listing, page]) {
        expect([answer.status, answer.isWhole]).not.toEqual([answer.status, true]);
        expect(answer.text).not.toMatch(/<\/D:multistatus>|<\/html>/);
      }
      expect(stack.logLines.some((line) => line.method === 'PROPFIND' && line.aborted && line.error)).toBe(true);
      await expectRecovered(stack, 151);
    });
  });

  it.concurrent('once is asked for again', async () => {
    await withStack({ emulator: { pageMax: 50 } }, async (stack) => {
      const { store, drives, faults } = stack.emulator;
      for (let index = 0; index < 150; index++) store.addFile(store.root(drives.backup), `f${index}`, '');
      faults.inject({ kind: 'reset', endpoint: LIST.web, skip: 2 });
      const listing = await propfind(stack.url, '/', '1');
      expect([listing.status, listing.isWhole, readRows(listing.text).length]).toEqual([207, true, 152]);
    });
  });
});

describe.concurrent('what was known once', () => {
  const env = { ALIDAV_LIST_FRESH_S: '0' };

  it.concurrent('is served while the service fails, and an unknown name is no proven absence', async () => {
    await withStack({ env }, async (stack) => {
      await propfind(stack.url, '/', '1');
      stack.emulator.faults.inject({ kind: 'answer', status: 500, endpoint: LIST.web, times: 'always' });
      const [listing, head, unknown, forced] = await Promise.all([
        propfind(stack.url, '/', '1'),
        ask(stack.url, '/file.txt', { method: 'HEAD' }),
        propfind(stack.url, '/unknown', '0'),
        propfind(stack.url, '/', '1', { headers: { 'Cache-Control': 'no-cache' } }),
      ]);
      expect([listing.status, listing.isWhole, readRows(listing.text).length]).toEqual([207, true, 2]);
      expect(head.status).toBe(200);
      expectUnavailable(unknown);
      expectUnavailable(forced);
      expect(stack.logLines.some(({ msg }) => String(msg).includes('last known listing'))).toBe(true);
    });
  });

  it.concurrent('is gone when the service says so', async () => {
    await withStack({ env }, async (stack) => {
      const { store, drives } = stack.emulator;
      const folder = store.addFolder(store.root(drives.backup), 'gone');
      store.addFile(folder, 'inner', '');
      expect((await propfind(stack.url, '/gone/', '1')).status).toBe(207);
      store.trash(folder);
      expect((await propfind(stack.url, '/gone/', '1')).status).toBe(404);
      expect((await ask(stack.url, '/gone/inner')).status).toBe(404);
    });
  });

  it.concurrent('of the quota never fails a listing', async () => {
    await withStack({}, async (stack) => {
      stack.emulator.faults.inject({
        kind: 'hang',
        endpoint: '/v2/databox/get_personal_info',
        times: 'always',
      });
      const startedAt = performance.now();
      const listing = await propfind(stack.url, '/', '1', { body: QUOTA_BODY });
      expect(listing.status).toBe(207);
      expect(listing.text).toContain('HTTP/1.1 404 Not Found');
      // The call itself is given up after half a minute.
      expect(performance.now() - startedAt).toBeLessThan(15_000);
    });
  });
});

describe.concurrent('refusals that are the service’s word', () => {
  it.concurrent.each<[string, FaultAction, number]>([
    ['no right', { kind: 'error', code: 'ForbiddenNoPermission.File' }, 403],
    ['a drive that is locked', { kind: 'error', code: 'ForbiddenDriveLocked' }, 423],
    ['a folder that is gone', { kind: 'error', code: 'NotFound.File' }, 404],
    ['a device header that is refused', { kind: 'error', code: 'UserDeviceIllegality' }, 503],
    ['maintenance', { kind: 'error', code: 'FeatureTemporaryDisabled' }, 503],
  ])('%s', async (_what, fault, status) => {
    await withStack({}, async (stack) => {
      stack.emulator.faults.inject({ ...fault, endpoint: LIST.web, times: 'always' });
      expect((await propfind(stack.url, '/', '1')).status).toBe(status);
      await expectRecovered(stack);
    });
  });

  it.concurrent('a wait that no client would wait for: 503 at once, and not for ever', async () => {
    await withStack({ kind: 'open' }, async (stack) => {
      await ask(stack.url, '/.alidav/ready');
      stack.emulator.faults.inject({ kind: 'throttle', retryAfterMs: 1e12, endpoint: LIST.open });
      const startedAt = performance.now();
      const answers = [await propfind(stack.url, '/', '1'), await propfind(stack.url, '/', '1')];
      expect(performance.now() - startedAt).toBeLessThan(15_000);
      for (const answer of answers) {
        expectUnavailable(answer);
        expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(3_600);
      }
    });
  });
});

describe.concurrent.each<[LoginKind]>([['page'], ['app'], ['open']])('a dead %s login', (kind) => {
  it.concurrent('is 503 with Retry-After and with what to do, never 401, and OPTIONS still works', async () => {
    await withStack({ kind }, async (stack) => {
      const { tokens } = stack.emulator;
      expect((await propfind(stack.url, '/', '1')).status).toBe(207);
      tokens.killRefreshTokens(kind);
      tokens.revokeAccessTokens(kind);
      const headers = { 'Cache-Control': 'no-cache' };
      for (const answer of [
        await propfind(stack.url, '/', '1', { headers }),
        await ask(stack.url, '/file.txt'),
        await ask(stack.url, '/file.txt', { headers: STREAM }),
      ]) {
        expectUnavailable(answer);
        expect(answer.headers['www-authenticate']).toBeUndefined();
      }
      const ready = await ask(stack.url, '/.alidav/ready');
      expect([ready.status, ready.headers['retry-after']]).toEqual([503, '60']);
      expect(ready.text).toContain('alidav login');
      expect((await ask(stack.url, '/.alidav/health')).status).toBe(200);
      const options = await ask(stack.url, '/', { method: 'OPTIONS' });
      expect([options.status, options.headers.dav]).toEqual([200, '1, 2']);
      expect(stack.logLines.some(({ msg, level }) => msg === 'the login needs you' && level === 50)).toBe(true);
    });
  });
});

describe.concurrent('a device without a slot', () => {
  it.concurrent('ends in 503 that says what to do, and comes back', async () => {
    await withStack({}, async (stack) => {
      const { emulator, url } = stack;
      expect((await propfind(url, '/', '1')).status).toBe(207);
      emulator.faults.inject({ kind: 'error', code: 'UserDeviceOffline', endpoint: LIST.web, times: 'always' });
      const headers = { 'Cache-Control': 'no-cache' };
      for (let count = 0; count < 8; count++) expectUnavailable(await propfind(url, '/', '1', { headers }));
      expect((await ask(url, '/.alidav/ready')).text).toMatch(/device/i);
      expect(emulator.calls.count('/users/v1/users/device/create_session')).toBeLessThan(12);
    });
  });
});
