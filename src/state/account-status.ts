/** Where a refresh token comes from: the web page, the app, or the open platform. Each has a refresh endpoint of its own. */
export type TokenKind = 'page' | 'app' | 'open';

/** What is known about the login, for people and for readiness probes; holds no secret. */
export interface AccountStatus {
  /**
   * `ready`: there is an access token that works. `offline`: none, but trying again may get one.
   * `dead`: none, and only a person can help.
   */
  readonly state: 'starting' | 'ready' | 'offline' | 'dead';
  readonly kind: TokenKind | undefined;
  readonly userId: string | undefined;
  /** What is the matter and what to do about it; also set while `ready` when renewing the login fails. */
  readonly message: string | undefined;
  /** Epoch ms. */
  readonly accessTokenIssuedAt: number | undefined;
  /** Epoch ms. */
  readonly accessTokenExpiresAt: number | undefined;
  /** Epoch ms: when the login is looked after next. */
  readonly nextRefreshAt: number | undefined;
}
