import { LRUCache } from 'lru-cache';
import { type DriveError, isDriveError } from '../drive/errors.ts';
import type { Logger } from '../log.ts';
import type { Listing } from './listing.ts';
import type { ReadOptions } from './node.ts';

/** A complete listing, and how far it can be relied on. */
export interface KnownListing {
  readonly listing: Listing;
  /** Epoch ms, by our clock. */
  readonly fetchedAt: number;
  /** How many calls another look at all of it costs. */
  readonly pageCount: number;
  /** Where it is earlier than this the clock was put back, and nobody knows the listing's age. */
  freshFrom: number;
  freshUntil: number;
  /** Until when readers need not wait for its revalidation. */
  toldUntil: number;
  /** Why it could not be revalidated; set, it no longer proves that a name is absent. */
  failure: DriveError | undefined;
}

export interface KnownListingsDeps {
  readonly listFreshMs: number;
  readonly maxEntries: number;
  readonly now: () => number;
  readonly log: Logger;
}

/** How long a failed revalidation is not repeated, unless the service names a time: an outage would slow every request. */
const FAILURE_PAUSE_MS = 5_000;
/** How old a listing of several pages may be to be told at once and revalidated behind the answer. */
const TOLD_AT_ONCE_MS = 10 * 60_000;

/** Complete listings in memory by folder, within a bound, and the rules for how long they hold. */
export class KnownListings {
  readonly #deps: KnownListingsDeps;
  readonly #known: LRUCache<string, KnownListing>;

  constructor(deps: KnownListingsDeps) {
    this.#deps = deps;
    this.#known = new LRUCache({
      maxSize: deps.maxEntries,
      // A folder without entries takes its place too; one that is larger than all of it is kept alone, for every look
      // into it would cost a call for each of its pages.
      sizeCalculation: ({ listing }) => Math.min(listing.size + 1, deps.maxEntries),
    });
  }

  get(key: string): KnownListing | undefined {
    return this.#known.get(key);
  }

  /** Does not count as use. */
  peek(key: string): KnownListing | undefined {
    return this.#known.peek(key);
  }

  /** All there are; does not count as use. */
  values(): Iterable<KnownListing> {
    return this.#known.values();
  }

  set(key: string, listing: Listing, fetchedAt: number, pageCount: number): void {
    // After the clock was put back, what seems to be still to come is of unknown age.
    const freshUntil = fetchedAt > this.#deps.now() ? 0 : fetchedAt + this.#deps.listFreshMs;
    const toldUntil = fetchedAt + TOLD_AT_ONCE_MS;
    const times = { fetchedAt, freshFrom: fetchedAt, freshUntil, toldUntil };
    this.#known.set(key, { listing, pageCount, ...times, failure: undefined });
  }

  delete(key: string): void {
    this.#known.delete(key);
  }

  /** The listing has grown or shrunk. */
  measure(key: string): void {
    const known = this.#known.peek(key);
    // Another object: the cache measures what it holds only when it is given something new.
    if (known) this.#known.set(key, { ...known });
  }

  isFresh({ freshFrom, freshUntil }: KnownListing): boolean {
    const now = this.#deps.now();
    return freshFrom <= now && now < freshUntil;
  }

  /** Whether readers need not wait for its revalidation. */
  isToldAtOnce(
    { pageCount, fetchedAt, toldUntil }: KnownListing,
    { fresh, mayBeStale, forWriting }: ReadOptions,
  ): boolean {
    const now = this.#deps.now();
    return mayBeStale === true && !fresh && !forWriting && pageCount > 1 && fetchedAt <= now && now < toldUntil;
  }

  /** Whoever reads next waits for what the service says. */
  expire(key: string): void {
    const known = this.#known.peek(key);
    if (!known) return;
    const now = this.#deps.now();
    known.freshUntil = Math.min(known.freshUntil, now);
    known.toldUntil = Math.min(known.toldUntil, now);
  }

  /** It could not be revalidated: it stays the last known one, and is not asked for again at once. */
  noteFailure(key: string, error: unknown): void {
    const known = this.#known.peek(key);
    if (!known || !couldNotAsk(error) || this.isFresh(known)) return;
    const now = this.#deps.now();
    known.failure = error;
    known.freshFrom = now;
    known.freshUntil = now + Math.min(this.#deps.listFreshMs, error.retryAfterMs ?? FAILURE_PAUSE_MS);
    this.#deps.log.warn({ folder: key, error }, 'a folder could not be asked for: its last known listing is served');
  }
}

/** The service said nothing about the folder, so what it said last still is the best answer. */
export function couldNotAsk(error: unknown): error is DriveError {
  return isDriveError(error, 'unavailable', 'throttled', 'login-required', 'invalid-request');
}
