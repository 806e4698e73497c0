import { describe, expect, it } from 'vitest';
import type { HttpAnswer, JsonHttp } from '../../../src/aliyun/http.ts';
import { refreshOpenToken } from '../../../src/aliyun/open/oauth.ts';
import { failureOf } from './account-setup.ts';

function jwt(sub: string): string {
  return `h.${Buffer.from(JSON.stringify({ sub })).toString('base64url')}.s`;
}

function answer(status: number, json: unknown): HttpAnswer {
  return { status, headers: {}, json, text: JSON.stringify(json) ?? '' };
}

/** Answers call after call; the last answer stays. */
function scripted(...answers: HttpAnswer[]) {
  const bodies: unknown[] = [];
  const http: JsonHttp = {
    async post(_url, body) {
      bodies.push(body);
      return answers[Math.min(bodies.length, answers.length) - 1] ?? answer(500, undefined);
    },
  };
  const options = { http, openUrl: 'http://open', clientId: 'id', clientSecret: 'secret', now: () => 1000 };
  return { bodies, options };
}

const granted = (sub: string) => answer(200, { access_token: jwt(sub), refresh_token: jwt(sub), expires_in: 7200 });

describe('refreshOpenToken', () => {
  it('grants by our clock', async () => {
    const { options, bodies } = scripted(granted('ann'));
    const { grant } = await refreshOpenToken(options, jwt('ann'));
    expect(grant).toEqual({ accessToken: jwt('ann'), refreshToken: jwt('ann'), expiresAt: 7_201_000, userId: 'ann' });
    expect(bodies).toEqual([
      { client_id: 'id', client_secret: 'secret', grant_type: 'refresh_token', refresh_token: jwt('ann') },
    ]);
  });

  it('sends no secret where there is none, and takes an answer without a refresh token', async () => {
    const { options, bodies } = scripted(
      answer(200, { access_token: jwt('ann'), refresh_token: null, expires_in: 2_592_000 }),
    );
    const { grant } = await refreshOpenToken({ ...options, clientSecret: undefined }, jwt('ann'));
    expect(grant).toMatchObject({ refreshToken: undefined, expiresAt: 2_592_001_000 });
    expect(bodies[0]).not.toHaveProperty('client_secret');
  });

  it('asks again when it gets the tokens of another user, three times at most', async () => {
    const mended = scripted(granted('bob'), granted('ann'));
    expect((await refreshOpenToken(mended.options, jwt('ann'))).grant?.userId).toBe('ann');
    const broken = scripted(granted('bob'));
    const error = await failureOf(refreshOpenToken(broken.options, jwt('ann')));
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('another user') });
    expect(broken.bodies).toHaveLength(3);
  });

  it('does not compare what is no JWT', async () => {
    const { options } = scripted(granted('bob'));
    expect((await refreshOpenToken(options, 'a.b.c')).grant).toBeDefined();
  });

  it.each([
    [401, 'RefreshTokenExpired', 'refresh-token'],
    [400, 'RefreshTokenInvalid', 'refresh-token'],
    [400, 'AccessDenied', 'refresh-token'],
    [403, 'SomethingNew', 'refresh-token'],
    [400, 'InvalidClientId', 'settings'],
    [401, 'InvalidClientSecret', 'settings'],
    [404, 'AppNotExists', 'settings'],
  ])('%i %s is final: %s', async (status, code, fault) => {
    const { options } = scripted(answer(status, { code, message: 'm' }));
    const { refusal } = await refreshOpenToken(options, jwt('ann'));
    expect(refusal).toMatchObject({ fault, message: expect.stringContaining(code) });
  });

  it.each([
    [429, { code: 'TooManyRequests' }, 'throttled'],
    [500, { code: 'AccessDenied' }, 'unavailable'],
    [404, { timestamp: '', status: 404, error: 'Not Found' }, 'unavailable'],
    [400, undefined, 'unavailable'],
    [200, undefined, 'unavailable'],
    [302, undefined, 'unavailable'],
  ])('%i %j decides nothing', async (status, json, code) => {
    const { options } = scripted(answer(status, json));
    expect((await failureOf(refreshOpenToken(options, jwt('ann')))).code).toBe(code);
  });
});
