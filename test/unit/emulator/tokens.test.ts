import { describe, expect, it } from 'vitest';
import type { LoginKind } from '../../../src/emulator/tokens.ts';
import { poster, refresh, start } from './rig.ts';

const WEB_DEAD = { code: 'InvalidParameter.RefreshToken', message: 'The input parameter refresh_token is not valid. ' };

describe('refresh tokens', () => {
  it.each([
    ['page', /^[0-9a-f]{32}$/],
    ['app', /^[0-9a-f]{32}$/],
    ['open', /^[\w-]+\.[\w-]+\.[\w-]+$/],
  ] as const)('of kind %s look as the service makes them and rotate', async (kind, shape) => {
    const emulator = await start();
    expect(emulator.refreshTokens[kind]).toMatch(shape);
    const first = await refresh(emulator, kind);
    expect(first.json.refresh_token).toMatch(shape);
    expect(first.json.refresh_token).not.toBe(emulator.refreshTokens[kind]);
    const second = await refresh(emulator, kind, first.json.refresh_token);
    expect(second.status).toBe(200);
  });

  it.each(['page', 'app'] as const)('of kind %s are good for one more use within a minute', async (kind) => {
    let now = 1_700_000_000_000;
    const emulator = await start({ now: () => now });
    expect((await refresh(emulator, kind)).status).toBe(200);
    now += 59_000;
    expect((await refresh(emulator, kind)).status).toBe(200);
    expect((await refresh(emulator, kind)).json).toMatchObject(WEB_DEAD);
    const late = emulator.tokens.login(kind);
    await refresh(emulator, kind, late);
    now += 61_000;
    expect((await refresh(emulator, kind, late)).status).toBe(400);
  });

  it('of a strict service die at their first use', async () => {
    const emulator = await start({ webGraceMs: 0 });
    await refresh(emulator, 'page');
    expect((await refresh(emulator, 'page')).json).toMatchObject(WEB_DEAD);
  });

  it('of the open API are single-use, unless a grace time is set', async () => {
    const emulator = await start();
    await refresh(emulator, 'open');
    const again = await refresh(emulator, 'open');
    expect([again.status, again.json.code, again.json.message]).toEqual([400, 'AccessDenied', 'invalid token']);
    const lenient = await start({ openGraceMs: 60_000 });
    await refresh(lenient, 'open');
    expect((await refresh(lenient, 'open')).status).toBe(200);
    expect((await refresh(lenient, 'open')).status).toBe(400);
  });

  it('of the open API expire after 90 days', async () => {
    let now = 1_700_000_000_000;
    const emulator = await start({ now: () => now });
    now += 91 * 86_400_000;
    const answer = await refresh(emulator, 'open');
    expect([answer.status, answer.json.code]).toEqual([401, 'RefreshTokenExpired']);
  });

  it.each([
    ['page', '/v2/account/token', 'InvalidParameter.ClientId'],
    ['app', '/token/refresh', 'InvalidParameter.RefreshToken'],
  ] as const)('of kind %s are refused by %s with %s and stay good', async (kind, path, wrongEndpointCode) => {
    const emulator = await start({ wrongEndpointCode });
    const body = { grant_type: 'refresh_token', refresh_token: emulator.refreshTokens[kind] };
    const refused = await poster(emulator.apiUrl)(path, body);
    expect([refused.status, refused.json.code]).toEqual([400, wrongEndpointCode]);
    expect((await refresh(emulator, kind)).status).toBe(200);
  });

  it('of the app are taken by both web hosts, those of the page by one', async () => {
    const emulator = await start();
    const body = { grant_type: 'refresh_token', refresh_token: emulator.refreshTokens.app };
    expect((await poster(emulator.apiUrl)('/v2/account/token', body)).status).toBe(200);
    expect((await poster(emulator.authUrl)('/token/refresh', body)).status).toBe(404);
  });

  it('can be killed, and a new login helps', async () => {
    const emulator = await start();
    emulator.tokens.killRefreshTokens('app');
    expect((await refresh(emulator, 'app')).json).toMatchObject(WEB_DEAD);
    expect((await refresh(emulator, 'app', emulator.tokens.login('app'))).status).toBe(200);
  });

  it('of the open API want the right application, also form-encoded', async () => {
    const emulator = await start();
    const { id, secret } = emulator.client;
    const body = { client_id: id, client_secret: secret, grant_type: 'refresh_token' };
    const post = poster(emulator.openUrl);
    expect((await post('/oauth/access_token', { ...body, client_id: 'x' })).json.code).toBe('InvalidClientId');
    expect((await post('/oauth/access_token', { ...body, client_secret: 'x' })).json.code).toBe('InvalidClientSecret');
    const form = new URLSearchParams({ ...body, refresh_token: emulator.refreshTokens.open }).toString();
    const answer = await post('/oauth/access_token', form, { 'Content-Type': 'application/x-www-form-urlencoded' });
    expect(answer.status).toBe(200);
  });
});

