import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Entry, EntryKey } from '../drive/entry.ts';
import type { StateKey, StateStore, StateValue } from '../state/store.ts';
import { toFolderKey } from './folder-key.ts';
import { createRowParser, formatRow } from './listing-rows.ts';

/** A whole listing as the service gave it: without our own writes, and without what lives with us alone. */
export interface FetchedListing {
  readonly folder: EntryKey;
  /** As they came: equal names are told apart by the order. */
  readonly pages: readonly (readonly Entry[])[];
  /** Epoch ms, by our clock: what was written later is not in it for certain. */
  readonly begunAt: number;
  /** Epoch ms, by our clock: when its last page was there. */
  readonly fetchedAt: number;
}

export interface RecalledListing extends Omit<FetchedListing, 'pages'> {
  readonly pageCount: number;
  /** One after another, so that nothing else waits long; throws rather than end short. */
  readonly pages: AsyncIterable<readonly Entry[]>;
}

export interface ListingFilesDeps {
  readonly store: StateStore;
  readonly userId: () => Promise<string>;
  readonly now: () => number;
}

/** What stands under a folder's key: where its pages are. It is written after them, so that it never leads to half a listing. */
interface Head {
  /** The pages' own name, begun with the instant at which they were written, so that what a crash has left shows its age. */
  readonly generation: string;
  readonly begunAt: number;
  readonly fetchedAt: number;
  readonly pageCount: number;
  readonly entryCount: number;
}

/** Some hundreds of kilobytes, in one transaction. */
const PAGES_AT_A_TIME = 8;
const MAX_TRIES = 3;
const KEPT_MS = 60 * 24 * 3_600_000;
/** Pages that no head leads to may be those of another process that is just writing them. */
const STRAY_AGE_MS = 3_600_000;
/** A folder takes its place however few entries it has. */
const ENTRIES_A_FOLDER = 10;

/** The form that listings have in the store: a head for each folder, and its pages beside it. */
export class ListingFiles {
  readonly #store: StateStore;
  readonly #userId: () => Promise<string>;
  readonly #now: () => number;

  constructor({ store, userId, now }: ListingFilesDeps) {
    this.#store = store;
    this.#userId = userId;
    this.#now = now;
  }

