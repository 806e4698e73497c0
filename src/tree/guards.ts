import type { Entry, EntryKey } from '../drive/entry.ts';
import { localKindOf } from '../drive/local-entry.ts';
import { folderOf, toFolderKey } from './folder-key.ts';

interface Guard {
  readonly name: string;
  /** What a writer works on, and readers keep seeing meanwhile. */
  readonly visibleId: string | undefined;
  /** All that may be seen of that name: also equally named ones that were seen before. */
  readonly visible: Set<string>;
  /** What readers saw of `visibleId` when the writer began. */
  pinned: Entry | undefined;
  /** The writer has said what became of `visibleId`. */
  isSettled: boolean;
}

/** What a writer works on: known as readers saw it, or after a restart perhaps by its id alone. */
export interface WatchedName {
  readonly name: string;
  readonly visibleId: string;
  readonly pinned: Entry | undefined;
}

/**
 * What readers may see of a folder's names while writers work on them: neither equal names that arise on the way nor the
 * entry itself under a passing name.
 */
export class FolderGuards {
  readonly #guards = new Set<Guard>();

  get isEmpty(): boolean {
    return this.#guards.size === 0;
  }

  add(guard: Guard): void {
    this.#guards.add(guard);
  }

  delete(guard: Guard): void {
    this.#guards.delete(guard);
  }

  hides({ id, name }: Entry): boolean {
    for (const guard of this.#guards) {
      if (guard.name === name && !guard.visible.has(id)) return true;
    }
    return false;
  }

  /** Whether a writer works on an entry: what the service says of it meanwhile is no news. */
  isBusy(id: string): boolean {
    for (const guard of this.#guards) {
      if (guard.visibleId === id) return true;
    }
    return false;
  }

  /** Entries as readers keep seeing them. */
  pinned(): Entry[] {
    return [...this.#guards].flatMap(({ pinned }) => pinned ?? []);
  }

  /** What must be seen at its name, unless something of the drive has taken its place there. */
  watched(): WatchedName[] {
    return [...this.#guards].flatMap(({ name, visibleId, pinned, isSettled }) => {
      const isOfDrive = visibleId !== undefined && localKindOf({ id: visibleId }) === undefined;
      return isOfDrive && !isSettled ? { name, visibleId, pinned } : [];
    });
  }

  findPinned(id: string): Entry | undefined {
    return this.pinned().find((entry) => entry.id === id);
  }

  /** A writer has said how the entry is now. */
  settle({ id, name }: Entry, state: 'placed' | 'removed'): void {
    for (const guard of this.#guards) {
      if (guard.pinned?.id === id) guard.pinned = undefined;
      if (guard.visibleId === id) guard.isSettled = true;
      if (state === 'placed' && guard.name === name) guard.visible.add(id);
    }
  }
}

export class Guards {
  readonly #folders = new Map<string, FolderGuards>();

  find(folder: EntryKey): FolderGuards | undefined {
    return this.#folders.get(toFolderKey(folder));
  }

  /**
   * @param seen what readers see of that name, as far as is remembered
   * @param known the entry of `visibleId`, from where it outlived a restart
   * @returns its undoing
   */
  add(
    folder: EntryKey,
    name: string,
    visibleId: string | undefined,
    seen: readonly Entry[],
    known?: Entry | undefined,
  ): () => void {
    const key = toFolderKey(folder);
    const guards = this.#folders.get(key) ?? new FolderGuards();
    this.#folders.set(key, guards);
    // Equal names that were there before are no writer's; what the same writer let be seen until now is.
    const visible = new Set(seen.map(({ id }) => id).filter((id) => !guards.isBusy(id)));
    if (visibleId !== undefined) visible.add(visibleId);
    // What lives with us is never asked for, and so needs no memory of what it was.
    const ofDrive = [...seen, ...(known ? [known] : [])].filter((entry) => localKindOf(entry) === undefined);
    const pinned = ofDrive.find(({ id }) => id === visibleId);
    const guard = { name, visibleId, visible, pinned, isSettled: false };
    guards.add(guard);
    return () => {
      guards.delete(guard);
      if (guards.isEmpty && this.#folders.get(key) === guards) this.#folders.delete(key);
    };
  }

  settle(entry: Entry, state: 'placed' | 'removed'): void {
    this.find(folderOf(entry))?.settle(entry, state);
  }
}
