import { randomUUID } from 'node:crypto';
import type { StateStore } from '../state/store.ts';
import { DavError } from './errors.ts';
import { createLockStore, type LockStore } from './lock-store.ts';
import { isAlive, type Lock, LockTable, parentOf } from './lock-table.ts';

export type { Lock } from './lock-table.ts';

export interface LockSystemDeps {
  readonly store: StateStore;
  /** Whose locks; rejects with a `DriveError` while nobody has signed in. */
  readonly userId: () => Promise<string>;
  readonly now: () => number;
}

export type LockRequest = Omit<Lock, 'token' | 'expiresAt'>;

/** Something inside the folder is locked, and so the folder with all in it cannot be. */
export class LockConflictBelowError extends Error {
  override readonly name = 'LockConflictBelowError';
  /** Encoded, those of `LockSystem.grant`'s conflicting locks. */
  readonly hrefs: readonly string[];

  constructor(hrefs: readonly string[]) {
    super('Something inside this folder is locked.');
    this.hrefs = hrefs;
  }
}

/** Each is read whole at the start and looked through for folders; no person holds as many. */
const MAX_LOCKS = 10_000;

/** So that the clock has surely passed the instant that a timer was set for. */
const EXPIRY_MARGIN_MS = 20;
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The locks of an account by path (RFC 4918 §6, §7): kept in memory, each change on disk before it counts, those of other
 * processes heard of within a second. A lock past its time is gone. Every method rejects with what `userId` rejects with.
 */
export class LockSystem {
  readonly #store: LockStore;
  readonly #now: () => number;
  readonly #listeners = new Set<(path: string) => void>();
  #table: LockTable | undefined;
  /** Another process may have changed what is stored. */
  #isStale = false;
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;

  constructor({ store, userId, now }: LockSystemDeps) {
    this.#store = createLockStore(store, userId);
    this.#now = now;
  }

  /** The locks on a resource itself and those that it inherits from the folders above; also for a name that is free. */
  async covering(path: string): Promise<readonly Lock[]> {
    return (await this.#ready()).covering(path, this.#now());
  }

  /** The locks of whatever depth that protect who is a member of the folder above (RFC 4918 §7.4). */
  async membership(path: string): Promise<readonly Lock[]> {
    const folder = parentOf(path);
    return folder === undefined ? [] : this.covering(folder);
  }

  /** The locks on a resource and on all that is below it. */
  async within(path: string): Promise<readonly Lock[]> {
    return (await this.#ready()).within(path, this.#now());
  }

  /** `covering` for each child of a folder, by its name, as of now. */
  async ofChildren(folder: string): Promise<(name: string) => readonly Lock[]> {
    return (await this.#ready()).ofChildren(folder, this.#now());
  }

  /**
   * @throws DavError 423 `no-conflicting-lock` with the locks in the way; LockConflictBelowError where they are inside the
   * folder; DavError 507 for one lock too many
   */
  grant(request: LockRequest): Promise<Lock> {
    return this.#inTurn(async () => {
      const table = await this.#reload();
      this.#refuseConflicts(table, request);
      if (table.size >= MAX_LOCKS) throw new DavError(507, 'There are too many locks already.');
      const token = `urn:uuid:${randomUUID()}`;
      return this.#save(table, { ...request, token, expiresAt: this.#expiryOf(request.timeoutS) });
    });
  }

  /** @returns undefined when there is no such lock any more */
  refresh(token: string, timeoutS: number): Promise<Lock | undefined> {
    return this.#inTurn(async () => {
      const table = await this.#reload();
      const lock = table.find(token, this.#now());
      return lock && this.#save(table, { ...lock, timeoutS, expiresAt: this.#expiryOf(timeoutS) });
    });
  }

