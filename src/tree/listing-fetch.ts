import { untilAborted } from '../drive/abortable.ts';
import { Background, type CallSignal, tallyLike } from '../drive/call-signal.ts';
import type { Entry } from '../drive/entry.ts';
import type { FetchOverlay } from './fetch-overlay.ts';
import type { Listing } from './listing.ts';
import { ListingCursor } from './listing-cursor.ts';
import type { TreeNode } from './node.ts';

export interface ListingFetchDeps {
  /** Of the service's listing, each as soon as it is there. */
  readonly pages: (signal: AbortSignal) => AsyncGenerator<readonly Entry[], void>;
  /** Empty; filled page by page. */
  readonly listing: Listing;
  /** Our own writes, which the pages may lack. */
  readonly overlay: FetchOverlay;
  /** Called once, before any waiter hears of it. */
  readonly onEnd: (outcome: FetchOutcome) => void;
}

export type FetchOutcome =
  | { readonly state: 'complete' }
  | { readonly state: 'failed'; readonly error: unknown }
  /** Nobody wanted it any more. */
  | { readonly state: 'abandoned' };

interface Change {
  readonly happened: Promise<void>;
  readonly announce: () => void;
}

/** One walk through a folder's pages, shared by all who ask meanwhile; it stops when the last of them leaves. */
export class ListingFetch {
  readonly #deps: ListingFetchDeps;
  readonly #controller = new AbortController();
  /** Behind all others until somebody waits for it. */
  readonly #work = new Background(this.#controller.signal);
  #outcome: FetchOutcome | undefined;
  #change = nextChange();
  #interested = 0;
  #servedSomebody = false;

  /** @param origin whose doing it is */
  constructor(deps: ListingFetchDeps, origin?: CallSignal) {
    this.#deps = deps;
    tallyLike(this.#controller.signal, origin);
  }

  get listing(): Listing {
    return this.#deps.listing;
  }

  /** Nobody has waited for it so far. */
  get isBehind(): boolean {
    return !this.#work.isRaised;
  }

  /** Never rejects: whoever joined hears of failures. */
  async run(): Promise<void> {
    const { listing, overlay } = this.#deps;
    const { signal } = this.#controller;
    const pages = this.#deps.pages(signal);
    try {
      for (;;) {
        const turn = overlay.turn;
        const { done, value: page } = await pages.next();
        if (this.#outcome) return;
        if (done) break;
        await overlay.settle(page, turn, signal);
        if (this.#outcome) return;
        listing.addPage(overlay.apply(page, turn));
        this.#announce();
      }
      await overlay.settleMissing(listing, signal);
      if (this.#outcome) return;
      listing.addPage(overlay.missing(listing));
      this.#end({ state: 'complete' });
    } catch (error) {
      if (!this.#outcome) this.#end({ state: 'failed', error });
    }
  }

  /** The listing was changed by a write of ours: whoever waits for its next page looks again. */
  notePatched(): void {
    if (!this.#outcome) this.#announce();
  }

  /** Goes on to its end, whoever leaves. */
  keep(): void {
    this.#servedSomebody = true;
  }

  stop(): void {
    if (this.#outcome) return;
    this.#end({ state: 'abandoned' });
    this.#controller.abort();
  }

  /** Somebody waits for its end, if only to begin another one. */
  raise(): void {
    this.#work.raise();
  }

  /** Every `join` needs its `leave`. */
  join(): void {
    this.#interested++;
    this.raise();
  }

  /**
   * The last to leave stops the fetch, except when a look-up had its answer from the first pages: its client's next
   * requests are for the neighbours, and a walk that is never finished would be begun again for each of them.
   */
  leave(): void {
    this.#interested--;
    if (this.#interested === 0 && !this.#servedSomebody) this.stop();
  }

  /** Answers as soon as the page with that name is here; undefined when no page had it. */
  async findNode(name: string, signal?: AbortSignal): Promise<TreeNode | undefined> {
    for (;;) {
      const node = this.listing.findNode(name);
      if (node) {
        this.keep();
        return node;
      }
      if (this.#isOver()) return undefined;
      await untilAborted(this.#change.happened, signal);
    }
  }

  /** What is here already, then every page as it arrives; throws rather than end short. */
  async *pages(signal?: AbortSignal): AsyncGenerator<readonly TreeNode[]> {
    const cursor = new ListingCursor(this.listing);
    for (;;) {
      const over = this.#isOver();
      const news = cursor.take();
      if (news.length > 0) yield news;
      else if (over) return;
      else await untilAborted(this.#change.happened, signal);
    }
  }

  /** Resolves when a page has come, or the end. */
  async moved(signal?: AbortSignal): Promise<void> {
    if (!this.#outcome) await untilAborted(this.#change.happened, signal);
  }

  async ended(signal?: AbortSignal): Promise<void> {
    while (!this.#outcome) await untilAborted(this.#change.happened, signal);
  }

  #isOver(): boolean {
    if (this.#outcome?.state === 'failed') throw this.#outcome.error;
    return this.#outcome !== undefined;
  }

  #end(outcome: FetchOutcome): void {
    this.#outcome = outcome;
    this.#deps.onEnd(outcome);
    this.#announce();
  }

  #announce(): void {
    const change = this.#change;
    this.#change = nextChange();
    change.announce();
  }
}

function nextChange(): Change {
  let announce = (): void => {};
  const happened = new Promise<void>((resolve) => {
    announce = resolve;
  });
  return { happened, announce };
}
