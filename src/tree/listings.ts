import { untilAborted } from '../drive/abortable.ts';
import type { ReadDrive } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { isDriveError } from '../drive/errors.ts';
import { localKindOf } from '../drive/local-entry.ts';
import { sleep } from '../drive/sleep.ts';
import type { Logger } from '../log.ts';
import { toFolderKey } from './folder-key.ts';
import { FreshCopies } from './fresh-copies.ts';
import { couldNotAsk, type KnownListing, KnownListings } from './known-listings.ts';
import { Listing } from './listing.ts';
import type { ListingFetch } from './listing-fetch.ts';
import { type CompleteFetch, type Folder, ListingFetches } from './listing-fetches.ts';
import type { ReadOptions, TreeNode } from './node.ts';
import type { ListingMemory, Overlay } from './overlay.ts';
import { Recalls } from './recalls.ts';
import type { StoredListings } from './stored-listings.ts';

export interface ListingsDeps {
  readonly drive: Pick<ReadDrive, 'listPage'>;
  readonly overlay: Overlay;
  /** Where they outlive a restart, and what memory has no room for; undefined: nowhere. */
  readonly stored?: StoredListings | undefined;
  /** How long a listing is answered from memory without asking. */
  readonly listFreshMs: number;
  /** Bounds the memory of all listings together. */
  readonly maxEntries: number;
  /** Hears of every listing that became complete, soon after: all ids that the folder has then. Must not throw. */
  readonly onListed?: ((folder: EntryKey, ids: ReadonlySet<string>) => void) | undefined;
  readonly now: () => number;
  readonly log: Logger;
}

/** How long a reader who could have the last known listing waits where nobody knows whether the service can be reached. */
const DOUBT_MS = 1_000;

/**
 * Folders' listings by drive and id: in memory and on disk, revalidated, one fetch in flight for each, and with our own writes
 * at once. What the disk has is never older than what readers have seen last.
 */
export class Listings implements ListingMemory {
  readonly #deps: ListingsDeps;
  readonly #known: KnownListings;
  readonly #recalls: Recalls | undefined;
  readonly #fetches: ListingFetches;
  readonly #copies: FreshCopies;
  /** The last thing heard was an answer, and not that there is none. */
  #isReachable = false;

