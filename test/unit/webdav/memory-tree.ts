import type { Quota } from '../../../src/drive/drive.ts';
import type { Entry } from '../../../src/drive/entry.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import { splitPath } from '../../../src/drive/path.ts';
import type { ReadOptions, TreeNode } from '../../../src/tree/node.ts';
import type { Slot } from '../../../src/tree/slot.ts';
import type { Tree } from '../../../src/webdav/ports.ts';

export const UPDATED_AT = Date.UTC(2026, 10, 23, 4, 5, 6, 789);
export const CREATED_AT = Date.UTC(2020, 1, 29, 23, 59, 59);

/** A folder's children by name; a file is what of its entry is not the default. */
export interface Content {
  readonly [name: string]: Content | Partial<Entry>;
}

/** Marks a file, which could else be an empty folder. */
export function file(part: Partial<Entry> = {}): Partial<Entry> {
  return { kind: 'file', ...part };
}

export function entryOf(name: string, part: Partial<Entry> = {}): Entry {
  return {
    driveId: '1',
    id: `id-${name}`,
    parentId: 'root',
    name,
    kind: 'folder',
    sizeBytes: 0,
    createdAt: CREATED_AT,
    updatedAt: UPDATED_AT,
    contentHash: undefined,
    mimeType: undefined,
    liveStreams: undefined,
    blockedReason: undefined,
    trashed: false,
    ...part,
  };
}

/** A tree in memory that counts what it is asked and can be told to fail. */
export class MemoryTree implements Tree {
  readonly asked: string[] = [];
  readonly options: ReadOptions[] = [];
  /** Where it is not the one that is remembered. */
  freshQuota: Quota | undefined;
  quota: Quota | undefined = { usedBytes: 400, totalBytes: 1000 };
  pageSize = Number.POSITIVE_INFINITY;
  getError: unknown;
  /** Thrown when as many pages were given. */
  listError: { readonly afterPages: number; readonly error: unknown } | undefined;
  /** Awaited before each page but the first. */
  beforePage: (signal: AbortSignal | undefined) => Promise<void> = async () => {};
  readonly #nodes = new Map<string, TreeNode>();
  readonly #children = new Map<TreeNode, TreeNode[]>();

  constructor(content: Content) {
    this.#add('/', { name: '', entry: entryOf('root', { id: 'root' }) }, content);
  }

  async get(path: string, options: ReadOptions): Promise<TreeNode> {
    this.asked.push(`get ${path}`);
    this.options.push(options);
    if (this.getError !== undefined) throw this.getError;
    const node = this.#nodes.get(path);
    if (node) return node;
    for (let parent = parentPath(path); ; parent = parentPath(parent)) {
      const kind = this.#nodes.get(parent)?.entry.kind;
      if (kind === 'file') throw new DriveError('not-a-folder', 'A file is no folder.');
      if (kind === 'folder') throw new DriveError('not-found', 'There is no such file or folder.');
    }
  }

  getAtOnce(): undefined {}

  peek(path: string): TreeNode | undefined {
    return this.#nodes.get(path);
  }

  /** Nothing is remembered. */
  findParents(): ReadonlyMap<string, string> {
    return new Map();
  }

  async *list(folder: TreeNode, options: ReadOptions, signal?: AbortSignal): AsyncGenerator<readonly TreeNode[]> {
    this.asked.push(`list ${folder.name || '/'}`);
    this.options.push(options);
    const node = [...this.#nodes.values()].find(({ entry }) => entry === folder.entry) ?? folder;
    const children = this.#children.get(node) ?? [];
    let pages = 0;
    for (let from = 0; from === 0 || from < children.length; from += this.pageSize) {
      if (this.listError?.afterPages === pages) throw this.listError.error;
      if (pages > 0) await this.beforePage(signal);
      yield children.slice(from, from + this.pageSize);
      pages += 1;
    }
    if (this.listError?.afterPages === pages) throw this.listError.error;
  }

  async locate(path: string): Promise<Slot> {
    const parent = await this.get(parentPath(path), {});
    if (parent.entry.kind === 'file') throw new DriveError('not-a-folder', 'A file is no folder.');
    const name = splitPath(path).at(-1) ?? '';
    return { path, parent, name, serviceName: name, node: this.#nodes.get(path) };
  }

  /** Puts an entry where nothing was, or in place of what was there. */
  place(path: string, entry: Entry): void {
    const parent = this.#nodes.get(parentPath(path));
    const node: TreeNode = {
      name: splitPath(path).at(-1) ?? '',
      entry: { ...entry, parentId: parent?.entry.id ?? entry.parentId },
    };
    this.#nodes.set(path, node);
    if (!parent) return;
    const others = (this.#children.get(parent) ?? []).filter(({ name }) => name !== node.name);
    this.#children.set(parent, [...others, node]);
  }

  /** Takes away what is at a path, with all that is below it. */
  remove(path: string): void {
    const parent = this.#nodes.get(parentPath(path));
    const name = splitPath(path).at(-1);
    if (parent) {
      const others = (this.#children.get(parent) ?? []).filter((child) => child.name !== name);
      this.#children.set(parent, others);
    }
    for (const below of this.pathsWithin(path)) this.#nodes.delete(below);
  }

  /** A path and those of all that is below it. */
  pathsWithin(path: string): string[] {
    return [...this.#nodes.keys()].filter((at) => at === path || at.startsWith(path === '/' ? '/' : `${path}/`));
  }

  async getFreshQuota(): Promise<Quota | undefined> {
    this.asked.push('fresh quota');
    return this.freshQuota ?? this.quota;
  }

  async getQuota(): Promise<Quota | undefined> {
    this.asked.push('quota');
    return this.quota;
  }

  #add(path: string, node: TreeNode, content: Content): void {
    this.#nodes.set(path, node);
    const children = Object.entries(content).map(([name, part]) => {
      const isFile = (part as Partial<Entry>).kind === 'file';
      const parentId = node.entry.id;
      const child: TreeNode = { name, entry: entryOf(name, { parentId, ...(isFile ? (part as Partial<Entry>) : {}) }) };
      const childPath = `/${[...splitPath(path), name].join('/')}`;
      this.#add(childPath, child, isFile ? {} : (part as Content));
      return child;
    });
    this.#children.set(node, children);
  }
}

function parentPath(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}
