import { setTimeout } from 'node:timers/promises';
import { DriveError } from '../drive/errors.ts';
import type { Logger } from '../log.ts';
import { type Credentials, CredentialsError, type CredentialsFolder, hashLogin } from '../state/credentials.ts';
import type { Lease, StateKey, StateStore } from '../state/store.ts';
import {
  cleanToken,
  continueLogin,
  type Login,
  loginRequired,
  selectLogin,
  startLogin,
  toDeadMessage,
  toLoginName,
  toSignInMessage,
} from './login.ts';
import type { TokenEndpoints } from './token-endpoints.ts';
import type { Refusal } from './token-grant.ts';

export interface RotationOptions {
  readonly folder: CredentialsFolder;
  readonly store: StateStore;
  readonly endpoints: TokenEndpoints;
  /** The setting as it is. */
  readonly configuredToken: string | undefined;
  readonly log: Logger;
  readonly now: () => number;
}

/** Longer than a refresh takes; a holder that was killed is found out sooner. */
const LEASE_TTL_MS = 60_000;
const LEASE_POLL_MS = 100;
const LEASE_TRIES = 300;
/** A token that is about to end would end on its way. */
const LAST_MOMENTS_MS = 5000;

/** Turns refresh tokens into access tokens, so that no crash and no other process can lose the login. */
export class Rotation {
  readonly #options: RotationOptions;
  /** Refresh tokens that the service refused for good, and why: they are never sent again. */
  readonly #refused = new Map<string, Refusal>();
  /** Granted but not on disk, because the disk failed: they must get there before anything else happens. */
  #unsaved: Credentials | undefined;

  constructor(options: RotationOptions) {
    this.#options = options;
  }

  /**
   * Finds credentials with a living access token: on disk, where another process may have left them, else by a refresh.
   * @param serving those in use
   * @param unwanted an access token that will not do, because it was refused or is about to expire
   * @param signal ends the wait for another process, never a refresh under way
   * @throws DriveError `login-required`; `unavailable` and `throttled` are worth another try
   */
  async obtain(
    serving: Credentials | undefined,
    unwanted: string | undefined,
    signal: AbortSignal,
  ): Promise<Credentials> {
    try {
      for (let tries = 0; tries < LEASE_TRIES; tries += 1) {
        await this.#saveUnsaved();
        const login = await this.#select(serving);
        const obtained = this.#findUsable(login, unwanted) ?? (await this.#refreshAlone(login, serving, unwanted));
        if (obtained) return obtained;
        // Not unref'ed: a command may have nothing else to wait for.
        await setTimeout(LEASE_POLL_MS, undefined, { signal });
      }
    } catch (error) {
      throw toKeeperError(error);
    }
    throw new DriveError('unavailable', 'Another process has been renewing the login for too long.');
  }

  /**
   * Starts a login from a token that a person gave now, and stores it. It serves from then on, also where
   * ALIDAV_REFRESH_TOKEN still holds an earlier token, unless that one belongs to another stored account.
   * A token that started a stored login before is spent: that login goes on.
   * @throws DriveError `login-required` when the service does not take the token; nothing is changed then
   */
  async signIn(givenToken: string, signal: AbortSignal): Promise<Credentials> {
    const refreshToken = cleanToken(givenToken);
    if (!refreshToken) throw loginRequired('No refresh token was given.');
    const { endpoints, folder, configuredToken } = this.#options;
    try {
      const { accounts } = await folder.load();
      const started = accounts.find(({ loginHashes }) => loginHashes.includes(hashLogin(refreshToken)));
      if (started) return await this.obtain(started, undefined, signal);
      await folder.checkWritable();
      const { grant, kind, refusal } = await endpoints.refresh(refreshToken, undefined);
      if (refusal) throw loginRequired(toSignInMessage(refusal));
      const configured = cleanToken(configuredToken);
      const hash = configured && hashLogin(configured);
      const isForeign = accounts.some(
        ({ userId, loginHashes }) => userId !== grant.userId && hash !== undefined && loginHashes.includes(hash),
      );
      const replacedHashes = hash && !isForeign ? [hash] : [];
      const first = { refreshToken, kind, grant, replacedHashes, at: this.#options.now() };
      return await this.#save(startLogin(first, accounts));
    } catch (error) {
      throw toKeeperError(error);
    }
  }

  /**
   * The user of the stored login that would serve; undefined where a token was given that nobody used yet. Makes no call.
   * @throws DriveError `login-required` where there is neither
   */
  async findStoredUserId(): Promise<string | undefined> {
    try {
      const login = await this.#select(undefined);
      return login.kind === 'stored' ? login.credentials.userId : undefined;
    } catch (error) {
      throw toKeeperError(error);
    }
  }

  async #select(serving: Credentials | undefined): Promise<Login> {
    return selectLogin(this.#options.configuredToken, await this.#options.folder.load(), serving);
  }

  #findUsable(login: Login, unwanted: string | undefined): Credentials | undefined {
    if (login.kind === 'new') return undefined;
    const { credentials } = login;
    return credentials.accessToken !== unwanted && isLiving(credentials, this.#options.now()) ? credentials : undefined;
  }

  /** Undefined when another process has the lease, or had it a moment ago: what it left is to be looked at first. */
  async #refreshAlone(
    login: Login,
    serving: Credentials | undefined,
    unwanted: string | undefined,
  ): Promise<Credentials | undefined> {
    const name = leaseName(login);
    const lease = await this.#options.store.acquireLease(name, LEASE_TTL_MS);
    if (!lease) return undefined;
    try {
      for (;;) {
        const current = await this.#select(serving);
        if (leaseName(current).join() !== name.join()) return undefined;
        const usable = this.#findUsable(current, unwanted);
        if (usable) return usable;
        const outcome = await this.#spend(current, lease);
        if (outcome !== 'refused') return outcome;
        // Before it is called dead, look again: somebody may have signed in, or there is the token before.
      }
    } finally {
      await lease.release().catch((error: unknown) => {
        this.#options.log.warn({ error }, 'the lease on the login could not be given back; it will expire');
      });
    }
  }

