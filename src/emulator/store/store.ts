import { createHash } from 'node:crypto';
import { type Content, toContent } from './content.ts';
import { type Punishment, ROOT_ID, type StoredEntry, sizeOf } from './entry.ts';
import { Folder } from './folder.ts';
import type { KnownContents } from './known-contents.ts';
import type { Order } from './order.ts';
import { createSparseSource } from './sparse.ts';

export interface EntryOptions {
  /** Both default to the store's clock. */
  readonly createdAt?: number;
  readonly updatedAt?: number;
  readonly punishment?: Punishment;
  readonly starred?: boolean;
  readonly hidden?: boolean;
}

/** Anything that names a folder; a `StoredEntry` does. */
export interface Parent {
  readonly driveId: string;
  readonly fileId: string;
}

/** Several drives, each a tree of its own under a root whose id is `root`. Equal names in one folder are allowed. */
export class Store {
  readonly #now: () => number;
  readonly #listLagMs: () => number;
  readonly #known: KnownContents;
  readonly #entries = new Map<string, StoredEntry>();
  readonly #folders = new Map<string, Folder>();
  readonly #oldContents = new Map<string, Content>();
  readonly #usedBytes = new Map<string, number>();
  readonly #sparse = createSparseSource();
  #count = 0;

  constructor(now: () => number, listLagMs: () => number, known: KnownContents) {
    this.#now = now;
    this.#listLagMs = listLagMs;
    this.#known = known;
  }

  addDrive(driveId: string, createdAt: number): StoredEntry {
    return this.#add({ driveId, fileId: '' }, 'Root', 'folder', { createdAt }, { fileId: ROOT_ID });
  }

  /** @throws Error when there is no such drive. */
  root(driveId: string): StoredEntry {
    const root = this.find(driveId, ROOT_ID);
    if (!root) throw new Error(`There is no drive ${driveId}.`);
    return root;
  }

  addFolder(parent: Parent, name: string, options: EntryOptions = {}): StoredEntry {
    return this.#add(parent, name, 'folder', options, {});
  }

  addFile(parent: Parent, name: string, data: Content | string | Uint8Array, options: EntryOptions = {}): StoredEntry {
    return this.#add(parent, name, 'file', options, { content: toContent(data) });
  }