  async find(folder: EntryKey): Promise<RecalledListing | undefined> {
    const head = parseHead(await this.#store.get(await this.#headKey(folder)));
    return head && { folder, ...head, pages: this.#readPages(folder, head) };
  }

  /** Resolves when a crash would find it, or a newer one that another process has stored. Rejects as the store does. */
  async save(listing: FetchedListing): Promise<void> {
    const { folder, pages, begunAt, fetchedAt } = listing;
    const generation = `${this.#now()}-${randomUUID()}`;
    const entryCount = pages.reduce((sum, page) => sum + page.length, 0);
    const head: Head = { generation, begunAt, fetchedAt, pageCount: pages.length, entryCount };
    await this.#writePages(listing, generation);
    const headKey = await this.#headKey(folder);
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const stored = await this.#store.get(headKey);
      const before = parseHead(stored);
      // One from the future is from before the clock was put back.
      const isNewer = before && before.begunAt > begunAt && before.begunAt <= this.#now();
      if (isNewer) return this.#removePages(folder, head);
      if (!(await this.#store.compareAndSet(headKey, stored, head))) continue;
      if (before) await this.#removePages(folder, before);
      return;
    }
    throw new Error('Other processes store this folder again and again.');
  }

  async remove(folder: EntryKey): Promise<void> {
    const headKey = await this.#headKey(folder);
    const stored = await this.#store.get(headKey);
    if (stored === undefined) return;
    await this.#store.remove(headKey);
    const head = parseHead(stored);
    if (head) await this.#removePages(folder, head);
  }

  /** Removes what is too much, the oldest first, what is too old, and what crashes have left. */
  async sweep(maxEntries: number, isSpared: (folder: EntryKey) => boolean): Promise<void> {
    const heads = await this.#listHeads();
    let kept = 0;
    for (const { folder, head } of heads) {
      kept += head.entryCount + ENTRIES_A_FOLDER;
      const isFirst = kept === head.entryCount + ENTRIES_A_FOLDER;
      const isOverdue = (kept > maxEntries && !isFirst) || this.#now() - head.fetchedAt > KEPT_MS;
      if (isOverdue && !isSpared(folder)) await this.remove(folder);
    }
    await this.#sweepStrays(new Map(heads.map(({ folder, head }) => [toFolderKey(folder), head.generation])));
  }

  /** The latest first. */
  async #listHeads(): Promise<{ readonly folder: EntryKey; readonly head: Head }[]> {
    const heads: { readonly folder: EntryKey; readonly head: Head }[] = [];
    for await (const { key, value } of this.#store.range([await this.#userId(), 'v1', 'listing'])) {
      const head = parseHead(value);
      const [, , , driveId, id] = key;
      if (head) heads.push({ folder: { driveId: String(driveId), id: String(id) }, head });
      else await this.#store.remove(key);
    }
    return heads.toSorted((one, other) => other.head.fetchedAt - one.head.fetchedAt);
  }

  async #sweepStrays(generations: ReadonlyMap<string, string>): Promise<void> {
    const strays: StateKey[] = [];
    for await (const key of this.#store.keys([await this.#userId(), 'v1', 'listing-page'])) {
      const [, , , driveId, id, generation] = key.map(String);
      const isLed = generations.get(toFolderKey({ driveId: driveId ?? '', id: id ?? '' })) === generation;
      const age = this.#now() - Number.parseInt(generation ?? '', 10);
      if (!isLed && !(age < STRAY_AGE_MS)) strays.push(key);
    }
    for (const key of strays) await this.#store.remove(key);
  }

  async *#readPages(folder: EntryKey, head: Head): AsyncGenerator<readonly Entry[]> {
    const parse = createRowParser(folder);
    let entryCount = 0;
    for (let page = 0; page < head.pageCount; page++) {
      const rows = await this.#store.get(await this.#pageKey(folder, head.generation, page));
      if (!Array.isArray(rows)) throw new Error('A page of a stored listing is missing.');
      entryCount += rows.length;
      yield rows.map(parse);
      await setImmediate();
    }
    if (entryCount !== head.entryCount) throw new Error('A stored listing has not as many entries as it had.');
  }

  async #writePages({ folder, pages }: FetchedListing, generation: string): Promise<void> {
    for (let first = 0; first < pages.length; first += PAGES_AT_A_TIME) {
      const some = pages.slice(first, first + PAGES_AT_A_TIME);
      const put = async (page: readonly Entry[], index: number): Promise<void> => {
        const rows = page.map((entry) => formatRow(folder, entry));
        await this.#store.put(await this.#pageKey(folder, generation, first + index), rows);
      };
      await Promise.all(some.map(put));
      await setImmediate();
    }
  }

  async #removePages(folder: EntryKey, { generation, pageCount }: Head): Promise<void> {
    const keys = await Promise.all(
      Array.from({ length: pageCount }, (_, page) => this.#pageKey(folder, generation, page)),
    );
    await Promise.all(keys.map((key) => this.#store.remove(key)));
  }

  async #headKey({ driveId, id }: EntryKey): Promise<StateKey> {
    return [await this.#userId(), 'v1', 'listing', driveId, id];
  }

  async #pageKey({ driveId, id }: EntryKey, generation: string, page: number): Promise<StateKey> {
    return [await this.#userId(), 'v1', 'listing-page', driveId, id, generation, page];
  }
}

/** @returns undefined for what no version of this program that we know has stored */
function parseHead(value: StateValue | undefined): Head | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const head = value as Head;
  const numbers = [head.begunAt, head.fetchedAt, head.pageCount, head.entryCount];
  return typeof head.generation === 'string' && numbers.every(Number.isFinite) ? head : undefined;
}
