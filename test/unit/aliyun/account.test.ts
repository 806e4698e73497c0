import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { failureOf, REFRESH_ENDPOINTS, setScene } from './account-setup.ts';

const KINDS = ['page', 'app', 'open'] as const;
const APIS = { page: 'web', app: 'app', open: 'open' } as const;

describe('a first sign-in', () => {
  it.each(
    KINDS.flatMap((kind) => [
      { kind, api: 'auto' as const },
      { kind, api: APIS[kind] },
    ]),
  )('with a token of kind $kind and ALIDAV_API=$api', async ({ kind, api }) => {
    const scene = await setScene();
    const account = await scene.createAccount({ refresh_token: ` ${scene.emulator.refreshTokens[kind]}\n`, api });
    account.start();
    expect(account.status()).toMatchObject({ state: 'starting', kind: undefined });
    const accessToken = await account.getAccessToken();
    expect(await account.whenKnown).toEqual({ userId: scene.emulator.userId, kind });
    expect(account.identity).toEqual({ userId: scene.emulator.userId, kind });
    expect(account.status()).toMatchObject({ state: 'ready', kind, message: undefined });
    const stored = await scene.readCredentials();
    expect(stored).toMatchObject({
      version: 1,
      kind,
      accessToken,
      previousRefreshToken: scene.emulator.refreshTokens[kind],
    });
    expect(stored.refreshToken).not.toBe(scene.emulator.refreshTokens[kind]);
    const authorization = `Bearer ${accessToken}`;
    const { tokens } = scene.emulator;
    expect(kind === 'open' ? tokens.checkOpen(authorization) : tokens.checkWeb(authorization)).toBe(kind);
  });

  it.each(['InvalidParameter.ClientId', 'InvalidParameter.RefreshToken'] as const)(
    'finds the kind when the wrong endpoint says %s',
    async (wrongEndpointCode) => {
      const scene = await setScene({ wrongEndpointCode, webGraceMs: 0 });
      const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.app });
      await account.getAccessToken();
      expect(account.identity?.kind).toBe('app');
    },
  );

  it('asks the right endpoint at once when the kind is known', async () => {
    const scene = await setScene();
    const first = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.app });
    const accessToken = await first.getAccessToken();
    scene.emulator.calls.reset();
    await first.replaceAccessToken(accessToken);
    expect(scene.emulator.calls.count(REFRESH_ENDPOINTS.app)).toBe(1);
    expect(scene.countRefreshes()).toBe(1);
  });

  it('takes an answer that hides the user, lacks a new token and has odd types', async () => {
    const scene = await setScene({ accessTokenTtlMs: 3_600_000 });
    scene.emulator.faults.inject({
      endpoint: '*',
      kind: 'patch',
      set: { expires_in: '3600', user_id: null },
      remove: ['refresh_token'],
    });
    const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page });
    await account.getAccessToken();
    expect(account.identity?.userId).toBe(scene.emulator.userId);
    expect(await scene.readCredentials()).toMatchObject({ refreshToken: scene.emulator.refreshTokens.page });
    expect(account.status().accessTokenExpiresAt).toBeLessThanOrEqual(Date.now() + 3_600_000);
  });

  it('shares one refresh among all who wait', async () => {
    const scene = await setScene({ latencyMs: 50 });
    const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page });
    account.start();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => account.getAccessToken()));
    expect(new Set(tokens).size).toBe(1);
    expect(scene.countRefreshes()).toBe(1);
  });

  it('lets a caller leave while the others wait on', async () => {
    const scene = await setScene({ latencyMs: 100 });
    const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page });
    const leaving = new AbortController();
    const [left, stayed] = [account.getAccessToken(leaving.signal), account.getAccessToken()];
    leaving.abort();
    expect((await failureOf(left)).code).toBe('aborted');
    expect(await stayed).toBeTypeOf('string');
  });
});