  /** Spends one refresh token. Undefined when the lease was lost, so that nothing was sent. */
  async #spend(login: Login, lease: Lease): Promise<Credentials | 'refused' | undefined> {
    const { endpoints, folder, log, now } = this.#options;
    const tokens = refreshTokensOf(login);
    const token = tokens.find((candidate) => !this.#refused.has(candidate));
    if (!token) {
      const { accounts } = await folder.load();
      throw loginRequired(toDeadMessage(login, this.#refused.get(tokens[0] ?? ''), accounts));
    }
    await folder.checkWritable();
    if (!(await lease.renew())) return undefined;
    const known = login.kind === 'stored' ? login.credentials.kind : undefined;
    const { grant, kind, refusal } = await endpoints.refresh(token, known);
    if (refusal) {
      // What the settings spoil, they spoil for every token.
      for (const spoiled of refusal.fault === 'settings' ? tokens : [token]) this.#refused.set(spoiled, refusal);
      log.warn({ reason: refusal.message }, 'a refresh token was refused');
      return 'refused';
    }
    const { accounts } = await folder.load();
    if (login.kind === 'new') {
      return this.#save(startLogin({ refreshToken: token, kind, grant, replacedHashes: [], at: now() }, accounts));
    }
    const onDisk = accounts.find(({ userId }) => userId === login.credentials.userId);
    // Somebody signed in anew while the service was asked: that login stays.
    if (onDisk && onDisk.refreshToken !== login.credentials.refreshToken) return onDisk;
    return this.#save(continueLogin(login.credentials, token, kind, grant, now()));
  }

  /** Returns when the credentials are on disk, so that nobody uses the access token before. */
  async #save(credentials: Credentials): Promise<Credentials> {
    try {
      await this.#options.folder.save(credentials);
    } catch (cause) {
      this.#unsaved = credentials;
      const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
      throw new DriveError('unavailable', `The renewed login cannot be written to the state folder (${reason}).`, {
        cause,
      });
    }
    return credentials;
  }

  async #saveUnsaved(): Promise<void> {
    const unsaved = this.#unsaved;
    if (!unsaved) return;
    const { accounts } = await this.#options.folder.load();
    const onDisk = accounts.find(({ userId }) => userId === unsaved.userId);
    if (!onDisk || onDisk.refreshedAt <= unsaved.refreshedAt) await this.#save(unsaved);
    this.#unsaved = undefined;
  }
}

export function isLiving({ accessToken, accessTokenExpiresAt, refreshedAt }: Credentials, now: number): boolean {
  const lastMomentsMs = Math.max(0, Math.min(LAST_MOMENTS_MS, (accessTokenExpiresAt - refreshedAt) / 50));
  return accessToken !== undefined && now < accessTokenExpiresAt - lastMomentsMs;
}

/** A login that nobody used yet has no user to be named by. */
function leaseName(login: Login): StateKey {
  return [login.kind === 'stored' ? login.credentials.userId : toLoginName(login.hash), 'v1', 'rotation'];
}

/** In the order in which they are worth a try. */
function refreshTokensOf(login: Login): readonly string[] {
  if (login.kind === 'new') return [login.refreshToken];
  const { refreshToken, previousRefreshToken } = login.credentials;
  return [refreshToken, previousRefreshToken].filter((token) => token !== undefined);
}

/** What is not the service's word is a matter of this machine: an unreadable file needs a person, all else may pass. */
function toKeeperError(error: unknown): DriveError {
  if (error instanceof CredentialsError) return loginRequired(error.message, error);
  if ((error as Error).name === 'AbortError')
    return new DriveError('aborted', 'The wait was given up.', { cause: error });
  if (error instanceof DriveError) return error;
  return new DriveError('unavailable', `The login cannot be renewed: ${(error as Error).message}`, { cause: error });
}
