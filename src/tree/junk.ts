import { Readable } from 'node:stream';
import type { OnChanged } from '../drive/change.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { localKindOf, makeLocalEntry } from '../drive/local-entry.ts';
import type { Blobs } from '../state/blobs.ts';
import { type JunkContent, receiveJunk } from './junk-content.ts';
import { JunkIndex, type JunkIndexDeps, type JunkRecord } from './junk-index.ts';
import { isJunkName } from './junk-names.ts';
import type { Slot } from './slot.ts';

export interface JunkSinkDeps extends JunkIndexDeps {
  /** This sink's alone: what it does not know there is swept. */
  readonly blobs: Blobs;
  /** All contents together; at most the budget of the blobs. */
  readonly maxBytes: number;
  readonly maxEntries?: number;
  readonly onChanged: OnChanged;
  readonly now: () => number;
  /** `upload`: junk goes to the drive as everything else; what was kept before is still there. */
  readonly mode: 'keep' | 'upload';
}

const DEFAULT_MAX_ENTRIES = 20_000;
/** One file must not drive out all others. */
const FILES_IN_SINK = 4;

/**
 * What desktops write beside people's files (`junk-names.ts`), kept in the state folder and never sent to the drive; bounded,
 * the oldest out first. Readers see it as local entries of the folder that it was put into.
 */
export class JunkSink {
  readonly #deps: JunkSinkDeps;
  readonly #index: JunkIndex;
  /** What must not be driven out, since somebody writes into it or reads all of it. */
  readonly #pins = new Map<string, number>();
  #loaded: Promise<void> | undefined;

  constructor(deps: JunkSinkDeps) {
    this.#deps = deps;
    this.#index = new JunkIndex(deps);
  }

