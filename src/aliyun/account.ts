import { DriveError, isDriveError } from '../drive/errors.ts';
import type { Logger } from '../log.ts';
import type { AccountStatus, TokenKind } from '../state/account-status.ts';
import { type Credentials, openCredentials } from '../state/credentials.ts';
import type { StateStore } from '../state/store.ts';
import type { AccessTokenSource } from './api-client.ts';
import { type JsonHttp, NoAnswerError } from './http.ts';
import { isLiving, Rotation } from './rotation.ts';
import { createTokenEndpoints, type TokenSettings } from './token-endpoints.ts';
import { waitFor } from './wait-for.ts';
import { DeviceSession } from './web/device.ts';

export interface AccountOptions {
  readonly settings: TokenSettings & { readonly refresh_token?: string | undefined };
  readonly stateDir: string;
  readonly store: StateStore;
  readonly http: JsonHttp;
  readonly log: Logger;
  readonly now?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
}

export interface AccountIdentity {
  readonly userId: string;
  readonly kind: TokenKind;
}

interface Problem {
  readonly error: DriveError;
  /** Epoch ms. */
  readonly retryAt: number;
}

/** Refreshing begins this long before the end, or a tenth of a shorter life. */
const AHEAD_MS = 600_000;
/** A dead login is looked after this often: `alidav login` may have stored a new one. It costs no network call. */
const DEAD_POLL_MS = 3000;
/** Timers stand still while a machine sleeps, so the clock is looked at again after at most this long. */
const LONGEST_NAP_MS = 60_000;
/** How long a caller waits for a refresh in flight. */
const PATIENCE_MS = 30_000;
const LONGEST_BACK_OFF_MS = 60_000;
/** A try that reaches nobody burdens nobody, and people wait for the moment when the network is back. */
const LONGEST_OFFLINE_BACK_OFF_MS = 8_000;
/** More refused access tokens than this within a minute are not cured by yet another one. */
const REFUSALS_A_MINUTE = 5;

/** Keeps one account signed in: an access token is at hand whenever the service can be reached and the login lives. */
export class Account implements AccessTokenSource {
  /** Resolves as soon as it is known who is signed in; never rejects. */
  readonly whenKnown: Promise<AccountIdentity>;
  /** For calls of the web API; an open login has no device. */
  readonly device: DeviceSession;
  readonly #rotation: Rotation;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #stopping = new AbortController();
  #tellKnown: (identity: AccountIdentity) => void = () => {};
  #credentials: Credentials | undefined;
  #refreshDueAt = 0;
  #refusedToken: string | undefined;
  #refusals: number[] = [];
  #attempt: Promise<void> | undefined;
  #problem: Problem | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;

