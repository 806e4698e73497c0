import type { Listing } from './listing.ts';
import type { TreeNode } from './node.ts';

/** One reader's way through a listing that grows, and that our own writes change, while it is read. */
export class ListingCursor {
  readonly #listing: Listing;
  readonly #revision: number;
  readonly #handedOut: (readonly TreeNode[])[] = [];
  #seen = 0;
  /** Kept only where positions no longer tell what was handed out. */
  #told: { readonly ids: Set<string>; readonly names: Set<string> } | undefined;

  constructor(listing: Listing) {
    this.#listing = listing;
    this.#revision = listing.revision;
  }

  /** What is new since the last time; never the same entry or the same name twice. */
  take(): readonly TreeNode[] {
    return this.#told || this.#listing.revision !== this.#revision ? this.#takeUntold() : this.#takeNext();
  }

  #takeNext(): readonly TreeNode[] {
    const news = this.#listing.nodesFrom(this.#seen);
    this.#seen += news.length;
    if (news.length > 0) this.#handedOut.push(news);
    return news;
  }

  #takeUntold(): readonly TreeNode[] {
    const told = this.#toldSoFar();
    const news = this.#listing
      .nodesFrom(0)
      .filter(({ name, entry }) => !told.ids.has(entry.id) && !told.names.has(name));
    for (const { name, entry } of news) {
      told.ids.add(entry.id);
      told.names.add(name);
    }
    return news;
  }

  #toldSoFar() {
    this.#told ??= {
      ids: new Set(this.#handedOut.flatMap((nodes) => nodes.map(({ entry }) => entry.id))),
      names: new Set(this.#handedOut.flatMap((nodes) => nodes.map(({ name }) => name))),
    };
    return this.#told;
  }
}
