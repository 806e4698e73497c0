import { describe, it, vi } from 'vitest';
import { backOffMs } from '../../../src/aliyun/account.ts';
import type { Fault } from '../../../src/emulator/faults.ts';
import { failureOf, setScene } from './account-setup.ts';

type FaultSketch = Readonly<Record<string, unknown>>;

/** Strikes the next call, whatever it is. */
function anyCall(sketch: FaultSketch): Fault {
  return { endpoint: '*', ...sketch } as unknown as Fault;
}

const PASSING: readonly (readonly [string, FaultSketch])[] = [
  ['429 without a body', { kind: 'answer', status: 429 }],
  ['429 with a hint', { kind: 'throttle', retryAfterMs: 1200 }],
  ['502 as text', { kind: 'answer', status: 502, body: 'Bad Gateway' }],
  ['a web page', { kind: 'answer', status: 200, body: '<html>' }],
  ['a 404 without a code', { kind: 'answer', status: 404, body: { error: 'Not Found' } }],
  ['a 403 page of a proxy', { kind: 'answer', status: 403, body: '<html>denied</html>' }],
  ['half a JSON', { kind: 'half-json' }],
  ['a reset', { kind: 'reset' }],
  ['a grant without a token', { kind: 'patch', remove: ['access_token'] }],
];

/** What takes seconds to show, side by side. */
describe.concurrent('an account that waits', () => {
  it.for(PASSING.flatMap(([name, fault]) => (['page', 'open'] as const).map((kind) => ({ name, kind, fault }))))(
    'gets over $name ($kind)',
    async ({ kind, fault }, { expect, onTestFinished }) => {
      const scene = await setScene({ openGraceMs: 60_000 }, onTestFinished);
      const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens[kind] });
      scene.emulator.faults.inject(anyCall(fault));
      account.start();
      const error = await failureOf(account.getAccessToken());
      expect(['unavailable', 'throttled']).toContain(error.code);
      expect(error.retryAfterMs).toBeGreaterThan(0);
      expect(account.status()).toMatchObject({ state: 'offline', message: error.message });
      expect(account.status().nextRefreshAt).toBeGreaterThan(Date.now());
      expect((await failureOf(account.getAccessToken())).retryAfterMs).toBeLessThanOrEqual(error.retryAfterMs ?? 0);
      await vi.waitFor(() => expect(account.status().state).toBe('ready'), { timeout: 10_000 });
    },
  );

  it('gets over a start without network', async ({ expect, onTestFinished }) => {
    const scene = await setScene({}, onTestFinished);
    await scene.emulator.setOffline(true);
    const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.app });
    account.start();
    const error = await failureOf(account.getAccessToken());
    expect(error).toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) });
    await scene.emulator.setOffline(false);
    await vi.waitFor(() => expect(account.status().state).toBe('ready'), { timeout: 10_000 });
  });

  it.for([
    { name: 'a service that cannot be reached', isOffline: true, longestMs: 8_000 },
    { name: 'a service that fails', isOffline: false, longestMs: 60_000 },
  ])('asks $name again within $longestMs ms', async ({ isOffline, longestMs }, { expect, onTestFinished }) => {
    const scene = await setScene({}, onTestFinished);
    if (isOffline) await scene.emulator.setOffline(true);
    else scene.emulator.faults.inject({ endpoint: '*', kind: 'answer', status: 502, times: 'always' });
    let now = Date.now();
    const settings = { refresh_token: scene.emulator.refreshTokens.app, api: 'app' } as const;
    const account = await scene.createAccount(settings, { now: () => now, random: () => 1 });
    const waits: number[] = [];
    for (let failures = 1; failures <= 8; failures += 1) {
      const { retryAfterMs = 0 } = await failureOf(account.getAccessToken());
      waits.push(retryAfterMs);
      now += retryAfterMs;
    }
    expect(waits[0]).toBeLessThan(2_000);
    expect(waits.at(-1)).toBe(longestMs);
  });

  it('renews its access token ahead of its end, until it is stopped', async ({ expect, onTestFinished }) => {
    const scene = await setScene({ accessTokenTtlMs: 2000 }, onTestFinished);
    const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page });
    account.start();
    const first = await account.getAccessToken();
    const { accessTokenExpiresAt = 0, nextRefreshAt } = account.status();
    expect(nextRefreshAt).toBeLessThan(accessTokenExpiresAt);
    await vi.waitFor(async () => expect(await account.getAccessToken()).not.toBe(first), { timeout: 5000 });
    expect(account.status().accessTokenExpiresAt).toBeGreaterThan(accessTokenExpiresAt);
    await vi.waitFor(() => expect(scene.countRefreshes()).toBe(3), { timeout: 5000 });
    await account.stop();
    await new Promise((resolve) => setTimeout(resolve, 2200));
    expect(scene.countRefreshes()).toBe(3);
  });

  it('serves its access token to the end when the login has died', async ({ expect, onTestFinished }) => {
    const scene = await setScene({ accessTokenTtlMs: 5000 }, onTestFinished);
    const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page });
    account.start();
    const first = await account.getAccessToken();
    scene.emulator.tokens.killRefreshTokens('page');
    await vi.waitFor(() => expect(account.status().message).toContain('Sign in again'), { timeout: 8000 });
    expect(account.status().state).toBe('ready');
    expect(await account.getAccessToken()).toBe(first);
    await vi.waitFor(() => expect(account.status().state).toBe('dead'), { timeout: 5000 });
    expect((await failureOf(account.getAccessToken())).code).toBe('login-required');
  });

  it.for([
    { name: 'a stored login that died', wasStored: true },
    { name: 'a configured token that never worked', wasStored: false },
  ])('wakes from $name when another process signs in', async ({ wasStored }, { expect, onTestFinished }) => {
    const scene = await setScene({}, onTestFinished);
    const settings = { refresh_token: wasStored ? scene.emulator.refreshTokens.page : '0'.repeat(32) };
    if (wasStored) {
      await (await scene.createAccount(settings)).getAccessToken();
      await scene.changeCredentials({ accessTokenExpiresAt: 0 });
      scene.emulator.tokens.killRefreshTokens('page');
    }
    const account = await scene.createAccount(settings);
    account.start();
    await failureOf(account.getAccessToken());
    expect(account.status().state).toBe('dead');
    await (await scene.createAccount(settings)).signIn(scene.emulator.tokens.login('page'));
    await vi.waitFor(() => expect(account.status().state).toBe('ready'), { timeout: 10_000 });
    // The old setting is known to be replaced, also after a restart.
    const restarted = await scene.createAccount(settings);
    expect(await restarted.getAccessToken()).toBe(await account.getAccessToken());
  });
});

describe('backOffMs', () => {
  it('grows from one second to a minute', ({ expect }) => {
    const rounds = Array.from({ length: 10 }, (_, index) => index + 1);
    expect(rounds.map((failures) => backOffMs(failures, 0.5))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000,
    ]);
    const all = rounds.flatMap((failures) => [backOffMs(failures, 0), backOffMs(failures, 1)]);
    expect(Math.min(...all)).toBe(1000);
    expect(Math.max(...all)).toBe(60_000);
  });
});
