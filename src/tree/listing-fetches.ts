import { throwIfAborted } from '../drive/abortable.ts';
import type { CallSignal } from '../drive/call-signal.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import type { FetchOverlay } from './fetch-overlay.ts';
import { FetchedPages } from './fetched-pages.ts';
import { toFolderKey } from './folder-key.ts';
import type { Listing } from './listing.ts';
import { type FetchOutcome, ListingFetch } from './listing-fetch.ts';
import type { Overlay } from './overlay.ts';

export interface Folder {
  readonly key: EntryKey;
  /** A name that no entry of this folder may have in paths. */
  readonly reservedName: string | undefined;
}

/** A fetch that came to its end. */
export interface CompleteFetch {
  readonly listing: Listing;
  readonly overlay: FetchOverlay;
  readonly fetched: FetchedPages;
}

export interface ListingFetchesDeps {
  readonly pages: (folder: EntryKey, signal: AbortSignal) => AsyncIterable<readonly Entry[]>;
  readonly newListing: (folder: Folder) => Listing;
  readonly overlay: Overlay;
  readonly onPage: () => void;
  /** Called before any waiter hears of it. */
  readonly onComplete: (folder: EntryKey, complete: CompleteFetch) => void;
  /** @param isBehind nobody ever waited for it */
  readonly onFailed: (folder: EntryKey, error: unknown, isBehind: boolean) => void;
}

interface RunningFetch {
  readonly fetch: ListingFetch;
  /** Its place in the order in which fetches began and fresh answers were asked for. */
  readonly turn: number;
}

/** The fetches of listings under way, one for each folder. */
export class ListingFetches {
  readonly #deps: ListingFetchesDeps;
  readonly #running = new Map<string, RunningFetch>();
  #turn = 0;

  constructor(deps: ListingFetchesDeps) {
    this.#deps = deps;
  }

  find(folder: EntryKey): ListingFetch | undefined {
    return this.#running.get(toFolderKey(folder))?.fetch;
  }

  /**
   * Joins the fetch under way or begins one. A fetch that began before a fresh answer was asked for may hold what was true
   * before: such a request waits for its end, and all who wait share the next one.
   */
  async join(folder: Folder, isFresh: boolean, signal: CallSignal | undefined): Promise<ListingFetch> {
    const asked = ++this.#turn;
    for (;;) {
      throwIfAborted(signal);
      const running = this.#running.get(toFolderKey(folder.key));
      if (!running || !isFresh || running.turn > asked) {
        const fetch = running?.fetch ?? this.#begin(folder, signal);
        // In the same breath as the choice: a fetch that others leave meanwhile would be stopped.
        fetch.join();
        return fetch;
      }
      running.fetch.raise();
      await running.fetch.ended(signal);
    }
  }

  /** The one place where a listing is asked for that nobody waits for; who wants it after all joins it. */
  beginBehind(folder: Folder, origin: CallSignal | undefined): void {
    const fetch = this.find(folder.key) ?? this.#begin(folder, origin);
    fetch.keep();
  }

  stop(): void {
    for (const { fetch } of [...this.#running.values()]) fetch.stop();
  }

  #begin(folder: Folder, origin: CallSignal | undefined): ListingFetch {
    const { pages, newListing, onComplete, onFailed } = this.#deps;
    const { key } = folder;
    const listing = newListing(folder);
    const overlay = this.#deps.overlay.beginFetch(key);
    const fetched = new FetchedPages();
    const onEnd = (outcome: FetchOutcome): void => {
      this.#running.delete(toFolderKey(key));
      if (outcome.state === 'complete') onComplete(key, { listing, overlay, fetched });
      else if (outcome.state === 'failed') onFailed(key, outcome.error, fetch.isBehind);
    };
    const fetch = new ListingFetch(
      { pages: (signal) => this.#takeDown(pages(key, signal), fetched), listing, overlay, onEnd },
      origin,
    );
    this.#running.set(toFolderKey(key), { fetch, turn: ++this.#turn });
    void fetch.run();
    return fetch;
  }

  async *#takeDown(
    pages: AsyncIterable<readonly Entry[]>,
    fetched: FetchedPages,
  ): AsyncGenerator<readonly Entry[], void> {
    for await (const page of pages) {
      this.#deps.onPage();
      fetched.add(page);
      yield page;
    }
  }
}
