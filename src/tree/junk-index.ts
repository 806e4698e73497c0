import type { Entry, EntryKey } from '../drive/entry.ts';
import { localKindOf } from '../drive/local-entry.ts';
import type { StateKey, StateStore } from '../state/store.ts';
import { toFolderKey } from './folder-key.ts';

export interface JunkRecord {
  readonly entry: Entry;
  /** Where the content is; absent for a folder. */
  readonly blob: string | undefined;
  readonly writtenAt: number;
}

export interface JunkIndexDeps {
  readonly store: StateStore;
  readonly userId: () => Promise<string>;
}

/** What is kept, in memory and in the state, under the id of its folder: so it follows a folder that is renamed or moved. */
export class JunkIndex {
  readonly #deps: JunkIndexDeps;
  /** The longest unwritten first. */
  readonly #records = new Map<string, JunkRecord>();
  readonly #folders = new Map<string, Map<string, JunkRecord>>();

  constructor(deps: JunkIndexDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#records.size;
  }

  /** Reads the state; forgets there what has lost its content or its folder. */
  async load(hasBlob: (name: string) => boolean): Promise<void> {
    const found = new Map<string, { readonly key: StateKey; readonly record: JunkRecord }>();
    const stale: StateKey[] = [];
    for await (const { key, value } of this.#deps.store.range(await this.#root())) {
      const record = value as JunkRecord;
      const other = found.get(record.entry.id);
      // A kill in the middle of a move has left both places.
      const isLater = !other || other.record.writtenAt <= record.writtenAt;
      if (other) stale.push(isLater ? other.key : key);
      if (isLater) found.set(record.entry.id, { key, record });
    }
    for (const { key, record } of found.values()) {
      if (record.blob !== undefined && !hasBlob(record.blob)) {
        stale.push(key);
        found.delete(record.entry.id);
      }
    }
    for (const key of stale) await this.#deps.store.remove(key);
    const records = [...found.values()].map(({ record }) => record);
    for (const record of records.sort((one, other) => one.writtenAt - other.writtenAt)) this.#remember(record);
  }

  all(): JunkRecord[] {
    return [...this.#records.values()];
  }

  get(id: string): JunkRecord | undefined {
    return this.#records.get(id);
  }

  find(parent: EntryKey, name: string): JunkRecord | undefined {
    return this.childrenOf(parent).find(({ entry }) => entry.name === name);
  }

  childrenOf(folder: EntryKey): JunkRecord[] {
    return [...(this.#folders.get(toFolderKey(folder))?.values() ?? [])];
  }

  /** The outermost folder of ours that it is in, or itself; undefined when a folder on the way is no more. */
  topOf(record: JunkRecord): JunkRecord | undefined {
    if (localKindOf({ id: record.entry.parentId }) !== 'junk') return record;
    const parent = this.#records.get(record.entry.parentId);
    return parent && this.topOf(parent);
  }

  /** Those of a removed folder first, so that a crash leaves none without its folder. */
  withDescendants(record: JunkRecord): JunkRecord[] {
    return [...this.childrenOf(record.entry).flatMap((child) => this.withDescendants(child)), record];
  }

  /** The one that has been left alone the longest, of those that hold nothing. */
  oldest(isPinned: (id: string) => boolean): JunkRecord | undefined {
    for (const record of this.#records.values()) {
      const { entry } = record;
      if (!isPinned(entry.id) && (entry.kind === 'file' || this.childrenOf(entry).length === 0)) return record;
    }
    return undefined;
  }

  /** Resolves when it would survive a crash; takes the place of what was recorded of the same entry. */
  async put(record: JunkRecord): Promise<void> {
    const { entry } = record;
    const before = this.#records.get(entry.id);
    await this.#deps.store.put(await this.#toKey(entry), record);
    if (before) this.#forget(before);
    this.#remember(record);
    const isElsewhere = before && (before.entry.parentId !== entry.parentId || before.entry.driveId !== entry.driveId);
    if (isElsewhere) await this.#deps.store.remove(await this.#toKey(before.entry));
  }

  async remove(record: JunkRecord): Promise<void> {
    this.#forget(record);
    await this.#deps.store.remove(await this.#toKey(record.entry));
  }

  #remember(record: JunkRecord): void {
    const { driveId, parentId, id } = record.entry;
    const key = toFolderKey({ driveId, id: parentId });
    const folder = this.#folders.get(key) ?? new Map<string, JunkRecord>();
    folder.set(id, record);
    this.#folders.set(key, folder);
    this.#records.set(id, record);
  }

  #forget({ entry: { driveId, parentId, id } }: JunkRecord): void {
    const key = toFolderKey({ driveId, id: parentId });
    const folder = this.#folders.get(key);
    folder?.delete(id);
    if (folder?.size === 0) this.#folders.delete(key);
    this.#records.delete(id);
  }

  async #root(): Promise<StateKey> {
    return [await this.#deps.userId(), 'v1', 'junk'];
  }

  async #toKey({ driveId, parentId, id }: Entry): Promise<StateKey> {
    return [...(await this.#root()), driveId, parentId, id];
  }
}