describe('access tokens', () => {
  const open = '/adrive/v1.0/user/getDriveInfo';
  const web = '/v2/user/get';

  it.each<[string, LoginKind, string, (token: string) => Record<string, string>, number, string]>([
    ['none', 'page', web, () => ({}), 401, 'AccessTokenInvalid'],
    ['garbage', 'page', web, () => ({ Authorization: 'Bearer x.y.z' }), 401, 'AccessTokenInvalid'],
    ['a tab', 'page', web, (token) => ({ Authorization: `Bearer\t${token}` }), 200, ''],
    ['no scheme', 'app', web, (token) => ({ Authorization: token }), 200, ''],
    ['the open kind', 'open', web, (token) => ({ Authorization: `Bearer ${token}` }), 401, 'AccessTokenInvalid'],
    ['none', 'open', open, () => ({}), 401, 'AccessTokenInvalid'],
    ['the page kind', 'page', open, (token) => ({ Authorization: `Bearer ${token}` }), 401, 'AccessTokenInvalid'],
    ['a good one', 'open', open, (token) => ({ Authorization: `Bearer ${token}` }), 200, ''],
  ])('%s (%s) at %s', async (_what, kind, path, headers, status, code) => {
    const emulator = await start();
    const { json } = await refresh(emulator, kind);
    const post = poster(path === open ? emulator.openUrl : emulator.apiUrl);
    const answer = await post(path, {}, headers(json.access_token));
    expect([answer.status, answer.json.code ?? '']).toEqual([status, code]);
  });

  it.each([
    ['page', web, { code: 'AccessTokenInvalid', message: 'AccessToken is invalid. AccessTokenExpired' }],
    ['open', open, { code: 'AccessTokenExpired', message: 'access token expired' }],
  ] as const)('of kind %s expire', async (kind, path, body) => {
    let now = 1_700_000_000_000;
    const emulator = await start({ now: () => now, accessTokenTtlMs: 5000 });
    const { json } = await refresh(emulator, kind);
    expect(json.expires_in).toBe(5);
    const post = poster(kind === 'open' ? emulator.openUrl : emulator.apiUrl);
    const headers = { Authorization: `Bearer ${json.access_token}` };
    expect((await post(path, {}, headers)).status).toBe(200);
    now += 5000;
    const late = await post(path, {}, headers);
    expect([late.status, late.json]).toEqual([401, expect.objectContaining(body)]);
  });

  it('can be revoked before their time', async () => {
    const emulator = await start();
    const { json } = await refresh(emulator, 'page');
    emulator.tokens.revokeAccessTokens('page');
    const answer = await poster(emulator.apiUrl)(web, {}, { Authorization: `Bearer ${json.access_token}` });
    expect([answer.status, answer.json.code]).toEqual([401, 'AccessTokenInvalid']);
    expect((await refresh(emulator, 'page', json.refresh_token)).status).toBe(200);
  });
});