  /** Brings state and blobs into agreement after a crash. @returns what is kept, to be placed in its folders at the start */
  async load(): Promise<readonly Entry[]> {
    this.#loaded ??= this.#load().catch((error: unknown) => {
      this.#loaded = undefined;
      throw error;
    });
    await this.#loaded;
    return this.#index.all().map(({ entry }) => entry);
  }

  /** Whether what is put there is junk: by its name, where the drive has no entry of it, or because its folder is. */
  takes({ parent, serviceName, node }: Slot): boolean {
    if (localKindOf(parent.entry) === 'junk') return true;
    if (this.#deps.mode === 'upload' || !isJunkName(serviceName)) return false;
    return !node || localKindOf(node.entry) === 'junk';
  }

  /**
   * In place of what is kept under that name, at once and as a whole.
   * @returns undefined, with nothing read, for a body that is announced as too large to be kept
   * @throws DriveError `too-large` for one that turns out so, `bad-body` for one that is not as long as announced,
   * `spool-full`, `aborted`
   */
  async write(
    parent: EntryKey,
    name: string,
    body: Readable,
    sizeBytes: number | undefined,
  ): Promise<Entry | undefined> {
    const maxFileBytes = Math.floor(this.#deps.maxBytes / FILES_IN_SINK);
    if (sizeBytes !== undefined && sizeBytes > maxFileBytes) return undefined;
    await this.load();
    // What is to be replaced stays until then: the body may break off.
    const before = this.#index.find(parent, name);
    return this.#pinned([parent.id, before?.entry.id], async () => {
      this.#requireFolder(parent);
      const makeRoom = (bytes: number) => this.#makeRoom(bytes);
      const content = await receiveJunk({ blobs: this.#deps.blobs, maxFileBytes, makeRoom }, body, sizeBytes);
      try {
        return await this.#commit(parent, name, content);
      } catch (error) {
        await this.#dropBlob(content.blob);
        throw error;
      }
    });
  }

  /** @throws DriveError `already-exists` */
  async makeFolder(parent: EntryKey, name: string): Promise<Entry> {
    await this.load();
    this.#requireFolder(parent);
    if (this.#index.find(parent, name)) throw new DriveError('already-exists', 'There is such a folder already.');
    const at = this.#deps.now();
    const entry = makeLocalEntry('junk', parent, name, { kind: 'folder', at });
    await this.#index.put({ entry, blob: undefined, writtenAt: at });
    await this.#deps.onChanged({ removed: [], placed: [entry] });
    await this.#pinned([parent.id, entry.id], () => this.#makeRoom(0));
    return entry;
  }

  /** The bytes of `[start, end)`. @throws DriveError `not-found` */
  open(entry: Entry, start: number, end: number): Readable {
    const { blob } = this.#recordOf(entry);
    if (blob === undefined || end <= start) return Readable.from([]);
    return this.#deps.blobs.open(blob, start, end);
  }

  /** Whatever is kept at the target goes. */
  async move(entry: Entry, parent: EntryKey, name: string): Promise<Entry> {
    await this.load();
    this.#requireFolder(parent);
    const record = this.#recordOf(entry);
    const displaced = this.#index.find(parent, name);
    const removed: Entry[] = [];
    const placed: Entry[] = [];
    const changes = { driveId: parent.driveId, parentId: parent.id, name };
    // What is in a folder stands under its drive, too.
    const inside = record.entry.driveId === parent.driveId ? [] : this.#index.withDescendants(record).slice(0, -1);
    const moved = await this.#place(record, changes);
    removed.push(record.entry);
    placed.push(moved);
    for (const child of inside) {
      removed.push(child.entry);
      placed.push(await this.#place(child, { driveId: parent.driveId }));
    }
    if (displaced && displaced.entry.id !== entry.id) removed.push(...(await this.#drop(displaced)));
    await this.#deps.onChanged({ removed, placed });
    return moved;
  }

  /** A folder with all that is in it; whatever is kept at the target goes. */
  async copy(entry: Entry, parent: EntryKey, name: string): Promise<Entry> {
    await this.load();
    const record = this.#recordOf(entry);
    return this.#pinned([entry.id], async () => {
      const displaced = this.#index.find(parent, name);
      if (entry.kind === 'file' && displaced?.entry.kind !== 'folder') {
        const { sizeBytes } = record.entry;
        const copied = await this.write(parent, name, this.open(entry, 0, sizeBytes), sizeBytes);
        if (!copied) throw new DriveError('spool-full', 'This copy does not fit into what is kept beside the drive.');
        await this.#deps.onChanged({ removed: [], placed: [], origins: [{ how: 'copied', from: entry, to: copied }] });
        return copied;
      }
      if (displaced) await this.remove(displaced.entry);
      if (entry.kind === 'file') return this.copy(entry, parent, name);
      const children = this.#index.childrenOf(entry);
      const folder = await this.makeFolder(parent, name);
      for (const child of children) await this.copy(child.entry, folder, child.entry.name);
      await this.#deps.onChanged({
        removed: [],
        placed: [],
        origins: [{ how: 'copied-alone', from: entry, to: folder }],
      });
      return folder;
    });
  }

  /** A folder of the drive is another one now, with what is kept in it. */
  async moveFolder(from: EntryKey, to: EntryKey): Promise<void> {
    await this.load();
    const parent = { driveId: to.driveId, id: to.id };
    for (const { entry } of this.#index.childrenOf(from)) await this.move(entry, parent, entry.name);
  }

  /** What is kept in one folder of the drive goes into another one as well, as far as there is room: it is worth no failure. */
  async copyWithin(from: EntryKey, to: EntryKey): Promise<void> {
    await this.load();
    for (const { entry } of this.#index.childrenOf(from)) {
      try {
        await this.copy(entry, { driveId: to.driveId, id: to.id }, entry.name);
      } catch (error) {
        if (!isDriveError(error)) throw error;
      }
    }
  }

  /** A folder with all that is in it; already gone counts as done. */
  async remove(entry: Entry): Promise<void> {
    await this.load();
    const record = this.#index.get(entry.id);
    if (record) await this.#deps.onChanged({ removed: await this.#drop(record), placed: [] });
  }

  /** Forgets what was kept in a folder of the drive that is no more. */
  async purgeFolder({ driveId, id }: EntryKey): Promise<void> {
    await this.load();
    const removed: Entry[] = [];
    for (const record of this.#index.childrenOf({ driveId, id })) removed.push(...(await this.#drop(record)));
    if (removed.length > 0) await this.#deps.onChanged({ removed, placed: [] });
  }

  async #load(): Promise<void> {
    const { blobs } = this.#deps;
    const names = new Set((await blobs.list()).map(({ name }) => name));
    await this.#index.load((name) => names.has(name));
    for (const record of this.#index.all()) {
      const top = this.#index.topOf(record);
      if (!top) await this.#drop(record);
      // A kill in the middle of a move into another drive has left some behind.
      else if (top.entry.driveId !== record.entry.driveId) await this.#place(record, { driveId: top.entry.driveId });
    }
    const kept = new Set(this.#index.all().map(({ blob }) => blob));
    for (const name of names) if (!kept.has(name)) await this.#dropBlob(name);
  }

  async #commit(parent: EntryKey, name: string, content: JunkContent): Promise<Entry> {
    const { blob, sizeBytes, contentHash } = content;
    const at = this.#deps.now();
    const before = this.#index.find(parent, name);
    const made = makeLocalEntry('junk', parent, name, { kind: 'file', at, sizeBytes, contentHash });
    // What is known of the file by its id (properties) outlives its content.
    const entry = before ? { ...made, id: before.entry.id, createdAt: before.entry.createdAt } : made;
    await this.#index.put({ entry, blob, writtenAt: at });
    await this.#deps.onChanged({ removed: [], placed: [entry] });
    if (before?.blob !== undefined) await this.#dropBlob(before.blob);
    await this.#pinned([entry.id], () => this.#makeRoom(0));
    return entry;
  }

  async #place(record: JunkRecord, changes: Partial<Entry>): Promise<Entry> {
    const entry = { ...record.entry, ...changes };
    await this.#index.put({ ...record, entry, writtenAt: this.#deps.now() });
    return entry;
  }

  async #makeRoom(bytes: number): Promise<void> {
    const { blobs, maxBytes, maxEntries = DEFAULT_MAX_ENTRIES, onChanged } = this.#deps;
    while (blobs.usedBytes + bytes > maxBytes || this.#index.size > maxEntries) {
      const oldest = this.#index.oldest((id) => this.#pins.has(id));
      if (!oldest) return;
      await onChanged({ removed: await this.#drop(oldest), placed: [] });
    }
  }

  /** The record first: content without a record is swept at the next start, a record without content would be a lie. */
  async #drop(record: JunkRecord): Promise<Entry[]> {
    const dropped = this.#index.withDescendants(record);
    for (const one of dropped) {
      await this.#index.remove(one);
      if (one.blob !== undefined) await this.#dropBlob(one.blob);
    }
    return dropped.map(({ entry }) => entry);
  }

  /** What cannot be removed now is swept at the next start. */
  async #dropBlob(name: string): Promise<void> {
    await this.#deps.blobs.remove(name).catch(() => {});
  }

  #recordOf({ id }: Entry): JunkRecord {
    const record = this.#index.get(id);
    if (!record) throw new DriveError('not-found', 'This file is no longer kept.');
    return record;
  }

  #requireFolder(parent: EntryKey): void {
    if (localKindOf(parent) !== 'junk' || this.#index.get(parent.id)) return;
    throw new DriveError('not-found', 'The folder is no longer kept.');
  }

  async #pinned<T>(ids: readonly (string | undefined)[], work: () => Promise<T>): Promise<T> {
    const pins = this.#pins;
    for (const id of ids) if (id !== undefined) pins.set(id, (pins.get(id) ?? 0) + 1);
    try {
      return await work();
    } finally {
      for (const id of ids) {
        const count = id === undefined ? 0 : (pins.get(id) ?? 0);
        if (id !== undefined && count > 1) pins.set(id, count - 1);
        else if (id !== undefined) pins.delete(id);
      }
    }
  }
}