describe('what needs a person', () => {
  it.each([
    ['nobody is signed in', {}, 'alidav login'],
    ['the variable is empty', { refresh_token: ' ' }, 'set but empty'],
    ['the token is garbage', { refresh_token: 'f'.repeat(32) }, 'ALIDAV_REFRESH_TOKEN does not work'],
    ['an open token is garbage', { refresh_token: 'a.b.c' }, 'AccessDenied'],
    ['no client id', { refresh_token: 'a.b.c', client_id: undefined }, 'ALIDAV_CLIENT_ID'],
    ['an unknown client', { refresh_token: 'a.b.c', client_id: 'x' }, 'ALIDAV_CLIENT_ID'],
    ['a wrong secret', { refresh_token: 'a.b.c', client_secret: 'x' }, 'ALIDAV_CLIENT_SECRET'],
    ['a web token for the open API', { refresh_token: 'f'.repeat(32), api: 'open' as const }, 'three parts'],
    ['an open token for the web API', { refresh_token: 'a.b.c', api: 'web' as const }, 'open platform'],
  ])('%s', async (_, settings, words) => {
    const scene = await setScene();
    const account = await scene.createAccount(settings);
    account.start();
    const error = await failureOf(account.getAccessToken());
    expect(error.code).toBe('login-required');
    expect(error.message).toContain(words);
    expect(error.retryAfterMs).toBeGreaterThan(0);
    expect(account.status()).toMatchObject({ state: 'dead', message: error.message });
  });

  it('an explicit kind that is not the token’s', async () => {
    const scene = await setScene();
    const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.app, api: 'web' });
    expect((await failureOf(account.getAccessToken())).message).toContain('InvalidParameter.ClientId');
    const other = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.app });
    await other.getAccessToken();
  });

  it('a dead token is sent once, not at every look', async () => {
    const scene = await setScene();
    const account = await scene.createAccount({ refresh_token: 'f'.repeat(32) }, { now: fastClock(100) });
    account.start();
    await failureOf(account.getAccessToken());
    await new Promise((resolve) => setTimeout(resolve, 300));
    await failureOf(account.getAccessToken());
    expect(scene.countRefreshes()).toBe(2);
  });

  it('a damaged file, which is left alone', async () => {
    const scene = await setScene();
    await (await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page })).getAccessToken();
    const file = path.join(scene.stateDir, 'accounts', `${scene.emulator.userId}.json`);
    const whole = await readFile(file, 'utf8');
    await writeFile(file, whole.slice(0, 100));
    scene.emulator.calls.reset();
    const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page });
    const error = await failureOf(account.getAccessToken());
    expect(error).toMatchObject({ code: 'login-required', message: expect.stringContaining(file) });
    expect(await readFile(file, 'utf8')).toBe(whole.slice(0, 100));
    expect(scene.countRefreshes()).toBe(0);
  });
});

/** A clock that runs faster than ours, so that hours pass in a test. */
function fastClock(factor: number): () => number {
  const start = Date.now();
  return () => start + (Date.now() - start) * factor;
}

describe('a later start', () => {
  it('tells whose it is without a call, whatever became of its tokens', async () => {
    const scene = await setScene();
    const first = await scene.createAccount({ refresh_token: scene.emulator.tokens.login('app') });
    const { userId } = await first.getIdentity();
    await scene.changeCredentials({ accessTokenExpiresAt: 1 });
    scene.emulator.tokens.killRefreshTokens('app');
    const refreshes = scene.countRefreshes();
    const second = await scene.createAccount();
    expect([await second.getUserId(), second.identity]).toEqual([userId, undefined]);
    expect(scene.countRefreshes()).toBe(refreshes);
  });

  it('with a living access token asks for nothing', async () => {
    const scene = await setScene();
    const { page } = scene.emulator.refreshTokens;
    const accessToken = await (await scene.createAccount({ refresh_token: page })).getAccessToken();
    scene.emulator.calls.reset();
    for (const settings of [{ refresh_token: page }, {}]) {
      const account = await scene.createAccount(settings);
      account.start();
      expect(await account.getAccessToken()).toBe(accessToken);
    }
    expect(scene.emulator.calls.count()).toBe(0);
  });

  it('in the last minutes of the access token asks for nothing at once either', async () => {
    const scene = await setScene();
    await (await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page })).getAccessToken();
    await scene.changeCredentials({ accessTokenExpiresAt: Date.now() + 60_000 });
    scene.emulator.calls.reset();
    const account = await scene.createAccount();
    account.start();
    await account.getAccessToken();
    expect(account.status().nextRefreshAt).toBeGreaterThan(Date.now() + 20_000);
    expect(scene.emulator.calls.count()).toBe(0);
  });

  it('goes on with the rotated token, not with the configured one', async () => {
    const scene = await setScene({ webGraceMs: 0 });
    const { page } = scene.emulator.refreshTokens;
    await (await scene.createAccount({ refresh_token: page })).getAccessToken();
    await scene.changeCredentials({ accessTokenExpiresAt: 0 });
    const account = await scene.createAccount({ refresh_token: page });
    expect(await account.getAccessToken()).toBeTypeOf('string');
  });

  it('with another configured token is a new login of the same user', async () => {
    const scene = await setScene({ webGraceMs: 0 });
    const { page, app } = scene.emulator.refreshTokens;
    await (await scene.createAccount({ refresh_token: page })).getAccessToken();
    const account = await scene.createAccount({ refresh_token: app });
    await account.getAccessToken();
    expect(account.identity?.kind).toBe('app');
    expect((await scene.readCredentials()).kind).toBe('app');
  });

  it('with another configured token that is dead says so and keeps the stored login', async () => {
    const scene = await setScene();
    await (await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page })).getAccessToken();
    const before = await scene.readCredentials();
    const account = await scene.createAccount({ refresh_token: '0'.repeat(32) });
    const error = await failureOf(account.getAccessToken());
    expect(error.code).toBe('login-required');
    expect(error.message).toContain('is kept');
    expect(await scene.readCredentials()).toEqual(before);
    await (await scene.createAccount()).getAccessToken();
  });

  it.each(KINDS)('tries the token before the current one (%s) before it calls the login dead', async (kind) => {
    const scene = await setScene();
    const spare = scene.emulator.tokens.login(kind);
    await (await scene.createAccount({ refresh_token: scene.emulator.refreshTokens[kind] })).getAccessToken();
    const lost = kind === 'open' ? 'a.b.c' : 'f'.repeat(32);
    await scene.changeCredentials({ accessTokenExpiresAt: 0, refreshToken: lost, previousRefreshToken: spare });
    const account = await scene.createAccount();
    await account.getAccessToken();
    expect(await scene.readCredentials()).toMatchObject({ previousRefreshToken: spare });
  });
});

