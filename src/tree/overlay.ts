import type { Change } from '../drive/change.ts';
import type { ReadDrive } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { localKindOf } from '../drive/local-entry.ts';
import type { Logger } from '../log.ts';
import type { StateStore } from '../state/store.ts';
import { FetchOverlay } from './fetch-overlay.ts';
import { folderOf, toFolderKey } from './folder-key.ts';
import { type FolderGuards, Guards } from './guards.ts';
import { OverlayStore } from './overlay-store.ts';
import { type OwnWrite, OwnWrites } from './own-writes.ts';
import { RecallOverlay } from './recall-overlay.ts';

export interface OverlayDeps {
  readonly drive: Pick<ReadDrive, 'fetchEntry'>;
  readonly store: StateStore;
  /** Whose writes; rejects with a `DriveError` while nobody has signed in. */
  readonly userId: () => Promise<string>;
  readonly now: () => number;
  readonly log: Logger;
}

/** The listings in memory, finished or under way, as far as writes concern them. */
export interface ListingMemory {
  /** What readers see of a service's name. */
  findNamed(folder: EntryKey, serviceName: string): readonly Entry[];
  /** Changes what is known of a folder, at once. */
  patch(folder: EntryKey, removed: readonly Entry[], placed: readonly Entry[]): void;
  /** A change elsewhere: `shown` is what stands in the folder under that id now. */
  observe(folder: EntryKey, id: string, shown: Entry | undefined): void;
  /** A folder that is new has nothing in it. */
  noteEmpty(folder: EntryKey): void;
  /** The service has made a folder with what another one has in it, of which its listings may know nothing yet. */
  noteCopied(copied: Entry, source: EntryKey): void;
  /** Fewer names are guarded than before. @param isUnsure nobody knows what has become of the name */
  noteUnguarded(folder: EntryKey, isUnsure: boolean): void;
  /**
   * A write in the folder is about to be forgotten, or could not be recorded: no older listing may come back after a restart.
   * @returns whether none can; never rejects
   */
  release(folder: EntryKey): Promise<boolean>;
}

/**
 * Our own writes, laid over what the service lists: it may lag behind them, or show what is passing. Everything takes effect
 * at once for every reader, in listings that are remembered as well as in those under way.
 */
export class Overlay {
  readonly #deps: OverlayDeps;
  readonly #store: OverlayStore;
  readonly #writes = new OwnWrites();
  readonly #guards = new Guards();
  /** What lives with us and not in the drive, by folder and id. */
  readonly #local = new Map<string, Map<string, Entry>>();
  readonly #memories = new Set<ListingMemory>();

  constructor(deps: OverlayDeps) {
    this.#deps = deps;
    this.#store = new OverlayStore(deps);
  }

