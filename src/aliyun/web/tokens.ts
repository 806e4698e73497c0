import { apiCodeOf } from '../errors.ts';
import type { JsonHttp } from '../http.ts';
import { type RefreshResult, toGrant, toRefusal, toUndecided } from '../token-grant.ts';

export interface WebTokenOptions {
  readonly http: JsonHttp;
  readonly apiUrl: string;
  readonly authUrl: string;
  readonly now: () => number;
}

/** Every other refusal may pass: the service fails in many ways while it is busy. */
const FINAL: Readonly<Record<string, 'refresh-token' | 'endpoint'>> = {
  'InvalidParameter.RefreshToken': 'refresh-token',
  RefreshTokenInvalid: 'refresh-token',
  RefreshTokenExpired: 'refresh-token',
  'InvalidParameter.ClientId': 'endpoint',
};

/**
 * Spends a refresh token of the web page or of the app at its endpoint. The other kind's endpoint refuses it unspent.
 * @throws DriveError when nothing is decided: no answer, 429, 5xx, HTML
 */
export async function refreshWebToken(
  { http, apiUrl, authUrl, now }: WebTokenOptions,
  kind: 'page' | 'app',
  refreshToken: string,
): Promise<RefreshResult> {
  const url = kind === 'page' ? `${apiUrl}/token/refresh` : `${authUrl}/v2/account/token`;
  const body = { refresh_token: refreshToken, grant_type: 'refresh_token' };
  const askedAt = now();
  const answer = await http.post(url, body, { Referer: 'https://www.alipan.com/' });
  if (answer.status >= 200 && answer.status < 300) return { grant: toGrant(answer, askedAt) };
  const code = apiCodeOf(answer) ?? '';
  const fault = answer.status < 500 ? FINAL[code] : undefined;
  if (fault) return toRefusal(fault, code);
  throw toUndecided(answer);
}
