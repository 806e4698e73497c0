import { LRUCache } from 'lru-cache';
import { throwIfAborted } from '../drive/abortable.ts';
import type { ReadDrive } from '../drive/drive.ts';
import type { EntryKey } from '../drive/entry.ts';
import { type DriveError, isDriveError } from '../drive/errors.ts';
import type { Logger } from '../log.ts';
import { Listing } from './listing.ts';
import { type FetchOutcome, ListingFetch } from './listing-fetch.ts';
import type { ReadOptions, TreeNode } from './node.ts';

export interface ListingsDeps {
  readonly drive: ReadDrive;
  /** How long a listing is answered from memory without asking. */
  readonly listFreshMs: number;
  /** Bounds the memory of all listings together. */
  readonly maxEntries: number;
  readonly now: () => number;
  readonly log: Logger;
}

export interface Folder {
  readonly key: EntryKey;
  /** A name that no entry of this folder may have in paths. */
  readonly reservedName: string | undefined;
}

/** A complete listing, and how far it can be relied on. */
interface KnownListing {
  readonly listing: Listing;
  freshUntil: number;
  /** Why it could not be revalidated; set, it no longer proves that a name is absent. */
  failure: DriveError | undefined;
}

interface RunningFetch {
  readonly fetch: ListingFetch;
  /** Its place in the order in which fetches began and fresh answers were asked for. */
  readonly turn: number;
}

/** How long a failed revalidation is not repeated, unless the service names a time: an outage would slow every request. */
const FAILURE_PAUSE_MS = 5_000;

/** Folders' listings by drive and id: cached, revalidated, one fetch in flight for each. */
export class Listings {
  readonly #deps: ListingsDeps;
  readonly #known: LRUCache<string, KnownListing>;
  readonly #running = new Map<string, RunningFetch>();
  #turn = 0;

  constructor(deps: ListingsDeps) {
    this.#deps = deps;
    this.#known = new LRUCache({
      maxSize: deps.maxEntries,
      // A folder without entries takes its place too; one that is larger than all of it is kept alone, for every look
      // into it would cost a call for each of its pages.
      sizeCalculation: ({ listing }) => Math.min(listing.nodes.length + 1, deps.maxEntries),
    });
  }

  /** @returns undefined when the folder is proven to have no entry of that name; a `DriveError` when nothing is proven. */
  async findNode(
    folder: Folder,
    name: string,
    options: ReadOptions,
    signal?: AbortSignal,
  ): Promise<TreeNode | undefined> {
    const fresh = this.#findFresh(folder, options);
    if (fresh) {
      const node = fresh.listing.findNode(name);
      if (!node && fresh.failure) throw fresh.failure;
      return node;
    }
    const fetch = await this.#joinFetch(folder, options, signal);
    try {
      return await fetch.findNode(name, signal);
    } catch (error) {
      const node = this.#findLastKnown(folder, options, error)?.findNode(name);
      if (!node) throw error;
      return node;
    } finally {
      fetch.leave();
    }
  }

  /** A fresh listing comes whole, another page by page as it arrives; throws rather than end short. */
  async *list(folder: Folder, options: ReadOptions, signal?: AbortSignal): AsyncGenerator<readonly TreeNode[]> {
    const fresh = this.#findFresh(folder, options);
    if (fresh) {
      yield fresh.listing.nodes;
      return;
    }
    let handedOut = false;
    const fetch = await this.#joinFetch(folder, options, signal);
    try {
      for await (const nodes of fetch.pages(signal)) {
        handedOut = true;
        yield nodes;
      }
    } catch (error) {
      const listing = handedOut ? undefined : this.#findLastKnown(folder, options, error);
      if (!listing) throw error;
      yield listing.nodes;
    } finally {
      fetch.leave();
    }
  }

  /** From memory alone, however old; also from the pages of a fetch under way. */
  peekNode(key: EntryKey, name: string): TreeNode | undefined {
    const mapKey = toMapKey(key);
    const known = this.#known.peek(mapKey);
    return known ? known.listing.findNode(name) : this.#running.get(mapKey)?.fetch.listing.findNode(name);
  }

  #findFresh(folder: Folder, options: ReadOptions): KnownListing | undefined {
    if (options.fresh) return undefined;
    const known = this.#known.get(toMapKey(folder.key));
    return known && this.#deps.now() < known.freshUntil ? known : undefined;
  }

  #findLastKnown(folder: Folder, options: ReadOptions, error: unknown): Listing | undefined {
    if (options.fresh || !couldNotAsk(error)) return undefined;
    return this.#known.get(toMapKey(folder.key))?.listing;
  }

  /**
   * Joins the fetch under way or begins one. A fetch that began before a fresh answer was asked for may hold what was true
   * before: such a request waits for its end, and all who wait share the next one.
   */
  async #joinFetch(folder: Folder, options: ReadOptions, signal: AbortSignal | undefined): Promise<ListingFetch> {
    const asked = ++this.#turn;
    for (;;) {
      throwIfAborted(signal);
      const running = this.#running.get(toMapKey(folder.key));
      if (!running || !options.fresh || running.turn > asked) {
        const fetch = running?.fetch ?? this.#begin(folder);
        // In the same breath as the choice: a fetch that others leave meanwhile would be stopped.
        fetch.join();
        return fetch;
      }
      await running.fetch.ended(signal);
    }
  }

  #begin(folder: Folder): ListingFetch {
    const mapKey = toMapKey(folder.key);
    const listing = new Listing(folder.reservedName);
    const onEnd = (outcome: FetchOutcome): void => {
      this.#running.delete(mapKey);
      if (outcome.state === 'complete') {
        this.#known.set(mapKey, { listing, freshUntil: this.#deps.now() + this.#deps.listFreshMs, failure: undefined });
      } else if (outcome.state === 'failed') {
        this.#noteFailure(mapKey, outcome.error);
      }
    };
    const fetch = new ListingFetch({ drive: this.#deps.drive, folder: folder.key, listing, onEnd });
    this.#running.set(mapKey, { fetch, turn: ++this.#turn });
    void fetch.run();
    return fetch;
  }

  #noteFailure(mapKey: string, error: unknown): void {
    if (isDriveError(error, 'not-found')) {
      this.#known.delete(mapKey);
      return;
    }
    const known = this.#known.peek(mapKey);
    const now = this.#deps.now();
    if (!known || !couldNotAsk(error) || now < known.freshUntil) return;
    known.failure = error;
    known.freshUntil = now + Math.min(this.#deps.listFreshMs, error.retryAfterMs ?? FAILURE_PAUSE_MS);
    this.#deps.log.warn({ folder: mapKey, error }, 'a folder could not be asked for: its last known listing is served');
  }
}

/** The service said nothing about the folder, so what it said last still is the best answer. */
function couldNotAsk(error: unknown): error is DriveError {
  return isDriveError(error, 'unavailable', 'throttled', 'login-required', 'invalid-request');
}

function toMapKey({ driveId, id }: EntryKey): string {
  return `${driveId}/${id}`;
}
