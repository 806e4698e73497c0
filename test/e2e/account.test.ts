import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test as base, describe, expect, vi } from 'vitest';
import { type Emulator, startEmulator } from '../../src/emulator/emulator.ts';
import { accountEnv, LOGIN_KINDS, type LoginKind } from '../support/stack.ts';
import { type Machine, makeMachine, type Served } from './alidav-process.ts';
import { ask, propfind, readRows, until } from './requests.ts';

const TOKEN_PATHS = ['/token/refresh', '/v2/account/token', '/oauth/access_token'];

// Most of these tests wait for a process or for a timer.
vi.setConfig({ maxConcurrency: 8, testTimeout: 60_000 });

let firstPort = 20_000 + (process.pid % 1_000) * 10;

/** Each test has a service and a machine of its own. */
const it = base.extend<{ readonly emulator: Emulator; readonly machine: Machine }>({
  emulator: async ({ task: _task }, use) => {
    // Below the range that the system gives away, so that nobody takes the ports of a service that is offline for a while.
    firstPort += 5;
    const emulator = await startEmulator({ port: firstPort });
    await use(emulator);
    await emulator.close();
  },
  machine: async ({ task: _task }, use) => {
    const machine = makeMachine();
    await use(machine);
    machine.close();
  },
});

/** Settings that name the service, but no token. */
function serviceEnv(emulator: Emulator, kind: LoginKind): Record<string, string> {
  const { ALIDAV_REFRESH_TOKEN: _token, ...rest } = accountEnv(emulator, kind);
  return rest;
}

function countRefreshes(emulator: Emulator): number {
  return TOKEN_PATHS.reduce((sum, endpoint) => sum + emulator.calls.count(endpoint), 0);
}

async function expectServed({ url }: Served): Promise<void> {
  const listing = await propfind(url, '/', '1');
  expect([listing.status, readRows(listing.text).length]).toEqual([207, 3]);
}

describe.concurrent.each(LOGIN_KINDS)('a %s login', (kind) => {
  it('is stored by a pasted token, for its owner alone, and serves without one', async ({ emulator, machine }) => {
    const token = emulator.tokens.login(kind);
    const login = await machine.run(['login'], serviceEnv(emulator, kind), `  ${token}\n`);
    expect([login.code, login.stderr]).toEqual([0, '']);
    expect(login.stdout).toMatch(
      /^Signed in: tester {2}aaaaaaaabbbbccccddddeeeeeeeeeeee .*backup 11000001.*resource 11000002.*used .* of 100\.0 GiB\n$/,
    );
    expect(login.stdout).not.toContain(token);

    const accounts = path.join(machine.stateDir, 'accounts');
    expect(statSync(machine.stateDir).mode & 0o777).toBe(0o700);
    expect(statSync(accounts).mode & 0o777).toBe(0o700);
    const [file = ''] = readdirSync(accounts);
    expect(statSync(path.join(accounts, file)).mode & 0o777).toBe(0o600);
    expect(countRefreshes(emulator)).toBe(kind === 'app' ? 2 : 1);

    // A living access token is used as it is, by whoever comes.
    emulator.calls.reset();
    const who = await machine.run(['whoami'], serviceEnv(emulator, kind));
    expect([who.code, who.stderr]).toEqual([0, '']);
    expect(who.stdout).toMatch(/^tester {2}aaaaaaaabbbbccccddddeeeeeeeeeeee .*\n$/);
    const doctor = await machine.run(['doctor'], serviceEnv(emulator, kind));
    expect([doctor.code, doctor.stdout]).toEqual([0, expect.stringMatching(/^ok +login +tester/m)]);
    for (let start = 0; start < 2; start++) {
      const served = await machine.serve(['serve'], serviceEnv(emulator, kind));
      await expectServed(served);
      expect((await ask(served.url, '/.alidav/ready')).status).toBe(200);
      expect((await served.stop()).code).toBe(0);
    }
    expect(countRefreshes(emulator)).toBe(0);
    // Starts do not fill the account's ten device slots.
    expect(emulator.devices.count).toBe(kind === 'open' ? 0 : 1);
  });

  it('that is dead: whoami and doctor end with 1 and say what to do', async ({ emulator, machine }) => {
    const env = accountEnv(emulator, kind);
    expect((await machine.run(['whoami'], env)).code).toBe(0);
    emulator.tokens.killRefreshTokens(kind);
    emulator.tokens.revokeAccessTokens(kind);
    const who = await machine.run(['whoami'], env);
    expect([who.code, who.stdout]).toEqual([1, '']);
    expect(who.stderr).toMatch(/no longer works.*alidav login/);
    const doctor = await machine.run(['doctor'], env);
    expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringMatching(/^BROKEN login .*alidav login/m)]);
  });
});

