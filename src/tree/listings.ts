import { LRUCache } from 'lru-cache';
import { throwIfAborted } from '../drive/abortable.ts';
import type { ReadDrive } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { type DriveError, isDriveError } from '../drive/errors.ts';
import { localKindOf } from '../drive/local-entry.ts';
import type { Logger } from '../log.ts';
import { toFolderKey } from './folder-key.ts';
import { FreshCopies } from './fresh-copies.ts';
import { Listing } from './listing.ts';
import { type FetchOutcome, ListingFetch } from './listing-fetch.ts';
import type { ReadOptions, TreeNode } from './node.ts';
import type { ListingMemory, Overlay } from './overlay.ts';

export interface ListingsDeps {
  readonly drive: Pick<ReadDrive, 'listPage'>;
  readonly overlay: Overlay;
  /** How long a listing is answered from memory without asking. */
  readonly listFreshMs: number;
  /** Bounds the memory of all listings together. */
  readonly maxEntries: number;
  /** Hears of every listing that became complete, soon after: all ids that the folder has then. Must not throw. */
  readonly onListed?: ((folder: EntryKey, ids: ReadonlySet<string>) => void) | undefined;
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

/** Folders' listings by drive and id: cached, revalidated, one fetch in flight for each, and with our own writes at once. */
export class Listings implements ListingMemory {
  readonly #deps: ListingsDeps;
  readonly #known: LRUCache<string, KnownListing>;
  readonly #running = new Map<string, RunningFetch>();
  readonly #copies: FreshCopies;
  #turn = 0;

  constructor(deps: ListingsDeps) {
    this.#deps = deps;
    this.#known = new LRUCache({
      maxSize: deps.maxEntries,
      // A folder without entries takes its place too; one that is larger than all of it is kept alone, for every look
      // into it would cost a call for each of its pages.
      sizeCalculation: ({ listing }) => Math.min(listing.size + 1, deps.maxEntries),
    });
    this.#copies = new FreshCopies({ ...deps, readFolder: this.#readFolder.bind(this) });
    deps.overlay.attach(this);
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
    if (isLocal(key)) return this.#localListing(key).findNode(name);
    const mapKey = toFolderKey(key);
    const known = this.#known.peek(mapKey);
    return known ? known.listing.findNode(name) : this.#running.get(mapKey)?.fetch.listing.findNode(name);
  }

  findNamed(folder: EntryKey, serviceName: string): readonly Entry[] {
    return this.#inMemory(folder).flatMap((listing) => listing.entriesNamed(serviceName));
  }

  patch(folder: EntryKey, removed: readonly Entry[], placed: readonly Entry[]): void {
    this.#change(folder, (listing) => listing.patch(removed, placed));
  }

  observe(folder: EntryKey, id: string, shown: Entry | undefined): void {
    this.#change(folder, (listing) => (shown ? listing.observe(shown) : listing.remove(id)));
  }

  noteEmpty(folder: EntryKey): void {
    const listing = this.#newListing({ key: folder, reservedName: undefined });
    listing.addPage(this.#deps.overlay.localEntries(folder));
    this.#know(toFolderKey(folder), listing);
  }

  noteCopied(copied: Entry, source: EntryKey): void {
    this.#copies.note(copied, source);
  }

  /** What was hidden and then not taken up by a change may be there or not: the next reader asks. */
  noteUnguarded(folder: EntryKey, isUnsure = false): void {
    const known = this.#known.peek(toFolderKey(folder));
    if (known && (isUnsure || known.listing.isShort)) known.freshUntil = Math.min(known.freshUntil, this.#deps.now());
  }

  #inMemory(folder: EntryKey): Listing[] {
    const mapKey = toFolderKey(folder);
    return [this.#known.peek(mapKey)?.listing, this.#running.get(mapKey)?.fetch.listing].filter(
      (listing) => listing !== undefined,
    );
  }

  #change(folder: EntryKey, change: (listing: Listing) => void): void {
    for (const listing of this.#inMemory(folder)) change(listing);
    const mapKey = toFolderKey(folder);
    this.#running.get(mapKey)?.fetch.notePatched();
    const known = this.#known.peek(mapKey);
    // Another object: the cache measures what it holds only when it is given something new.
    if (known) this.#known.set(mapKey, { ...known });
  }

  #findFresh(folder: Folder, options: ReadOptions): KnownListing | undefined {
    // What lives with us alone, the service is never asked for.
    if (isLocal(folder.key)) {
      return { listing: this.#localListing(folder.key), freshUntil: Number.POSITIVE_INFINITY, failure: undefined };
    }
    if (options.fresh) return undefined;
    const known = this.#known.get(toFolderKey(folder.key));
    return known && this.#deps.now() < known.freshUntil ? known : undefined;
  }

  #findLastKnown(folder: Folder, options: ReadOptions, error: unknown): Listing | undefined {
    if (options.fresh || !couldNotAsk(error)) return undefined;
    return this.#known.get(toFolderKey(folder.key))?.listing;
  }

  /**
   * Joins the fetch under way or begins one. A fetch that began before a fresh answer was asked for may hold what was true
   * before: such a request waits for its end, and all who wait share the next one.
   */
  async #joinFetch(folder: Folder, options: ReadOptions, signal: AbortSignal | undefined): Promise<ListingFetch> {
    const asked = ++this.#turn;
    for (;;) {
      throwIfAborted(signal);
      const running = this.#running.get(toFolderKey(folder.key));
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
    const mapKey = toFolderKey(folder.key);
    const listing = this.#newListing(folder);
    const overlay = this.#deps.overlay.beginFetch(folder.key);
    const onEnd = (outcome: FetchOutcome): void => {
      this.#running.delete(mapKey);
      if (outcome.state === 'complete') {
        this.#know(mapKey, listing);
        this.noteUnguarded(folder.key);
        this.#tellListed(folder.key, listing);
      } else if (outcome.state === 'failed') {
        this.#noteFailure(mapKey, outcome.error);
      }
    };
    const fetch = new ListingFetch({
      pages: (signal) => this.#copies.pages(folder.key, signal),
      listing,
      overlay,
      onEnd,
    });
    this.#running.set(mapKey, { fetch, turn: ++this.#turn });
    void fetch.run();
    return fetch;
  }

  /** What the drive has in a folder. */
  async #readFolder(key: EntryKey, signal: AbortSignal): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    for await (const nodes of this.list({ key, reservedName: undefined }, {}, signal)) {
      for (const { entry } of nodes) if (localKindOf(entry) === undefined) entries.push(entry);
    }
    return entries;
  }

  #newListing({ key, reservedName }: Folder): Listing {
    return new Listing(reservedName, () => this.#deps.overlay.findGuards(key));
  }

  #localListing(key: EntryKey): Listing {
    const listing = this.#newListing({ key, reservedName: undefined });
    listing.addPage(this.#deps.overlay.localEntries(key));
    return listing;
  }

  #know(mapKey: string, listing: Listing): void {
    this.#known.set(mapKey, { listing, freshUntil: this.#deps.now() + this.#deps.listFreshMs, failure: undefined });
  }

  #tellListed(folder: EntryKey, listing: Listing): void {
    const { onListed } = this.#deps;
    // Readers come first; whoever listens then hears of what was written meanwhile, too.
    if (onListed) setImmediate(() => onListed(folder, listing.collectIds()));
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

function isLocal(key: EntryKey): boolean {
  return localKindOf(key) !== undefined;
}
