import { DriveError } from '../drive/errors.ts';
import { toDriveError } from './errors.ts';
import type { HttpAnswer } from './http.ts';
import { type JsonObject, readId, readNumber, readText, toObject } from './json.ts';

/** What a refresh endpoint hands out. */
export interface TokenGrant {
  readonly accessToken: string;
  /** Epoch ms by our clock. */
  readonly expiresAt: number;
  /** Absent when the login cannot be renewed, or stays as it is. */
  readonly refreshToken: string | undefined;
  readonly userId: string | undefined;
}

/** A refresh token was refused for good: asking again with it is of no use. */
export interface Refusal {
  /** What is wrong: the token, the endpoint (the token is of another kind), or our settings, whatever the token. */
  readonly fault: 'refresh-token' | 'endpoint' | 'settings';
  /** For people, without a full stop: of the settings it says all, of a token it goes on after "does not work: ". */
  readonly message: string;
}

export type RefreshResult =
  | { readonly grant: TokenGrant; readonly refusal?: never }
  | { readonly refusal: Refusal; readonly grant?: never };

const DEFAULT_LIFE_S = 7200;

/**
 * Reads a refresh endpoint's answer of status 200.
 * @param askedAt epoch ms: the life counts from before the call, so that we never think it longer than it is
 * @throws DriveError `unavailable` for a body that grants nothing, such as a web page of a proxy
 */
export function toGrant(answer: HttpAnswer, askedAt: number): TokenGrant {
  const json = toObject(answer.json);
  const accessToken = readText(json, 'access_token');
  if (!accessToken) throw toUndecided(answer);
  // `expire_time` and the claim `exp` would depend on our clock being right.
  const lifeS = readNumber(json, 'expires_in') ?? DEFAULT_LIFE_S;
  return {
    accessToken,
    expiresAt: askedAt + lifeS * 1000,
    refreshToken: readText(json, 'refresh_token'),
    userId: readId(json, 'user_id') ?? readText(readClaims(accessToken), 'sub'),
  };
}

/** An answer from which nothing follows for the token, whatever its code says: asking again later may do. */
export function toUndecided(answer: HttpAnswer): DriveError {
  const error = toDriveError(answer);
  if (error.code === 'throttled') return error;
  const message = `AliyunDrive gave no usable answer (HTTP ${answer.status}).`;
  return new DriveError('unavailable', message, { cause: error, retryAfterMs: error.retryAfterMs });
}

/** The claims of a JWT, unverified: only its maker can check it. Empty for anything else. */
export function readClaims(token: string): JsonObject {
  try {
    return toObject(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
  } catch {
    return {};
  }
}

/** Tokens of the open platform are JWTs; those of the page and of the app are opaque. */
export function isJwt(token: string): boolean {
  return token.split('.').length === 3;
}

/** @param code the service's word, for people who search for it */
export function toRefusal(fault: 'refresh-token' | 'endpoint', code: string): RefreshResult {
  const said = { 'refresh-token': 'AliyunDrive refuses it', endpoint: 'AliyunDrive does not know it as of this kind' };
  return { refusal: { fault, message: `${said[fault]} (${code})` } };
}
