import type { Entry } from '../drive/entry.ts';
import type { FolderGuards } from './guards.ts';
import type { Listing } from './listing.ts';
import { agrees, type OwnWrite } from './own-writes.ts';

export interface RecallOverlayDeps {
  /** When the service was asked; writes from then on are newer than what is recalled. */
  readonly begunAt: number;
  readonly findWrites: () => ReadonlyMap<string, OwnWrite> | undefined;
  readonly findGuards: () => FolderGuards | undefined;
  readonly findLocal: () => Iterable<Entry>;
}

/** Lays our own writes over a listing that was fetched earlier. Nobody is asked: what is not forgotten holds. */
export class RecallOverlay {
  readonly #deps: RecallOverlayDeps;

  constructor(deps: RecallOverlayDeps) {
    this.#deps = deps;
  }

  apply(page: readonly Entry[]): readonly Entry[] {
    const writes = this.#deps.findWrites();
    const guards = this.#deps.findGuards();
    if (!writes && !guards) return page;
    return page.flatMap((listed) => {
      const pinned = guards?.findPinned(listed.id);
      // `missing` adds it as readers are to see it.
      if (pinned && pinned.name !== listed.name) return [];
      const write = writes?.get(listed.id);
      if (!write) return listed;
      if (write.state === 'absent') return [];
      return write.writtenAt >= this.#deps.begunAt || !agrees(listed, write) ? write.entry : listed;
    });
  }

  /** After the last page: what is there and was on no page. */
  missing(listing: Listing): readonly Entry[] {
    const { findWrites, findGuards, findLocal } = this.#deps;
    const present = [...(findWrites()?.values() ?? [])].filter(({ state }) => state === 'present');
    const entries = [...findLocal(), ...(findGuards()?.pinned() ?? []), ...present.map(({ entry }) => entry)];
    const missing = entries.filter(({ id }) => !listing.has(id));
    return [...new Map(missing.map((entry) => [entry.id, entry])).values()];
  }
}