  /** Absent counts as done. */
  release(token: string): Promise<void> {
    return this.#inTurn(async () => {
      const table = await this.#current();
      await this.#drop(
        table,
        table.all().filter((lock) => lock.token === token),
      );
    });
  }

  /**
   * Ends the locks on what is no longer at this path, and on all that was below it; `members`: on that alone, where what has
   * come to a locked path stays under its lock (RFC 4918 §9.9.4).
   */
  forget(path: string, what: 'all' | 'members' = 'all'): Promise<void> {
    return this.#inTurn(async () => {
      const table = await this.#current();
      const locks = table.within(path, this.#now());
      await this.#drop(table, what === 'all' ? locks : locks.filter((lock) => lock.path !== path));
    });
  }

  /**
   * Tells the path of each lock that ends, in whatever way; what was below it may be free now, too. Only as long as this
   * system is in use: the locks that are stored are not read for it.
   */
  onReleased(listener: (path: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  async #ready(): Promise<LockTable> {
    return this.#table && !this.#isStale ? this.#table : this.#inTurn(() => this.#current());
  }

  /** Only one at a time reads or changes what is stored, so that a reader cannot bring back what was just changed. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #current(): Promise<LockTable> {
    return this.#table && !this.#isStale ? this.#table : this.#reload();
  }

  async #reload(): Promise<LockTable> {
    this.#unwatch ??= await this.#store.watch(() => this.#onChange());
    this.#isStale = false;
    const before = this.#table?.all() ?? [];
    let stored: readonly Lock[];
    try {
      stored = await this.#store.readAll();
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
    const now = this.#now();
    const alive = stored.filter((lock) => isAlive(lock, now));
    this.#table = new LockTable(alive);
    this.#schedule();
    const tokens = new Set(alive.map(({ token }) => token));
    this.#tell(before.filter(({ token }) => !tokens.has(token)));
    for (const lock of stored) {
      // On a full disk they stay for the next time; nobody takes them for living.
      if (!isAlive(lock, now)) await this.#store.remove(lock.token).catch(() => {});
    }
    return this.#table;
  }

  #onChange(): void {
    this.#isStale = true;
    // Who asks next would read it anyway; this is for those who wait to be told.
    this.#inTurn(() => this.#current()).catch(() => {});
  }

  #refuseConflicts(table: LockTable, { path, scope, depth }: LockRequest): void {
    const isInTheWay = (lock: Lock) => scope === 'exclusive' || lock.scope === 'exclusive';
    const here = table.covering(path, this.#now()).filter(isInTheWay);
    if (here.length > 0) {
      throw new DavError(423, 'Somebody else has locked this.', {
        condition: 'no-conflicting-lock',
        hrefs: [...new Set(here.map(({ href }) => href))],
      });
    }
    const below = depth === '0' ? [] : table.within(path, this.#now()).filter(isInTheWay);
    if (below.length > 0) throw new LockConflictBelowError([...new Set(below.map(({ href }) => href))]);
  }

  async #save(table: LockTable, lock: Lock): Promise<Lock> {
    await this.#store.put(lock);
    table.set(lock);
    this.#schedule();
    return lock;
  }

  async #drop(table: LockTable, locks: readonly Lock[]): Promise<void> {
    for (const lock of locks) {
      await this.#store.remove(lock.token);
      table.delete(lock.token);
      this.#tell([lock]);
    }
    this.#schedule();
  }

  #tell(ended: readonly Lock[]): void {
    for (const { path } of ended) for (const listener of this.#listeners) listener(path);
  }

  #expiryOf(timeoutS: number): number {
    return this.#now() + timeoutS * 1000;
  }

  /** Wakes up when the next lock ends, for those who wait to be told. */
  #schedule(): void {
    clearTimeout(this.#timer);
    // After `stop` nobody waits.
    if (!this.#unwatch) return;
    const next = (this.#table?.all() ?? []).reduce((least, { expiresAt }) => Math.min(least, expiresAt), Infinity);
    if (next === Infinity) return;
    const waitMs = Math.min(MAX_TIMER_MS, Math.max(0, next - this.#now()) + EXPIRY_MARGIN_MS);
    this.#timer = setTimeout(() => {
      this.#inTurn(() => this.#reload()).catch(() => {});
    }, waitMs).unref();
  }
}