describe.concurrent('signing in', () => {
  it.for<[string, string]>([
    ['nothing', ''],
    ['blanks', ' \n '],
  ])('with %s is wrong usage', async ([_what, input], { emulator, machine }) => {
    const { code, stderr } = await machine.run(['login'], serviceEnv(emulator, 'app'), input);
    expect([code, stderr]).toEqual([2, expect.stringContaining('no refresh token')]);
    expect(existsSync(path.join(machine.stateDir, 'accounts'))).toBe(false);
  });

  it.for<[string, string]>([
    ['garbage', 'x'.repeat(32)],
    ['a forged token of the open platform', 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln'],
    ['a file of anything', 'a\nb\nc\n'.repeat(1000)],
    ['characters that no header can carry', '\u0000\u4e2d\u6587\r\nX-Evil: 1'],
  ])('with %s fails and stores nothing', async ([_what, input], { emulator, machine }) => {
    const env = { ...serviceEnv(emulator, 'open'), ALIDAV_CLIENT_SECRET: emulator.client.secret };
    const { code, stdout, stderr } = await machine.run(['login'], env, input);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^alidav: .*does not work/);
    expect(stderr).not.toContain(input.trim());
    expect(existsSync(path.join(machine.stateDir, 'accounts'))).toBe(false);
  });

  it('anew brings a server with a dead login back without a restart', async ({ emulator, machine }) => {
    const env = accountEnv(emulator, 'app');
    const served = await machine.serve(['serve'], env);
    await expectServed(served);
    emulator.tokens.killRefreshTokens('app');
    emulator.tokens.revokeAccessTokens('app');
    const headers = { 'Cache-Control': 'no-cache' };
    expect((await propfind(served.url, '/%E5%A4%87%E4%BB%BD%E7%9B%98/', '1', { headers })).status).toBe(503);
    expect((await ask(served.url, '/.alidav/ready')).text).toContain('alidav login');
    // From another terminal, with the variables of the server.
    const login = await machine.run(['login'], { ...env, ALIDAV_REFRESH_TOKEN: emulator.tokens.login('app') });
    expect(login.code).toBe(0);
    await until(async () => (await ask(served.url, '/.alidav/ready')).status === 200, 10_000, 'ready');
    expect((await propfind(served.url, '/%E5%A4%87%E4%BB%BD%E7%9B%98/', '1', { headers })).status).toBe(207);
    // The first variable still in place, the next start serves the login that took its place.
    await served.stop();
    emulator.calls.reset();
    await expectServed(await machine.serve(['serve'], env));
    expect(countRefreshes(emulator)).toBe(0);
  });
});

