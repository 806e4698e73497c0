import { DriveError } from '../../drive/errors.ts';
import { apiCodeOf } from '../errors.ts';
import type { HttpAnswer, JsonHttp } from '../http.ts';
import { readText } from '../json.ts';
import { type RefreshResult, readClaims, toGrant, toRefusal, toUndecided } from '../token-grant.ts';

export interface OpenTokenOptions {
  readonly http: JsonHttp;
  readonly openUrl: string;
  readonly clientId: string | undefined;
  /** An application with PKCE has none. */
  readonly clientSecret: string | undefined;
  readonly now: () => number;
}

/** The service was seen to hand out another user's tokens, and to do right when asked again. */
const TRIES_FOR_OWN_USER = 3;

/**
 * Spends a refresh token of the open platform, which is good for one use.
 * @throws DriveError when nothing is decided: no answer, 429, 5xx, HTML, tokens of another user
 */
export async function refreshOpenToken(options: OpenTokenOptions, refreshToken: string): Promise<RefreshResult> {
  const { http, openUrl, clientId, clientSecret, now } = options;
  if (!clientId) {
    const message =
      'The open platform needs an application of your own: set ALIDAV_CLIENT_ID, and ALIDAV_CLIENT_SECRET if it has one';
    return { refusal: { fault: 'settings', message } };
  }
  const body = {
    client_id: clientId,
    ...(clientSecret && { client_secret: clientSecret }),
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
  };
  const owner = readText(readClaims(refreshToken), 'sub');
  for (let tries = 1; tries <= TRIES_FOR_OWN_USER; tries += 1) {
    const askedAt = now();
    const answer = await http.post(`${openUrl}/oauth/access_token`, body, {});
    if (answer.status < 200 || answer.status > 299) return refuse(answer);
    const grant = toGrant(answer, askedAt);
    const user = readText(readClaims(grant.refreshToken ?? grant.accessToken), 'sub');
    if (owner === undefined || user === undefined || user === owner) return { grant };
  }
  throw new DriveError('unavailable', 'AliyunDrive answered with the tokens of another user.');
}

function refuse(answer: HttpAnswer): RefreshResult {
  const code = apiCodeOf(answer);
  // A refusal without a code comes from a gateway, not from the service; all others but 429 and 5xx are final.
  const isPassing = !code || answer.status === 429 || answer.status === 408 || answer.status >= 500;
  if (isPassing) throw toUndecided(answer);
  if (/^(InvalidClient|AppNotExists)/.test(code)) {
    const message = `AliyunDrive does not know the application: check ALIDAV_CLIENT_ID and ALIDAV_CLIENT_SECRET (${code})`;
    return { refusal: { fault: 'settings', message } };
  }
  return toRefusal('refresh-token', code);
}