  /** A file of any size whose bytes are computed; it shows no content hash. */
  addSparseFile(parent: Parent, name: string, size: number, options: EntryOptions = {}): StoredEntry {
    return this.addFile(parent, name, this.#sparse.content(size, this.#count), options);
  }

  /** A `.livp`: it has no content of its own, only streams by extension. */
  addLivePhoto(
    parent: Parent,
    name: string,
    streams: Readonly<Record<string, Content | string | Uint8Array>>,
    options: EntryOptions = {},
  ): StoredEntry {
    const contents = Object.entries(streams).map(([extension, data]) => [extension, toContent(data)]);
    return this.#add(parent, name, 'file', options, { streams: Object.fromEntries(contents) });
  }

  find(driveId: string, fileId: string): StoredEntry | undefined {
    return this.#entries.get(`${driveId}/${fileId}`);
  }

  /** The oldest of that name among a folder's children. */
  findChild(parent: Parent, name: string): StoredEntry | undefined {
    let oldest: StoredEntry | undefined;
    for (const child of this.children(parent)) {
      if (child.name === name && (!oldest || child.createdAt < oldest.createdAt)) oldest = child;
    }
    return oldest;
  }

  children(parent: Parent): Iterable<StoredEntry> {
    return this.#folder(parent).children();
  }

  /** What the listing of a folder shows now, which may lag behind. */
  list(parent: Parent, order: Order): readonly StoredEntry[] {
    return this.#folder(parent).list(order, this.#now());
  }

  /** The content that a revision had, also when another one has taken its place. */
  findContent(driveId: string, fileId: string, revisionId: string, stream: string): Content | undefined {
    const entry = this.find(driveId, fileId);
    if (entry?.revisionId !== revisionId) return this.#oldContents.get(`${driveId}/${fileId}/${revisionId}`);
    return stream === '' ? entry.content : entry.streams?.[stream];
  }

  rename(entry: StoredEntry, name: string): StoredEntry {
    return this.#change(entry, { name, updatedAt: this.#now() });
  }

  /** Its times stay, as all that is not said. */
  mark(entry: StoredEntry, marks: Pick<EntryOptions, 'starred' | 'hidden'>): StoredEntry {
    return this.#change(entry, marks);
  }

  /** Within a drive, with all that is below it and under its old id. */
  move(entry: StoredEntry, parent: Parent, name = entry.name): StoredEntry {
    return this.#change(entry, { parentFileId: parent.fileId, name, updatedAt: this.#now() });
  }

  replaceContent(entry: StoredEntry, data: Content | string | Uint8Array): StoredEntry {
    const content = toContent(data);
    const { driveId, fileId } = entry;
    const old = this.find(driveId, fileId) ?? entry;
    if (old.content) this.#oldContents.set(`${driveId}/${fileId}/${old.revisionId}`, old.content);
    return this.#change(entry, { content, revisionId: this.#makeId(this.#now()), updatedAt: this.#now() });
  }

  /** A file that waits for its bytes: found by id alone until `publish`. */
  addPending(parent: Parent, name: string, uploadingBytes: number): StoredEntry {
    return this.#add(parent, name, 'file', {}, { uploadingBytes });
  }

  /** A pending file is whole and appears in its folder. */
  publish(entry: StoredEntry, content: Content): StoredEntry {
    return this.#change(entry, { content, uploadingBytes: undefined, updatedAt: this.#now() });
  }

  /** Another file of the same content, or another folder without what is below it. */
  copy(entry: StoredEntry, parent: Parent, name: string): StoredEntry {
    const { content, streams, punishment } = entry;
    return this.#add(parent, name, entry.type, {}, { content, streams, punishment });
  }

  /** To the recycle bin: found by id with everything below it, listed nowhere. */
  trash(entry: StoredEntry): StoredEntry {
    return this.#change(entry, { trashedAt: this.#now() });
  }

  /** Back to its folder, or to the root where that has gone. */
  restore(entry: StoredEntry): StoredEntry {
    const isThere = this.#folders.has(`${entry.driveId}/${entry.parentFileId}`);
    return this.#change(entry, { trashedAt: undefined, parentFileId: isThere ? entry.parentFileId : ROOT_ID });
  }

  /** What was put into a drive's recycle bin, without what is below it. */
  binned(driveId: string): StoredEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.driveId === driveId && entry.trashedAt !== undefined);
  }

  /** For good, with everything below a folder: nothing finds it any more. */
  delete(entry: StoredEntry): void {
    const current = this.find(entry.driveId, entry.fileId);
    if (!current) return;
    if (current.type === 'folder') {
      for (const child of [...this.children(current)]) this.delete(child);
      this.#folders.delete(`${current.driveId}/${current.fileId}`);
    }
    this.#forget(current);
    this.#folders.get(`${current.driveId}/${current.parentFileId}`)?.remove(current.fileId, this.#shownAt());
  }

  /** With the recycle bin. Sparse files count in full. */
  usedBytes(...driveIds: readonly string[]): number {
    return driveIds.reduce((sum, driveId) => sum + (this.#usedBytes.get(driveId) ?? 0), 0);
  }

  /** Those that an entry has now. */
  heldContents(): Set<Content> {
    const held = new Set<Content>();
    for (const { content } of this.#entries.values()) if (content) held.add(content);
    return held;
  }

  /** Breaks the links to contents that have been replaced. */
  forgetReplaced(): void {
    this.#oldContents.clear();
  }

  #add(
    parent: Parent,
    name: string,
    type: StoredEntry['type'],
    options: EntryOptions,
    extra: Partial<StoredEntry>,
  ): StoredEntry {
    const createdAt = options.createdAt ?? this.#now();
    const fileId = extra.fileId ?? this.#makeId(createdAt);
    const entry: StoredEntry = {
      driveId: parent.driveId,
      fileId,
      parentFileId: parent.fileId,
      name,
      type,
      createdAt,
      updatedAt: options.updatedAt ?? createdAt,
      trashedAt: undefined,
      uploadingBytes: undefined,
      revisionId: fileId,
      content: undefined,
      streams: undefined,
      punishment: options.punishment,
      starred: options.starred ?? false,
      hidden: options.hidden ?? false,
      ...extra,
    };
    if (type === 'folder') this.#folders.set(`${entry.driveId}/${fileId}`, new Folder());
    this.#save(entry);
    if (parent.fileId !== '' && entry.uploadingBytes === undefined) this.#folder(parent).put(entry, this.#shownAt());
    return entry;
  }

  /** Starts from the entry as it is now, which the caller may have seen earlier. */
  #change(seen: StoredEntry, changes: Partial<StoredEntry>): StoredEntry {
    const entry = this.find(seen.driveId, seen.fileId) ?? seen;
    const changed = { ...entry, ...changes };
    this.#save(changed);
    const isListed = changed.trashedAt === undefined && changed.uploadingBytes === undefined;
    if (!isListed || changed.parentFileId !== entry.parentFileId) {
      this.#folders.get(`${entry.driveId}/${entry.parentFileId}`)?.remove(entry.fileId, this.#shownAt());
    }
    if (isListed)
      this.#folder({ driveId: changed.driveId, fileId: changed.parentFileId }).put(changed, this.#shownAt());
    return changed;
  }

  #save(entry: StoredEntry): void {
    const before = this.find(entry.driveId, entry.fileId);
    this.#addUsed(entry.driveId, sizeOf(entry) - (before ? sizeOf(before) : 0));
    this.#entries.set(`${entry.driveId}/${entry.fileId}`, entry);
    if (entry.content && entry.content !== before?.content) this.#known.add(entry.content);
  }

  #forget(entry: StoredEntry): void {
    this.#addUsed(entry.driveId, -sizeOf(entry));
    this.#entries.delete(`${entry.driveId}/${entry.fileId}`);
  }

  #addUsed(driveId: string, bytes: number): void {
    this.#usedBytes.set(driveId, this.usedBytes(driveId) + bytes);
  }

  #folder(parent: Parent): Folder {
    const folder = this.#folders.get(`${parent.driveId}/${parent.fileId}`);
    if (!folder) throw new Error(`There is no folder ${parent.fileId} in the drive ${parent.driveId}.`);
    return folder;
  }

  #shownAt(): number {
    const lagMs = this.#listLagMs();
    return lagMs === 0 ? Number.NEGATIVE_INFINITY : this.#now() + lagMs;
  }

  /** 40 hex digits that begin with the instant, as the service's do. */
  #makeId(at: number): string {
    this.#count += 1;
    const instant = Math.floor(at / 1000)
      .toString(16)
      .padStart(8, '0');
    return instant + createHash('sha1').update(`${instant} ${this.#count}`).digest('hex').slice(0, 32);
  }
}
