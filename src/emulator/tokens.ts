import { createHmac, randomBytes } from 'node:crypto';
import { apiError } from './errors.ts';
import type { Settings } from './settings.ts';

/** Where a login came from. Each kind has a refresh endpoint of its own, and its links differ in their Referer rule. */
export type LoginKind = 'page' | 'app' | 'open';

export const LOGIN_KINDS: readonly LoginKind[] = ['page', 'app', 'open'];

export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAt: number;
}

interface RefreshState {
  readonly kind: LoginKind;
  readonly expiresAt: number;
  /** When it was first used; one more use may follow within the grace time. */
  usedAt: number | undefined;
  dead: boolean;
}

interface AccessState {
  readonly kind: LoginKind;
  readonly expiresAt: number;
}

interface TokensOptions {
  readonly settings: Readonly<Settings>;
  readonly now: () => number;
  readonly userId: string;
  readonly clientId: string;
  readonly driveIds: readonly string[];
}

/** An open refresh token lives 90 days; the others' life is undocumented, so they get the same. */
const REFRESH_TTL_MS = 90 * 86_400_000;
/** Dead access tokens are remembered this long, so that they are told apart from garbage. */
const REMEMBERED_MS = 86_400_000;

/** Issues, rotates and checks tokens of all three kinds. */
export class Tokens {
  readonly #options: TokensOptions;
  readonly #secret = randomBytes(32);
  readonly #refresh = new Map<string, RefreshState>();
  readonly #access = new Map<string, AccessState>();
  readonly #revoked = new Set<string>();

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  /** A new login, as a person makes it in the page, the app or by consent to an application. */
  login(kind: LoginKind): string {
    const token = kind === 'open' ? this.#makeJwt('HS256', REFRESH_TTL_MS) : randomBytes(16).toString('hex');
    const expiresAt = this.#options.now() + REFRESH_TTL_MS;
    this.#refresh.set(token, { kind, expiresAt, usedAt: undefined, dead: false });
    return token;
  }

  /**
   * Spends a refresh token at the endpoint of a kind.
   * @throws ApiError in that endpoint's words.
   */
  rotate(kind: LoginKind, refreshToken: string): IssuedTokens {
    const { settings, now } = this.#options;
    const state = this.#refresh.get(refreshToken);
    if (!state || state.dead) throw this.#refused(kind);
    if (state.kind !== kind) throw kind === 'open' ? this.#refused(kind) : apiError('web', settings.wrongEndpointCode);
    if (state.expiresAt <= now()) {
      throw kind === 'open' ? apiError('open', 'RefreshTokenExpired') : this.#refused(kind);
    }
    const graceMs = kind === 'open' ? settings.openGraceMs : settings.webGraceMs;
    if (state.usedAt === undefined) {
      state.usedAt = now();
      state.dead = graceMs === 0;
    } else {
      state.dead = true;
      if (now() - state.usedAt > graceMs) throw this.#refused(kind);
    }
    return { ...this.issueAccessToken(kind), refreshToken: this.login(kind) };
  }

  issueAccessToken(kind: LoginKind): Omit<IssuedTokens, 'refreshToken'> {
    const { settings, now } = this.#options;
    this.#forgetOld();
    const expiresAt = now() + settings.accessTokenTtlMs;
    const accessToken = this.#makeJwt(kind === 'open' ? 'HS256' : 'RS256', settings.accessTokenTtlMs);
    this.#access.set(accessToken, { kind, expiresAt });
    return { accessToken, expiresAt };
  }

  /** @throws ApiError `AccessTokenInvalid` or `AccessTokenExpired` when the header carries no living token of the dialect. */
  checkWeb(authorization: string | undefined): LoginKind {
    const token = bearerOf(authorization);
    const state = this.#access.get(token);
    if (!state || state.kind === 'open' || this.#revoked.has(token)) {
      throw apiError('web', 'AccessTokenInvalid', 'AccessToken is invalid. ErrValidateTokenFailed');
    }
    if (state.expiresAt <= this.#options.now()) throw apiError('web', 'AccessTokenInvalid');
    return state.kind;
  }

  checkOpen(authorization: string | undefined): LoginKind {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw apiError('open', 'AccessTokenInvalid', 'access token is blank');
    const state = this.#access.get(token);
    if (state?.kind !== 'open' || this.#revoked.has(token)) {
      throw apiError('open', 'AccessTokenInvalid', 'access token is invalid');
    }
    if (state.expiresAt <= this.#options.now()) throw apiError('open', 'AccessTokenExpired');
    return state.kind;
  }

  /** Every access token of a kind stops working before its time, as after a logout elsewhere. */
  revokeAccessTokens(kind: LoginKind): void {
    for (const [token, state] of this.#access) if (state.kind === kind) this.#revoked.add(token);
  }

  /** Every refresh token of a kind is dead for good: only a new login helps. */
  killRefreshTokens(kind: LoginKind): void {
    for (const state of this.#refresh.values()) if (state.kind === kind) state.dead = true;
  }

  #refused(kind: LoginKind): Error {
    return kind === 'open' ? apiError('open', 'AccessDenied') : apiError('web', 'InvalidParameter.RefreshToken');
  }

  #forgetOld(): void {
    const before = this.#options.now() - REMEMBERED_MS;
    for (const [token, state] of this.#access) {
      if (state.expiresAt >= before) break;
      this.#access.delete(token);
      this.#revoked.delete(token);
    }
  }

  /** Shaped like the service's tokens; nobody but this emulator can check the signature, whatever `alg` says. */
  #makeJwt(algorithm: 'HS256' | 'RS256', ttlMs: number): string {
    const { now, userId, clientId, driveIds } = this.#options;
    const issuedAt = Math.floor(now() / 1000);
    const header = algorithm === 'HS256' ? { alg: algorithm, typ: 'JWT', kid: 'KID' } : { alg: algorithm, typ: 'JWT' };
    const claims = {
      sub: userId,
      aud: clientId,
      s: '',
      d: driveIds.join(','),
      iss: 'alipan',
      exp: issuedAt + Math.ceil(ttlMs / 1000),
      iat: issuedAt,
      jti: randomBytes(16).toString('hex'),
    };
    const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${signed}.${createHmac('sha256', this.#secret).update(signed).digest('base64url')}`;
  }
}

/** One client sends a tab after the scheme, another no scheme at all; the service takes both. */
export function bearerOf(authorization: string | undefined): string {
  return (authorization ?? '').replace(/^Bearer[ \t]+/i, '').trim();
}