describe.concurrent('where nobody is signed in', () => {
  it('whoami ends with 1', async ({ machine }) => {
    const { code, stdout, stderr } = await machine.run(['whoami']);
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('alidav login')]);
  });

  it('doctor finds what is broken, and ends with 1', async ({ emulator, machine }) => {
    const nowhere = {
      ALIDAV_API_URL: 'http://127.0.0.1:9',
      ALIDAV_AUTH_URL: 'http://127.0.0.1:9',
      ALIDAV_OPEN_URL: 'http://127.0.0.1:9',
    };
    const unreachable = await machine.run(['doctor', '--client', 'windows'], nowhere);
    expect(unreachable.code).toBe(1);
    expect(unreachable.stdout).toMatch(/^BROKEN upstream +http:\/\/127\.0\.0\.1:9 does not answer/m);
    expect(unreachable.stdout).toContain('WebClient');
    const broken = await machine.run(['doctor'], { ALIDAV_PORT: 'x', ALIDAV_TRASH: 'maybe' });
    expect([broken.code, broken.stdout]).toEqual([
      1,
      expect.stringMatching(/BROKEN configuration +ALIDAV_PORT .*\nBROKEN configuration +ALIDAV_TRASH /),
    ]);
    const lost = await machine.run(['doctor'], { ...serviceEnv(emulator, 'app'), ALIDAV_REFRESH_TOKEN: '' });
    expect([lost.code, lost.stdout]).toEqual([
      1,
      expect.stringMatching(/^BROKEN login +ALIDAV_REFRESH_TOKEN is missing or empty/m),
    ]);
    const headers = { Date: 'Thu, 01 Jan 2026 00:00:00 GMT' };
    emulator.faults.inject({ kind: 'answer', endpoint: '*', status: 404, headers, times: 3 });
    const late = await machine.run(['doctor'], { ...serviceEnv(emulator, 'app') });
    expect([late.code, late.stdout]).toEqual([1, expect.stringMatching(/^BROKEN clock +this clock is \d+ s ahead/m)]);
    chmodSync(machine.stateDir, 0o755);
    const open = await machine.run(['doctor'], { ...serviceEnv(emulator, 'app') });
    expect([open.code, open.stdout]).toEqual([1, expect.stringMatching(/^BROKEN state folder .*chmod 700/m)]);
  });

  it('doctor is content with a good machine', async ({ emulator, machine }) => {
    const { code, stdout } = await machine.run(['doctor'], { ...accountEnv(emulator, 'app') });
    expect([code, stdout]).toEqual([0, expect.not.stringContaining('BROKEN')]);
  });
});

describe.concurrent('a secret in a file', () => {
  it('is read from there, with its line break', async ({ emulator, machine }) => {
    const file = path.join(machine.home, 'token');
    writeFileSync(file, `${emulator.tokens.login('app')}\n`, { mode: 0o600 });
    const served = await machine.serve(['serve'], { ...serviceEnv(emulator, 'app'), ALIDAV_REFRESH_TOKEN_FILE: file });
    await expectServed(served);
    // Once rotated, the stored token wins over the file, which still holds the spent one.
    await served.stop();
    emulator.calls.reset();
    await expectServed(await machine.serve([], { ...serviceEnv(emulator, 'app'), ALIDAV_REFRESH_TOKEN_FILE: file }));
    expect(countRefreshes(emulator)).toBe(0);
  });
});

