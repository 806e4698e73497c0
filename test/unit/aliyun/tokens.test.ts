import { describe, expect, it } from 'vitest';
import type { JsonHttp } from '../../../src/aliyun/http.ts';
import { isJwt, readClaims } from '../../../src/aliyun/token-grant.ts';
import { refreshWebToken } from '../../../src/aliyun/web/tokens.ts';
import { failureOf } from './account-setup.ts';

function answering(status: number, json: unknown, headers: Record<string, string> = {}) {
  const urls: string[] = [];
  const http: JsonHttp = {
    async post(url) {
      urls.push(url);
      return { status, headers, json, text: JSON.stringify(json) ?? '' };
    },
  };
  return { urls, options: { http, apiUrl: 'http://api', authUrl: 'http://auth', now: () => 1000 } };
}

describe('refreshWebToken', () => {
  it.each([
    ['page', 'http://api/token/refresh'],
    ['app', 'http://auth/v2/account/token'],
  ] as const)('sends a token of kind %s to %s', async (kind, url) => {
    const { options, urls } = answering(200, { access_token: 'a', refresh_token: 'r', expires_in: 60, user_id: 'u' });
    const { grant } = await refreshWebToken(options, kind, 'old');
    expect(grant).toEqual({ accessToken: 'a', refreshToken: 'r', expiresAt: 61_000, userId: 'u' });
    expect(urls).toEqual([url]);
  });

  it.each([
    ['InvalidParameter.RefreshToken', 'refresh-token'],
    ['InvalidParameter.ClientId', 'endpoint'],
  ])('%s is final: %s', async (code, fault) => {
    const { refusal } = await refreshWebToken(answering(400, { code, message: 'm' }).options, 'page', 'old');
    expect(refusal).toMatchObject({ fault, message: expect.stringContaining(code) });
  });

  it.each([
    [429, undefined, 'throttled'],
    [400, { code: 'ParamFlowException' }, 'throttled'],
    [400, { code: 'FeatureTemporaryDisabled' }, 'unavailable'],
    [403, { code: 'Forbidden' }, 'unavailable'],
    [500, { code: 'InvalidParameter.RefreshToken' }, 'unavailable'],
    [200, {}, 'unavailable'],
    [200, undefined, 'unavailable'],
  ])('%i %j decides nothing', async (status, json, code) => {
    const error = await failureOf(refreshWebToken(answering(status, json).options, 'app', 'old'));
    expect(error.code).toBe(code);
  });

  it('passes on how long the service wants to be left alone', async () => {
    const { options } = answering(429, undefined, { 'x-retry-after': '1500' });
    expect((await failureOf(refreshWebToken(options, 'app', 'old'))).retryAfterMs).toBe(1500);
  });
});

describe('tokens', () => {
  it.each([
    ['a.b.c', true],
    ['0123456789abcdef0123456789abcdef', false],
    ['a.b', false],
  ])('%s is a JWT: %s', (token, expected) => {
    expect(isJwt(token)).toBe(expected);
  });

  it.each(['a.b.c', '', 'a.bnVsbA.c', `a.${Buffer.from('[1]').toString('base64url')}.c`])(
    'reads no claims from %j',
    (token) => {
      expect(readClaims(token)).toEqual({});
    },
  );
});
