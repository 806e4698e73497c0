import { setImmediate } from 'node:timers/promises';
import type { Entry, EntryKey } from '../drive/entry.ts';
import type { Logger } from '../log.ts';
import type { StateStore } from '../state/store.ts';
import { toFolderKey } from './folder-key.ts';
import { type FetchedListing, ListingFiles, type RecalledListing } from './listing-files.ts';

export interface StoredListingsDeps {
  readonly store: StateStore;
  /** Whose; rejects with a `DriveError` while nobody has signed in. */
  readonly userId: () => Promise<string>;
  readonly now: () => number;
  readonly log: Logger;
  /** Bounds what all listings together take on the disk; an entry takes about 200 bytes. */
  readonly maxEntries?: number;
}

/** What is to become of a folder on the disk: a newer listing, or none. */
interface Job {
  readonly folder: EntryKey;
  readonly listing: FetchedListing | undefined;
  readonly waiting: ((isDone: boolean) => void)[];
}

const DEFAULT_MAX_ENTRIES = 500_000;
/** Readers come first, and what several of them have brought is stored in one go. */
const GATHER_MS = 100;
const FOLDERS_AT_A_TIME = 16;
/** What waits beyond this is not stored. */
const MOST_WAITING = 200_000;

/**
 * Listings in the state folder, behind the readers' backs. Where a newer listing cannot be stored the older one goes: a
 * restart never brings back what a reader has seen to be past.
 */
export class StoredListings {
  readonly #files: ListingFiles;
  readonly #log: Logger;
  readonly #maxEntries: number;
  readonly #waiting = new Map<string, Job>();
  readonly #underWay = new Map<string, Job>();
  #entriesWaiting = 0;
  #entriesUnswept = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> | undefined;

  constructor({ maxEntries = DEFAULT_MAX_ENTRIES, ...deps }: StoredListingsDeps) {
    this.#files = new ListingFiles(deps);
    this.#log = deps.log;
    this.#maxEntries = maxEntries;
  }

  /** @returns undefined where nothing is stored, or nothing can be read; never rejects */
  async find(folder: EntryKey): Promise<RecalledListing | undefined> {
    const key = toFolderKey(folder);
    const job = this.#waiting.get(key) ?? this.#underWay.get(key);
    if (job) return job.listing && recallFromMemory(job.listing);
    try {
      return await this.#files.find(folder);
    } catch (error) {
      this.#log.warn({ error, folder: key }, 'a stored listing could not be read');
      return undefined;
    }
  }

  /** Soon. @returns whether nothing older than this is on the disk any more; never rejects */
  save(listing: FetchedListing): Promise<boolean> {
    const isTooMuch = this.#entriesWaiting + countEntries(listing) > MOST_WAITING;
    return this.#enter(listing.folder, isTooMuch && this.#entriesWaiting > 0 ? undefined : listing);
  }

  /** Soon. @returns whether nothing is on the disk any more; never rejects */
  remove(folder: EntryKey): Promise<boolean> {
    return this.#enter(folder, undefined);
  }

  /** Resolves when all that waits is done; nothing waits for its time any more. */
  async idle(): Promise<void> {
    while (this.#work || this.#waiting.size > 0) await (this.#work ?? this.#begin());
  }

  #enter(folder: EntryKey, listing: FetchedListing | undefined): Promise<boolean> {
    const key = toFolderKey(folder);
    const before = this.#waiting.get(key);
    const waiting = before?.waiting ?? [];
    this.#waiting.set(key, { folder, listing, waiting });
    this.#entriesWaiting += countEntries(listing) - countEntries(before?.listing);
    if (!this.#work) this.#timer ??= setTimeout(() => void this.#begin(), GATHER_MS).unref();
    return new Promise((resolve) => waiting.push(resolve));
  }

  #begin(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#work ??= this.#workThrough().finally(() => {
      this.#work = undefined;
    });
    return this.#work;
  }

  async #workThrough(): Promise<void> {
    while (this.#waiting.size > 0) {
      for (const [key, job] of [...this.#waiting].slice(0, FOLDERS_AT_A_TIME)) {
        this.#waiting.delete(key);
        this.#entriesWaiting -= countEntries(job.listing);
        this.#underWay.set(key, job);
      }
      await Promise.all(Array.from(this.#underWay.values(), (job) => this.#carryOut(job)));
      if (this.#entriesUnswept >= this.#maxEntries / 8) await this.#sweep();
    }
  }

  async #carryOut({ folder, listing, waiting }: Job): Promise<void> {
    const key = toFolderKey(folder);
    const isDone = listing ? await this.#store(listing) : await this.#drop(folder);
    this.#underWay.delete(key);
    this.#entriesUnswept += countEntries(listing);
    for (const resolve of waiting) resolve(isDone);
  }

  async #store(listing: FetchedListing): Promise<boolean> {
    try {
      await this.#files.save(listing);
      return true;
    } catch (error) {
      this.#log.warn({ error, folder: toFolderKey(listing.folder) }, 'a listing could not be stored');
      return this.#drop(listing.folder);
    }
  }

  async #drop(folder: EntryKey): Promise<boolean> {
    try {
      await this.#files.remove(folder);
      return true;
    } catch (error) {
      this.#log.warn({ error, folder: toFolderKey(folder) }, 'a stored listing could not be removed');
      return false;
    }
  }

  async #sweep(): Promise<void> {
    this.#entriesUnswept = 0;
    try {
      await this.#files.sweep(this.#maxEntries, (folder) => this.#waiting.has(toFolderKey(folder)));
    } catch (error) {
      this.#log.warn({ error }, 'old listings could not be removed');
    }
  }
}

function recallFromMemory({ pages, ...listing }: FetchedListing): RecalledListing {
  return { ...listing, pageCount: pages.length, pages: oneByOne(pages) };
}

async function* oneByOne(pages: readonly (readonly Entry[])[]): AsyncGenerator<readonly Entry[]> {
  for (const page of pages) {
    yield page;
    await setImmediate();
  }
}

function countEntries(listing: FetchedListing | undefined): number {
  return listing?.pages.reduce((sum, page) => sum + page.length, 0) ?? 0;
}