describe.concurrent('without network', () => {
  it('it listens at once, says why it is not ready, and comes back by itself', async ({ emulator, machine }) => {
    const env = accountEnv(emulator, 'open');
    await emulator.setOffline(true);
    try {
      const served = await machine.serve(['serve'], env);
      expect(served.startedWithinMs).toBeLessThan(6_000);
      const [listing, ready, health] = await Promise.all([
        propfind(served.url, '/', '1'),
        ask(served.url, '/.alidav/ready'),
        ask(served.url, '/.alidav/health'),
      ]);
      expect([listing.status, ready.status, health.status]).toEqual([503, 503, 200]);
      expect(Number(listing.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      await until(async () => (await ask(served.url, '/.alidav/ready')).text.includes('did not answer'), 10_000, 'why');
      await emulator.setOffline(false);
      const backAt = performance.now();
      await until(async () => (await ask(served.url, '/.alidav/ready')).status === 200, 10_000, 'ready');
      await expectServed(served);
      expect(performance.now() - backAt).toBeLessThan(10_000);
    } finally {
      await emulator.setOffline(false);
    }
  });

  it('a living login on disk is ready at once, and what it cannot read is 503', async ({ emulator, machine }) => {
    const env = accountEnv(emulator, 'app');
    expect((await machine.run(['whoami'], env)).code).toBe(0);
    await emulator.setOffline(true);
    try {
      const served = await machine.serve(['serve'], env);
      await until(async () => (await ask(served.url, '/.alidav/ready')).status === 200, 10_000, 'ready');
      expect((await propfind(served.url, '/', '1')).status).toBe(503);
      expect((await ask(served.url, '/', { method: 'OPTIONS' })).status).toBe(200);
    } finally {
      await emulator.setOffline(false);
    }
  });
});

describe.concurrent('two servers on one state folder', () => {
  it.for(LOGIN_KINDS)('rotate a %s login once, and both serve', async (kind, { emulator, machine }) => {
    const env = accountEnv(emulator, kind);
    const [one, two] = await Promise.all([machine.serve(['serve'], env), machine.serve(['serve'], env)]);
    await Promise.all([expectServed(one), expectServed(two)]);
    expect(countRefreshes(emulator)).toBe(kind === 'app' ? 2 : 1);
    // And once more when the token dies under both.
    emulator.calls.reset();
    emulator.tokens.revokeAccessTokens(kind);
    const headers = { 'Cache-Control': 'no-cache' };
    const folder = '/%E5%A4%87%E4%BB%BD%E7%9B%98/';
    const answers = await Promise.all([one, two].map(({ url }) => propfind(url, folder, '1', { headers })));
    expect(answers.map(({ status }) => status)).toEqual([207, 207]);
    expect(countRefreshes(emulator)).toBe(1);
    await Promise.all([one.stop(), two.stop()]);
    expect((await machine.run(['whoami'], env)).code).toBe(0);
  });
});

describe.concurrent('SIGTERM', () => {
  it('lets a short answer finish, accepts no more, and ends with 0', async ({ emulator, machine }) => {
    emulator.settings.bytesPerSecond = 4 * 2 ** 20;
    const real = await machine.serve(['serve'], {
      ...accountEnv(emulator, 'app'),
      ALIDAV_DRIVE: 'backup',
      ALIDAV_DELIVERY: 'stream',
    });
    const rows = readRows((await propfind(real.url, '/', '1')).text);
    const big = rows.find(({ length }) => (length ?? 0) > 2 ** 34)?.href ?? '';
    const download = ask(real.url, big, { headers: { Range: `bytes=0-${6 * 2 ** 20}` } });
    await until(() => emulator.calls.bodies.open === 1, 10_000, 'the body');
    const stopping = real.stop();
    await until(
      async () =>
        ask(real.url, '/.alidav/health').then(
          () => false,
          () => true,
        ),
      1_000,
      'the listening to end',
    );
    const [answer, { code, withinMs }] = await Promise.all([download, stopping]);
    expect([answer.status, answer.isWhole, answer.body.length]).toEqual([206, true, 6 * 2 ** 20 + 1]);
    expect([code, withinMs < 10_500]).toEqual([0, true]);
    expect(readFileSync(path.join(machine.stateDir, 'accounts', `${emulator.userId}.json`), 'utf8')).toContain(
      'refreshToken',
    );
  });

  it('cuts off what does not end within ten seconds', async ({ emulator, machine }) => {
    const served = await machine.serve(['serve'], {
      ...accountEnv(emulator, 'app'),
      ALIDAV_DRIVE: 'backup',
      ALIDAV_DELIVERY: 'stream',
    });
    const rows = readRows((await propfind(served.url, '/', '1')).text);
    const big = rows.find(({ length }) => (length ?? 0) > 2 ** 34)?.href ?? '';
    emulator.settings.bytesPerSecond = 2 ** 20;
    const download = ask(served.url, big);
    await until(() => emulator.calls.bodies.open === 1, 10_000, 'the body');
    const { code, withinMs } = await served.stop();
    const answer = await download;
    expect([code, answer.isWhole]).toEqual([0, false]);
    expect(withinMs).toBeGreaterThan(8_000);
    expect(withinMs).toBeLessThan(10_800);
  });

  it('during a start without an answer ends with 0 too', async ({ emulator, machine }) => {
    for (const endpoint of TOKEN_PATHS) emulator.faults.inject({ kind: 'hang', endpoint, times: 'always' });
    const served = await machine.serve(['serve'], accountEnv(emulator, 'app'));
    const waiting = propfind(served.url, '/', '1').catch(() => undefined);
    const { code, withinMs } = await served.stop();
    expect([code, withinMs < 11_000]).toEqual([0, true]);
    await waiting;
  });
});