  constructor(deps: ListingsDeps) {
    this.#deps = deps;
    this.#known = new KnownListings(deps);
    this.#recalls = deps.stored && new Recalls({ ...deps, stored: deps.stored });
    this.#copies = new FreshCopies({ ...deps, readFolder: this.#readFolder.bind(this) });
    this.#fetches = new ListingFetches({
      pages: (folder, signal) => this.#copies.pages(folder, signal),
      newListing: (folder) => this.#newListing(folder),
      overlay: deps.overlay,
      onPage: () => {
        this.#isReachable = true;
      },
      onComplete: this.#noteComplete.bind(this),
      onFailed: this.#noteFailure.bind(this),
    });
    deps.overlay.attach(this);
  }

  /** @returns undefined when the folder is proven to have no entry of that name; a `DriveError` when nothing is proven. */
  async findNode(
    folder: Folder,
    name: string,
    options: ReadOptions,
    signal?: AbortSignal,
  ): Promise<TreeNode | undefined> {
    if (isLocal(folder.key)) return this.#localListing(folder.key).findNode(name);
    const known = await this.#recall(folder, options, signal);
    if (known && this.#known.isFresh(known)) {
      const node = known.listing.findNode(name);
      if (known.failure && (!node || options.forWriting)) throw known.failure;
      return node;
    }
    if (known && this.#known.isToldAtOnce(known, options)) {
      const node = known.listing.findNode(name);
      if (node) {
        this.#fetches.beginBehind(folder, signal);
        return node;
      }
    }
    const fetch = await this.#fetches.join(folder, options.fresh === true, signal);
    try {
      const node = (await this.#isOutOfReach(fetch, known, options, signal)) && known?.listing.findNode(name);
      return node || (await fetch.findNode(name, signal));
    } catch (error) {
      const node = this.#findLastKnown(folder, options, error)?.findNode(name);
      if (!node) throw error;
      return node;
    } finally {
      fetch.leave();
    }
  }

  /** Whether what is there is told from a listing that is being revalidated behind the answer. */
  isToldFromBefore(folder: EntryKey, options: ReadOptions): boolean {
    const known = this.#known.peek(toFolderKey(folder));
    return known !== undefined && !this.#known.isFresh(known) && this.#known.isToldAtOnce(known, options);
  }

  /** A listing in memory comes whole, another page by page as it arrives; throws rather than end short. */
  async *list(folder: Folder, options: ReadOptions, signal?: AbortSignal): AsyncGenerator<readonly TreeNode[]> {
    if (isLocal(folder.key)) {
      yield this.#localListing(folder.key).nodes;
      return;
    }
    const known = await this.#recall(folder, options, signal);
    if (known && this.#known.isFresh(known)) {
      if (known.failure && options.forWriting) throw known.failure;
      yield known.listing.nodes;
      return;
    }
    if (known && this.#known.isToldAtOnce(known, options)) {
      this.#fetches.beginBehind(folder, signal);
      yield known.listing.nodes;
      return;
    }
    let handedOut = false;
    const fetch = await this.#fetches.join(folder, options.fresh === true, signal);
    try {
      if (known && (await this.#isOutOfReach(fetch, known, options, signal))) {
        yield known.listing.nodes;
        return;
      }
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

  /** From memory alone, where that is fresh; undefined says nothing. */
  findAtOnce(key: EntryKey, name: string): TreeNode | undefined {
    if (isLocal(key)) return this.#localListing(key).findNode(name);
    const known = this.#known.get(toFolderKey(key));
    return known && this.#known.isFresh(known) ? known.listing.findNode(name) : undefined;
  }

  /** From memory alone, however old; also from the pages of a fetch under way. */
  peekNode(key: EntryKey, name: string): TreeNode | undefined {
    if (isLocal(key)) return this.#localListing(key).findNode(name);
    const listing = this.#known.peek(toFolderKey(key))?.listing ?? this.#fetches.find(key)?.listing;
    return listing?.findNode(name);
  }

  findParents(driveId: string): Map<string, string> {
    const parents = new Map<string, string>();
    for (const { listing } of this.#known.values()) {
      for (const entry of listing.folders()) if (entry.driveId === driveId) parents.set(entry.id, entry.parentId);
    }
    return parents;
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
    this.#known.set(toFolderKey(folder), listing, this.#deps.now(), 1);
  }

  noteCopied(copied: Entry, source: EntryKey): void {
    this.#copies.note(copied, source);
  }

  /** What was hidden and then not taken up by a change may be there or not: the next reader asks. */
  noteUnguarded(folder: EntryKey, isUnsure = false): void {
    const key = toFolderKey(folder);
    if (!isUnsure && !this.#known.peek(key)?.listing.isShort) return;
    this.#known.expire(key);
    void this.release(folder);
  }

  async release(folder: EntryKey): Promise<boolean> {
    this.#recalls?.void(folder);
    return (await this.#deps.stored?.remove(folder)) ?? true;
  }

  /** Ends the fetches under way, and resolves when nothing is being stored. */
  async stop(): Promise<void> {
    this.#fetches.stop();
    await this.#deps.stored?.idle();
  }

  #inMemory(folder: EntryKey): Listing[] {
    const known = this.#known.peek(toFolderKey(folder));
    const listings = [known?.listing, this.#fetches.find(folder)?.listing, this.#recalls?.find(folder)];
    return listings.filter((listing) => listing !== undefined);
  }

  #change(folder: EntryKey, change: (listing: Listing) => void): void {
    for (const listing of this.#inMemory(folder)) change(listing);
    this.#fetches.find(folder)?.notePatched();
    this.#known.measure(toFolderKey(folder));
  }

  /** What is known of a folder, from the disk where memory has nothing; undefined for who wants nothing of the kind. */
  async #recall(
    { key, reservedName }: Folder,
    options: ReadOptions,
    signal: AbortSignal | undefined,
  ): Promise<KnownListing | undefined> {
    if (options.fresh) return undefined;
    const mapKey = toFolderKey(key);
    const known = this.#known.get(mapKey);
    if (known || !this.#recalls) return known;
    const recall = this.#recalls.recall(
      key,
      () => this.#newListing({ key, reservedName }),
      ({ listing, fetchedAt, pageCount }) => {
        // What was hidden on the way may no longer be hidden.
        if (this.#known.peek(mapKey) || listing.isShort) return;
        this.#known.set(mapKey, listing, fetchedAt, pageCount);
      },
    );
    await untilAborted(recall, signal);
    return this.#known.get(mapKey);
  }

  /** Whether a reader is to have what is known, for the service is silent; what was asked goes on behind. */
  async #isOutOfReach(
    fetch: ListingFetch,
    known: KnownListing | undefined,
    { fresh, mayBeStale, forWriting }: ReadOptions,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (!known || this.#isReachable || !mayBeStale || fresh || forWriting) return false;
    const waiting = new AbortController();
    const stop = signal ? AbortSignal.any([signal, waiting.signal]) : waiting.signal;
    try {
      await Promise.race([fetch.moved(stop), sleep(DOUBT_MS, stop)]);
    } finally {
      waiting.abort();
    }
    if (!this.#isReachable) fetch.keep();
    return !this.#isReachable;
  }

  #findLastKnown(folder: Folder, options: ReadOptions, error: unknown): Listing | undefined {
    if (options.fresh || options.forWriting || !couldNotAsk(error)) return undefined;
    return this.#known.get(toFolderKey(folder.key))?.listing;
  }

  #noteComplete(folder: EntryKey, complete: CompleteFetch): void {
    this.#known.set(toFolderKey(folder), complete.listing, this.#deps.now(), complete.fetched.pages.length);
    void this.#keep(folder, complete);
    this.noteUnguarded(folder);
    this.#tellListed(folder, complete.listing);
  }

  /** Stores a whole listing; only then is forgotten what it shows of our writes. */
  async #keep(key: EntryKey, { listing, overlay, fetched }: CompleteFetch): Promise<void> {
    const { stored, now } = this.#deps;
    // After a restart nobody would know what of it was passing, or past.
    const isPassing = listing.isVeiled || overlay.isCorrected;
    const whole = { folder: key, pages: fetched.pages, begunAt: overlay.begunAt, fetchedAt: now() };
    const isKept = !stored || (await (isPassing ? stored.remove(key) : stored.save(whole)));
    if (isKept) overlay.confirm();
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

  #tellListed(folder: EntryKey, listing: Listing): void {
    const { onListed } = this.#deps;
    // Readers come first; whoever listens then hears of what was written meanwhile, too.
    if (onListed) setImmediate(() => onListed(folder, listing.collectIds()));
  }

  #noteFailure(folder: EntryKey, error: unknown, isBehind: boolean): void {
    // There were too many calls before it, which are not before those of who waits.
    if (isBehind && isDriveError(error, 'throttled')) return;
    const mapKey = toFolderKey(folder);
    if (!isDriveError(error, 'throttled', 'aborted')) this.#isReachable = !couldNotAsk(error);
    if (isDriveError(error, 'not-found')) {
      this.#known.delete(mapKey);
      void this.release(folder);
      return;
    }
    this.#known.noteFailure(mapKey, error);
  }
}

function isLocal(key: EntryKey): boolean {
  return localKindOf(key) !== undefined;
}
