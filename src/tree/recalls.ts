import type { EntryKey } from '../drive/entry.ts';
import type { Logger } from '../log.ts';
import { toFolderKey } from './folder-key.ts';
import type { Listing } from './listing.ts';
import type { RecalledListing } from './listing-files.ts';
import type { Overlay } from './overlay.ts';
import type { StoredListings } from './stored-listings.ts';

export interface RecallsDeps {
  readonly stored: StoredListings;
  readonly overlay: Overlay;
  readonly log: Logger;
}

interface Recall {
  /** As far as it is read; undefined until it is known that there is something. */
  listing: Listing | undefined;
  /** It was learned meanwhile that it must not be believed. */
  isVoid: boolean;
  readonly done: Promise<Recalled | undefined>;
}

export interface Recalled {
  readonly listing: Listing;
  readonly fetchedAt: number;
  readonly pageCount: number;
}

/** Listings on their way from the disk into memory, each once for all who ask for it; our own writes reach them as they grow. */
export class Recalls {
  readonly #deps: RecallsDeps;
  readonly #running = new Map<string, Recall>();

  constructor(deps: RecallsDeps) {
    this.#deps = deps;
  }

  /** @param onEnd called once, in the turn in which the listing is whole @returns undefined for nothing to rely on; never rejects */
  recall(
    folder: EntryKey,
    newListing: () => Listing,
    onEnd: (recalled: Recalled) => void,
  ): Promise<Recalled | undefined> {
    const key = toFolderKey(folder);
    const running = this.#running.get(key);
    if (running) return running.done;
    const recall: Recall = {
      listing: undefined,
      isVoid: false,
      done: this.#run(folder, newListing, (recalled) => {
        this.#running.delete(key);
        if (recalled && !recall.isVoid) onEnd(recalled);
        return recall.isVoid ? undefined : recalled;
      }),
    };
    this.#running.set(key, recall);
    return recall.done;
  }

  find(folder: EntryKey): Listing | undefined {
    return this.#running.get(toFolderKey(folder))?.listing;
  }

  void(folder: EntryKey): void {
    const running = this.#running.get(toFolderKey(folder));
    if (running) running.isVoid = true;
  }

  async #run(
    folder: EntryKey,
    newListing: () => Listing,
    end: (recalled: Recalled | undefined) => Recalled | undefined,
  ): Promise<Recalled | undefined> {
    const found = await this.#deps.stored.find(folder);
    if (!found) return end(undefined);
    const listing = newListing();
    const recall = this.#running.get(toFolderKey(folder));
    if (recall) recall.listing = listing;
    return end(await this.#fill(listing, found));
  }

  async #fill(listing: Listing, { folder, begunAt, fetchedAt, pageCount, pages }: RecalledListing) {
    const overlay = this.#deps.overlay.beginRecall(folder, begunAt);
    try {
      for await (const page of pages) listing.addPage(overlay.apply(page));
    } catch (error) {
      this.#deps.log.warn({ error, folder: toFolderKey(folder) }, 'a stored listing could not be read to its end');
      void this.#deps.stored.remove(folder);
      return undefined;
    }
    listing.addPage(overlay.missing(listing));
    return { listing, fetchedAt, pageCount };
  }
}
