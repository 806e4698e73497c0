import { DriveError } from '../drive/errors.ts';
import type { TokenKind } from '../state/account-status.ts';
import { type Credentials, hashLogin, type StoredCredentials } from '../state/credentials.ts';
import type { Refusal, TokenGrant } from './token-grant.ts';

/** What the account keeper lives on: a stored login, or a refresh token that a person gave and that was never used. */
export type Login =
  | { readonly kind: 'stored'; readonly credentials: Credentials }
  | { readonly kind: 'new'; readonly refreshToken: string; readonly hash: string };

/** Enough to know the tokens that a person has in a settings file somewhere. */
const HASHES_KEPT = 8;

/** A dead login stays dead until a person acts, so there is no hurry to ask again. */
const DEAD_RETRY_AFTER_MS = 60_000;

/** Only a person can help; the message says how. */
export function loginRequired(message: string, cause?: unknown): DriveError {
  return new DriveError('login-required', message, { cause, retryAfterMs: DEAD_RETRY_AFTER_MS });
}

/** A token as it comes from a variable or a file: with blanks or a line break around it. */
export function cleanToken(token: string | undefined): string | undefined {
  return token?.trim() || undefined;
}

/**
 * Decides which login serves. A configured token is compared by its hash: the login that it once started wins over it,
 * because tokens rotate and the stored one is the youngest of its line.
 * @param serving the account that this process serves already: it is never left for another one
 * @throws DriveError `login-required` when there is none, or when an unreadable file may be the one
 */
export function selectLogin(
  configured: string | undefined,
  { accounts, damaged }: StoredCredentials,
  serving: Credentials | undefined,
): Login {
  if (serving) {
    const own = accounts.find(({ userId }) => userId === serving.userId);
    return { kind: 'stored', credentials: own ?? serving };
  }
  const token = cleanToken(configured);
  const hash = token && hashLogin(token);
  const candidates = hash ? accounts.filter(({ loginHashes }) => loginHashes.includes(hash)) : accounts;
  const [latest] = [...candidates].sort((a, b) => b.signedInAt - a.signedInAt);
  if (latest) return { kind: 'stored', credentials: latest };
  if (damaged[0]) throw loginRequired(damaged[0].message, damaged[0]);
  if (token && hash) return { kind: 'new', refreshToken: token, hash };
  throw loginRequired(
    configured === undefined
      ? 'Nobody is signed in. Run "alidav login", or set ALIDAV_REFRESH_TOKEN.'
      : 'ALIDAV_REFRESH_TOKEN is set but empty, and no login is stored. Set it, or run "alidav login".',
  );
}

/** Why a login is dead, and the way out of it. */
export function toDeadMessage(login: Login, refusal: Refusal | undefined, stored: readonly Credentials[]): string {
  if (refusal?.fault === 'settings') return `${refusal.message}.`;
  const reason = refusal?.message ?? 'it has ended and cannot be renewed';
  if (login.kind === 'stored') {
    return `The stored login of user ${login.credentials.userId} no longer works: ${reason}. Sign in again with "alidav login".`;
  }
  const kept = stored.map(({ userId }) => userId).join(', ');
  return [
    `The refresh token in ALIDAV_REFRESH_TOKEN does not work: ${reason}.`,
    'Set a new one, or run "alidav login".',
    kept && `The login stored before (user ${kept}) is kept: it serves again when ALIDAV_REFRESH_TOKEN is unset.`,
  ]
    .filter(Boolean)
    .join(' ');
}

export function toSignInMessage({ fault, message }: Refusal): string {
  return fault === 'settings' ? `${message}.` : `This refresh token does not work: ${message}.`;
}

export interface FirstGrant {
  /** The token that a person gave. */
  readonly refreshToken: string;
  readonly kind: TokenKind;
  readonly grant: TokenGrant;
  /** Hashes of tokens that the new login takes the place of. */
  readonly replacedHashes: readonly string[];
  readonly at: number;
}

/** Credentials of a new login; it takes the place of an earlier one of the same user and answers to its tokens too. */
export function startLogin(first: FirstGrant, stored: readonly Credentials[]): Credentials {
  const hash = hashLogin(first.refreshToken);
  const { grant, kind, at } = first;
  // A grant that hides its user is kept all the same: the token that it was bought with is spent.
  const userId = grant.userId ?? toLoginName(hash);
  const earlier = stored.find((credentials) => credentials.userId === userId);
  const hashes = new Set([hash, ...(earlier?.loginHashes ?? []), ...first.replacedHashes]);
  return {
    userId,
    kind,
    ...toTokens(grant, first.refreshToken, undefined, at),
    signedInAt: at,
    loginHashes: [...hashes].slice(0, HASHES_KEPT),
    others: earlier?.others ?? {},
  };
}

/** Credentials after their refresh token, or the one before it, was spent. */
export function continueLogin(
  credentials: Credentials,
  spent: string,
  kind: TokenKind,
  grant: TokenGrant,
  at: number,
): Credentials {
  return { ...credentials, kind, ...toTokens(grant, spent, credentials.previousRefreshToken, at) };
}

/** Names a login whose user is not known. */
export function toLoginName(hash: string): string {
  return `login-${hash.slice(0, 16)}`;
}

/** Without a new refresh token in the grant (PKCE), the spent one is all there is. */
function toTokens(grant: TokenGrant, spent: string, previous: string | undefined, at: number) {
  const isRotated = grant.refreshToken !== undefined && grant.refreshToken !== spent;
  return {
    accessToken: grant.accessToken,
    accessTokenExpiresAt: grant.expiresAt,
    refreshToken: grant.refreshToken ?? spent,
    previousRefreshToken: isRotated ? spent : previous,
    refreshedAt: at,
  };
}