describe('the access token in use', () => {
  it('is replaced once for all who report it', async () => {
    const scene = await setScene();
    const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page });
    const first = await account.getAccessToken();
    scene.emulator.calls.reset();
    const replaced = await Promise.all(Array.from({ length: 10 }, () => account.replaceAccessToken(first)));
    expect(new Set(replaced).size).toBe(1);
    expect(replaced[0]).not.toBe(first);
    expect(await account.replaceAccessToken(first)).toBe(replaced[0]);
    expect(scene.countRefreshes()).toBe(1);
  });

  it('is replaced once for all processes of one state folder', async () => {
    const scene = await setScene({ latencyMs: 50 });
    const settings = { refresh_token: scene.emulator.refreshTokens.page };
    const accounts = [];
    for (let count = 0; count < 4; count += 1) accounts.push(await scene.createAccount(settings));
    const [first = ''] = await Promise.all(accounts.map((account) => account.getAccessToken()));
    scene.emulator.calls.reset();
    const replaced = await Promise.all(accounts.map((account) => account.replaceAccessToken(first)));
    expect(new Set(replaced).size).toBe(1);
    expect(replaced[0]).not.toBe(first);
    expect(scene.countRefreshes()).toBe(1);
  });

  it('is on disk before anybody gets it', async () => {
    const scene = await setScene();
    const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page });
    let accessToken = await account.getAccessToken();
    for (let round = 0; round < 3; round += 1) {
      accessToken = await account.replaceAccessToken(accessToken);
      expect((await scene.readCredentials()).accessToken).toBe(accessToken);
    }
  });

  it('is not fetched without end from a service that refuses every one', async () => {
    const scene = await setScene();
    const account = await scene.createAccount({ refresh_token: scene.emulator.refreshTokens.page });
    let accessToken = await account.getAccessToken();
    const error = await failureOf(
      (async () => {
        for (let round = 0; round < 20; round += 1) accessToken = await account.replaceAccessToken(accessToken);
      })(),
    );
    expect(error).toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) });
    expect(scene.countRefreshes()).toBeLessThan(8);
  });
});

describe('signIn', () => {
  it('stores an account without a configured token', async () => {
    const scene = await setScene();
    const account = await scene.createAccount();
    expect(await account.signIn(scene.emulator.refreshTokens.app)).toEqual({
      userId: scene.emulator.userId,
      kind: 'app',
    });
    await (await scene.createAccount()).getAccessToken();
    expect(scene.countRefreshes()).toBe(2);
  });

  it('with a token that is refused changes nothing', async () => {
    const scene = await setScene();
    const account = await scene.createAccount();
    await account.signIn(scene.emulator.refreshTokens.app);
    const before = await scene.readCredentials();
    const error = await failureOf((await scene.createAccount()).signIn('0'.repeat(32)));
    expect(error).toMatchObject({ code: 'login-required', message: expect.stringContaining('does not work') });
    expect(await scene.readCredentials()).toEqual(before);
  });

  it('with the same token again goes on with the stored login', async () => {
    const scene = await setScene({ webGraceMs: 0 });
    await (await scene.createAccount()).signIn(scene.emulator.refreshTokens.app);
    await (await scene.createAccount()).signIn(scene.emulator.refreshTokens.app);
    expect(scene.emulator.calls.count(REFRESH_ENDPOINTS.app)).toBe(1);
  });
});

describe('secrets', () => {
  it('reach neither the log nor an error nor the status', async () => {
    const scene = await setScene();
    const { page } = scene.emulator.refreshTokens;
    const account = await scene.createAccount({ refresh_token: page });
    const accessToken = await account.replaceAccessToken(await account.getAccessToken());
    const { refreshToken } = await scene.readCredentials();
    scene.emulator.tokens.killRefreshTokens('page');
    const error = await failureOf(account.replaceAccessToken(accessToken));
    const told = JSON.stringify([scene.lines, error.message, error.stack, account.status()]);
    for (const secret of [page, accessToken, String(refreshToken)]) expect(told).not.toContain(secret);
  });
});