  constructor(options: AccountOptions) {
    const { settings, stateDir, store, http, log, now = Date.now, random = Math.random } = options;
    this.#log = log;
    this.#now = now;
    this.#random = random;
    this.#rotation = new Rotation({
      folder: openCredentials(stateDir, now),
      store,
      endpoints: createTokenEndpoints(settings, http, now),
      configuredToken: settings.refresh_token,
      log,
      now,
    });
    this.whenKnown = new Promise((resolve) => {
      this.#tellKnown = resolve;
    });
    this.device = new DeviceSession({
      apiUrl: settings.api_url,
      http,
      store,
      tokens: this,
      identity: this.whenKnown,
      log,
      now,
    });
  }

  /** Undefined until somebody was signed in once. */
  get identity(): AccountIdentity | undefined {
    return this.#credentials && { userId: this.#credentials.userId, kind: this.#credentials.kind };
  }

  /** Who is signed in; where nobody was yet, waits and fails as `getAccessToken` does. */
  async getIdentity(signal?: AbortSignal): Promise<AccountIdentity> {
    if (!this.identity) await this.getAccessToken(signal);
    return this.whenKnown;
  }

  /** Whose account it is: the stored login tells without a call, also while the service cannot be reached; else as `getIdentity`. */
  async getUserId(signal?: AbortSignal): Promise<string> {
    return (
      this.identity?.userId ?? (await this.#rotation.findStoredUserId()) ?? (await this.getIdentity(signal)).userId
    );
  }

  /** Begins to look after the login, in the background. A stored access token that lives is used as it is. */
  start(): void {
    this.#isStarted = true;
    this.#look().catch(() => {});
  }

  /** Resolves when no refresh is under way: one that was begun is brought to its end, on disk. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#timer);
    this.#stopping.abort();
    await this.#attempt?.catch(() => {});
  }

  /**
   * Signs in with a refresh token that a person gave just now, and serves that login from here on.
   * @throws DriveError `login-required` when the service does not take the token; what was stored stays then
   */
  async signIn(refreshToken: string): Promise<AccountIdentity> {
    const credentials = await this.#rotation.signIn(refreshToken, this.#stopping.signal);
    this.#adopt(credentials);
    this.#schedule();
    return { userId: credentials.userId, kind: credentials.kind };
  }

  /** Tells what is known; makes no call. */
  status(): AccountStatus {
    const problem = this.#problem;
    return {
      state: this.#state(),
      kind: this.#credentials?.kind,
      userId: this.#credentials?.userId,
      message: problem?.error.message ?? this.device.problem,
      accessTokenIssuedAt: this.#credentials?.refreshedAt,
      accessTokenExpiresAt: this.#credentials?.accessTokenExpiresAt,
      nextRefreshAt: problem?.retryAt ?? (this.#credentials && this.#refreshDueAt),
    };
  }

  async getAccessToken(signal?: AbortSignal): Promise<string> {
    if (!this.#hasLivingToken()) await waitFor(this.#look(), PATIENCE_MS, signal);
    const accessToken = this.#hasLivingToken() && this.#credentials?.accessToken;
    if (!accessToken) throw new DriveError('unavailable', 'AliyunDrive gave an access token that has ended already.');
    return accessToken;
  }

  async replaceAccessToken(refused: string, signal?: AbortSignal): Promise<string> {
    if (this.#credentials?.accessToken === refused && this.#refusedToken !== refused) {
      this.#refusedToken = refused;
      const now = this.#now();
      this.#refusals = [...this.#refusals.filter((at) => now - at < 60_000), now];
      const excess = this.#refusals.length - REFUSALS_A_MINUTE;
      if (excess > 0) {
        this.#fail(new DriveError('unavailable', 'AliyunDrive refuses every access token that it gives.'), excess);
        this.#schedule();
      }
    }
    return this.getAccessToken(signal);
  }

  #state(): AccountStatus['state'] {
    if (this.#hasLivingToken()) return this.device.problem ? 'dead' : 'ready';
    if (!this.#problem) return 'starting';
    return this.#problem.error.code === 'login-required' ? 'dead' : 'offline';
  }

  #hasLivingToken(): boolean {
    const credentials = this.#credentials;
    return (
      credentials !== undefined && credentials.accessToken !== this.#refusedToken && isLiving(credentials, this.#now())
    );
  }

  /** Joins the refresh in flight, or begins one; while one has failed a moment ago, fails as it did. */
  #look(): Promise<void> {
    if (this.#attempt) return this.#attempt;
    const now = this.#now();
    if (this.#problem && this.#problem.retryAt > now) return Promise.reject(toAnswer(this.#problem, now));
    this.#attempt = this.#obtain().finally(() => {
      this.#attempt = undefined;
      this.#schedule();
    });
    return this.#attempt;
  }

  async #obtain(): Promise<void> {
    const isDue = this.#credentials !== undefined && this.#now() >= this.#refreshDueAt;
    const unwanted = this.#refusedToken ?? (isDue ? this.#credentials?.accessToken : undefined);
    try {
      this.#adopt(await this.#rotation.obtain(this.#credentials, unwanted, this.#stopping.signal));
    } catch (error) {
      if (!isDriveError(error)) throw error;
      if (error.code === 'aborted') throw new DriveError('unavailable', 'alidav is stopping.', { cause: error });
      const problem = this.#fail(error, this.#failures + 1);
      throw toAnswer(problem, this.#now());
    }
  }

  #adopt(credentials: Credentials): void {
    const now = this.#now();
    const { userId, kind, accessTokenExpiresAt, refreshedAt } = credentials;
    if (this.#credentials && (this.#credentials.kind === 'open') !== (kind === 'open')) {
      throw new DriveError('login-required', 'The new login is of another API. Restart alidav to use it.');
    }
    if (this.#credentials?.refreshedAt !== refreshedAt) {
      this.#log.info({ userId, kind, accessTokenExpiresAt }, 'signed in');
    }
    const aheadMs = Math.min(AHEAD_MS, (accessTokenExpiresAt - refreshedAt) / 10);
    const dueAt = accessTokenExpiresAt - aheadMs;
    // A short visit (whoami) with a token in its last minutes rotates nothing.
    this.#refreshDueAt = dueAt > now ? dueAt : (now + accessTokenExpiresAt) / 2;
    this.#credentials = credentials;
    this.#refusedToken = undefined;
    this.#problem = undefined;
    this.#failures = 0;
    this.#tellKnown({ userId, kind });
  }

  #fail(error: DriveError, failures: number): Problem {
    const isDead = error.code === 'login-required';
    const isOffline = error instanceof NoAnswerError && error.neverSent;
    const longestMs = isOffline ? LONGEST_OFFLINE_BACK_OFF_MS : LONGEST_BACK_OFF_MS;
    const pauseMs = Math.min(longestMs, backOffMs(failures, this.#random()));
    const waitMs = isDead ? DEAD_POLL_MS : Math.max(error.retryAfterMs ?? 0, pauseMs);
    if (this.#problem?.error.message !== error.message) {
      this.#log[isDead ? 'error' : 'warn'](
        { error },
        isDead ? 'the login needs you' : 'the login cannot be renewed yet',
      );
    }
    this.#failures = failures;
    this.#problem = { error, retryAt: this.#now() + waitMs };
    return this.#problem;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#isStarted) return;
    const at = this.#problem?.retryAt ?? this.#refreshDueAt;
    const napMs = Math.min(Math.max(at - this.#now(), 0), LONGEST_NAP_MS);
    this.#timer = setTimeout(() => {
      if (this.#now() < at) this.#schedule();
      else this.#look().catch(() => {});
    }, Math.ceil(napMs)).unref();
  }
}

/** 1, 2, 4 … 60 s, give or take a quarter, so that many who failed together do not return together. */
export function backOffMs(failures: number, random: number): number {
  const ms = 1000 * 2 ** Math.min(failures - 1, 6) * (0.75 + random / 2);
  return Math.min(LONGEST_BACK_OFF_MS, Math.max(1000, ms));
}

/** The problem as callers see it, with the time until it is looked at again. */
function toAnswer({ error, retryAt }: Problem, now: number): DriveError {
  const retryAfterMs = error.code === 'login-required' ? error.retryAfterMs : Math.ceil(retryAt - now);
  return new DriveError(error.code, error.message, { cause: error, retryAfterMs });
}
