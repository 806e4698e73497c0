import { createHash } from 'node:crypto';
import { bytesContent, type Content } from './content.ts';
import { type Punishment, ROOT_ID, type StoredEntry } from './entry.ts';
import { Folder } from './folder.ts';
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
  readonly #entries = new Map<string, StoredEntry>();
  readonly #folders = new Map<string, Folder>();
  readonly #oldContents = new Map<string, Content>();
  readonly #sparse = createSparseSource();
  #count = 0;

  constructor(now: () => number, listLagMs: () => number) {
    this.#now = now;
    this.#listLagMs = listLagMs;
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
    const content = typeof data === 'string' || data instanceof Uint8Array ? bytesContent(data) : data;
    return this.#add(parent, name, 'file', options, { content });
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
    const contents = Object.entries(streams).map(([extension, data]) => [
      extension,
      typeof data === 'string' || data instanceof Uint8Array ? bytesContent(data) : data,
    ]);
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

  replaceContent(entry: StoredEntry, data: Content | string | Uint8Array): StoredEntry {
    const content = typeof data === 'string' || data instanceof Uint8Array ? bytesContent(data) : data;
    const { driveId, fileId, revisionId } = entry;
    if (entry.content) this.#oldContents.set(`${driveId}/${fileId}/${revisionId}`, entry.content);
    return this.#change(entry, { content, revisionId: this.#makeId(this.#now()), updatedAt: this.#now() });
  }

  /** To the recycle bin: found by id with everything below it, listed nowhere. */
  trash(entry: StoredEntry): StoredEntry {
    const trashed = { ...entry, trashedAt: this.#now() };
    this.#entries.set(`${entry.driveId}/${entry.fileId}`, trashed);
    this.#folder({ driveId: entry.driveId, fileId: entry.parentFileId }).remove(entry.fileId, this.#shownAt());
    return trashed;
  }

  /** For good: nothing finds it any more. What is below a folder stays findable by id, as when a task still runs. */
  delete(entry: StoredEntry): void {
    this.#entries.delete(`${entry.driveId}/${entry.fileId}`);
    this.#folder({ driveId: entry.driveId, fileId: entry.parentFileId }).remove(entry.fileId, this.#shownAt());
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
      revisionId: fileId,
      content: undefined,
      streams: undefined,
      punishment: options.punishment,
      starred: options.starred ?? false,
      hidden: options.hidden ?? false,
      ...extra,
    };
    if (type === 'folder') this.#folders.set(`${entry.driveId}/${fileId}`, new Folder());
    this.#entries.set(`${entry.driveId}/${fileId}`, entry);
    if (parent.fileId !== '') this.#folder(parent).put(entry, this.#shownAt());
    return entry;
  }

  #change(entry: StoredEntry, changes: Partial<StoredEntry>): StoredEntry {
    const changed = { ...entry, ...changes };
    this.#entries.set(`${entry.driveId}/${entry.fileId}`, changed);
    this.#folder({ driveId: entry.driveId, fileId: entry.parentFileId }).put(changed, this.#shownAt());
    return changed;
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