  /**
   * Takes up what earlier processes have written, to be awaited before anything is listed. What lives with us alone is brought
   * back by its owners, as changes. Rejects where the state cannot be read.
   */
  async load(): Promise<void> {
    for (const record of await this.#store.load(this.#deps.now())) this.#writes.restore(record);
    this.#prune();
  }

  /** Takes effect before it returns its promise, which resolves when the change would survive a crash; never rejects. */
  apply({ removed, placed, origins = [] }: Change): Promise<void> {
    for (const { how, from, to } of origins) {
      if (how !== 'copied' || to.kind !== 'folder') continue;
      for (const memory of this.#memories) memory.noteCopied(to, from);
    }
    // What lived with us gives way to what has come to the drive under its name.
    const replaced = placed.flatMap((entry) => this.#localTwins(entry));
    const gone = [...removed, ...replaced];
    for (const entry of gone) this.#guards.settle(entry, 'removed');
    for (const entry of placed) this.#guards.settle(entry, 'placed');
    const noted = [
      ...gone.flatMap((entry) => this.#noteRemoved(entry, placed)),
      ...placed.flatMap((entry) => this.#notePlaced(entry)),
    ];
    for (const [folder, change] of byFolder(gone, placed)) {
      for (const memory of this.#memories) memory.patch(folder, change.removed, change.placed);
    }
    const saved = noted.map((write) => this.#save(write));
    this.#prune();
    return Promise.all(saved).then(() => {});
  }

  /** A folder that we have just made: its listing is known to be empty, so that what is put into it costs no listing. */
  created(folder: EntryKey): void {
    for (const memory of this.#memories) memory.noteEmpty(folder);
  }

  /**
   * Keeps readers from seeing what passes at a name while a writer works there: no equal names but those seen already, and
   * `visibleId` as it was. A change by the writer itself shows at once; the writer applies it before it lifts the guard.
   * @param serviceName unmapped
   * @param visibleId what readers see there until the writer is done; undefined: nothing
   * @param known the entry of `visibleId`, where no listing is remembered that has it
   * @returns its lifting, which asks for nothing by itself; called with true where nobody knows what has become of the name, so
   * that the next reader asks
   */
  guard(
    folder: EntryKey,
    serviceName: string,
    visibleId: string | undefined,
    known?: Entry | undefined,
  ): (isUnsure?: boolean) => void {
    const lift = this.#guards.add(folder, serviceName, visibleId, this.#seenAt(folder, serviceName), known);
    return (isUnsure = false) => {
      lift();
      for (const memory of this.#memories) memory.noteUnguarded(folder, isUnsure);
    };
  }

  /** The ids of what readers see of a service's name, as far as is remembered; who has the plain name comes first. */
  namesakes(folder: EntryKey, serviceName: string): readonly string[] {
    return [...new Set(this.#seenAt(folder, serviceName).map(({ id }) => id))];
  }

  /** What lives with us in a folder; above several drives, that folder's key is of empty strings. */
  localEntries(folder: EntryKey): Entry[] {
    return [...(this.#local.get(toFolderKey(folder))?.values() ?? [])];
  }

  /** Resolves when nothing is being stored. */
  idle(): Promise<void> {
    return this.#store.idle();
  }

  attach(memory: ListingMemory): void {
    this.#memories.add(memory);
  }

  findGuards(folder: EntryKey): FolderGuards | undefined {
    return this.#guards.find(folder);
  }

  /** To be begun with the fetch of a folder's listing. */
  beginFetch(folder: EntryKey): FetchOverlay {
    return new FetchOverlay({
      drive: this.#deps.drive,
      folder,
      writes: this.#writes,
      findGuards: () => this.findGuards(folder),
      findLocal: () => this.localEntries(folder),
      onOvertaken: (write, shown) => {
        this.#forget(write, this.#release(folder));
        for (const memory of this.#memories) memory.observe(folder, write.entry.id, shown);
      },
      onConfirmed: (write) => this.#forget(write, Promise.resolve(true)),
      now: this.#deps.now,
    });
  }

  /** For a listing that was begun then and comes from the disk. */
  beginRecall(folder: EntryKey, begunAt: number): RecallOverlay {
    return new RecallOverlay({
      begunAt,
      findWrites: () => this.#writes.ofFolder(folder),
      findGuards: () => this.findGuards(folder),
      findLocal: () => this.localEntries(folder),
    });
  }

  #noteRemoved(entry: Entry, placed: readonly Entry[]): OwnWrite[] {
    if (localKindOf(entry) !== undefined) {
      this.#removeLocal(entry);
      return [];
    }
    const isSamePlace = (other: Entry) => other.driveId === entry.driveId && other.parentId === entry.parentId;
    if (placed.some((other) => other.id === entry.id && isSamePlace(other))) return [];
    // What has given way once is told again after a restart, without its successor.
    const isReplaced =
      placed.some((other) => other.name === entry.name && isSamePlace(other)) ||
      this.#writes.find(entry)?.isReplaced === true;
    return [this.#writes.note({ state: 'absent', entry, writtenAt: this.#deps.now(), isReplaced })];
  }

  #notePlaced(entry: Entry): OwnWrite[] {
    if (localKindOf(entry) === undefined) {
      return [this.#writes.note({ state: 'present', entry, writtenAt: this.#deps.now(), isReplaced: false })];
    }
    const key = toFolderKey(folderOf(entry));
    const entries = this.#local.get(key) ?? new Map<string, Entry>();
    this.#local.set(key, entries.set(entry.id, entry));
    return [];
  }

  #removeLocal(entry: Entry): void {
    const key = toFolderKey(folderOf(entry));
    const entries = this.#local.get(key);
    entries?.delete(entry.id);
    if (entries?.size === 0) this.#local.delete(key);
  }

  #localTwins(entry: Entry): Entry[] {
    if (localKindOf(entry) !== undefined) return [];
    return this.localEntries(folderOf(entry)).filter(({ name }) => name === entry.name);
  }

  #seenAt(folder: EntryKey, serviceName: string): Entry[] {
    return [...this.#memories].flatMap((memory) => memory.findNamed(folder, serviceName));
  }

  async #save(write: OwnWrite): Promise<void> {
    // A listing from before it would be believed after a restart.
    if (!(await this.#store.save(write))) await this.#release(folderOf(write.entry));
  }

  /** @param mayGo whether a restart would find no listing from before the write */
  #forget(write: OwnWrite, mayGo: Promise<boolean>): void {
    if (this.#writes.forget(write)) void this.#store.remove(write, mayGo);
  }

  #prune(): void {
    for (const write of this.#writes.overdue(this.#deps.now())) {
      this.#forget(write, this.#release(folderOf(write.entry)));
    }
  }

  async #release(folder: EntryKey): Promise<boolean> {
    const released = await Promise.all([...this.#memories].map((memory) => memory.release(folder)));
    return released.every(Boolean);
  }
}

function byFolder(removed: readonly Entry[], placed: readonly Entry[]) {
  const changes = new Map<string, { readonly folder: EntryKey; readonly removed: Entry[]; readonly placed: Entry[] }>();
  const changeOf = (entry: Entry) => {
    const folder = folderOf(entry);
    const key = toFolderKey(folder);
    const change = changes.get(key) ?? { folder, removed: [], placed: [] };
    changes.set(key, change);
    return change;
  };
  for (const entry of removed) changeOf(entry).removed.push(entry);
  for (const entry of placed) changeOf(entry).placed.push(entry);
  return [...changes.values()].map((change) => [change.folder, change] as const);
}
