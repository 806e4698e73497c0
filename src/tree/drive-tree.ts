import type { Quota, ReadDrive } from '../drive/drive.ts';
import { type Entry, ROOT_ID } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import { splitPath } from '../drive/path.ts';
import type { Logger } from '../log.ts';
import type { Layout, ServedDrive } from './layout.ts';
import { type Folder, Listings } from './listings.ts';
import type { ReadOptions, TreeNode } from './node.ts';
import { QuotaCache } from './quota.ts';

export interface DriveTreeDeps {
  readonly drive: ReadDrive;
  readonly layout: Layout;
  /** `ALIDAV_ROOT`: the folder served as `/`, a path through the layout. Default: all of it. */
  readonly root?: string;
  /** How long a listing is answered from memory without asking. */
  readonly listFreshMs: number;
  readonly now: () => number;
  readonly log: Logger;
  /** Bounds the memory of all listings together; an entry takes about half a KiB. */
  readonly maxEntries?: number;
}

const DEFAULT_MAX_ENTRIES = 200_000;

/** The program's own addresses are below this name of the served root. */
const RESERVED_ROOT_NAME = '.alidav';

/** The drives addressed by path, with memory; paths are those of `drive/path.ts`, of mapped names. */
export class DriveTree {
  readonly #layout: Layout;
  readonly #root: readonly string[];
  readonly #listings: Listings;
  readonly #quota: QuotaCache;

  constructor(deps: DriveTreeDeps) {
    this.#layout = deps.layout;
    this.#root = splitPath(deps.root ?? '/');
    this.#listings = new Listings({ ...deps, maxEntries: deps.maxEntries ?? DEFAULT_MAX_ENTRIES });
    this.#quota = new QuotaCache(deps);
  }

  /**
   * Costs no call where the listings on the way are fresh, otherwise one fetch a folder.
   * @param options with `fresh`, the listing that holds the entry is fetched; those of the folders above it only where they
   * lack the name, so that a client that always says `no-cache` does not pay for the depth of its path.
   * @throws DriveError `not-found` for a proven absence, also below a file; what kept us from asking, otherwise
   */
  async get(path: string, options: ReadOptions, signal?: AbortSignal): Promise<TreeNode> {
    const names = [...this.#root, ...splitPath(path)];
    let node = this.#toNode(0, '/', toTopEntry(await this.#layout.getDrives(signal)));
    for (const [depth, name] of names.entries()) {
      const isLast = depth === names.length - 1;
      let child = await this.#findChild(node, name, isLast ? options : {}, signal);
      if (!child && options.fresh && !isLast) child = await this.#findChild(node, name, options, signal);
      if (!child) throw this.#notFound(path, depth);
      node = this.#toNode(depth + 1, name, child);
    }
    if (node.name === '' && node.entry.kind !== 'folder') {
      throw new DriveError('not-a-folder', 'ALIDAV_ROOT names a file of the drive, not a folder.');
    }
    return node;
  }

  /** From memory alone and however old, at the cost of a look into a map for each segment; never throws. */
  peek(path: string): TreeNode | undefined {
    const drives = this.#layout.peekDrives();
    if (!drives) return undefined;
    let node = this.#toNode(0, '/', toTopEntry(drives));
    for (const [depth, name] of [...this.#root, ...splitPath(path)].entries()) {
      const entry = isTop(node.entry) ? findDrive(drives, name) : this.#listings.peekNode(node.entry, name)?.entry;
      if (!entry) return undefined;
      node = this.#toNode(depth + 1, name, entry);
    }
    return node;
  }

  /**
   * The folder's entries: page by page as they arrive, for every reader from the first page on; a fresh listing as one array.
   * Throws rather than end short.
   * @throws DriveError `not-a-folder`, `not-found`, or what kept us from asking
   */
  async *list(folder: TreeNode, options: ReadOptions, signal?: AbortSignal): AsyncGenerator<readonly TreeNode[]> {
    if (folder.entry.kind !== 'folder') throw new DriveError('not-a-folder', `"${folder.name}" is a file.`);
    if (!isTop(folder.entry)) {
      yield* this.#listings.list(toFolder(folder), options, signal);
      return;
    }
    const drives = await this.#layout.getDrives(signal);
    yield drives.map((drive) => ({ name: drive.name, entry: toRootEntry(drive) }));
  }

  /** Cached for a minute; waits two seconds at most and then is undefined. Rejects with `aborted` alone. */
  getQuota(signal?: AbortSignal): Promise<Quota | undefined> {
    return this.#quota.getQuota(signal);
  }

  async #findChild(
    node: TreeNode,
    name: string,
    options: ReadOptions,
    signal: AbortSignal | undefined,
  ): Promise<Entry | undefined> {
    if (node.entry.kind !== 'folder') return undefined;
    if (isTop(node.entry)) return findDrive(await this.#layout.getDrives(signal), name);
    return (await this.#listings.findNode(toFolder(node), name, options, signal))?.entry;
  }

  /** @param depth how many names of the whole way lead here; the served root loses its own */
  #toNode(depth: number, name: string, entry: Entry): TreeNode {
    return { name: depth === this.#root.length ? '' : name, entry };
  }

  #notFound(path: string, depth: number): DriveError {
    return depth < this.#root.length
      ? new DriveError(
          'not-found',
          `ALIDAV_ROOT names a folder that the drive does not have: /${this.#root.join('/')}.`,
        )
      : new DriveError('not-found', `There is nothing at ${path}.`);
  }
}

function toFolder({ name, entry }: TreeNode): Folder {
  return {
    key: { driveId: entry.driveId, id: entry.id },
    reservedName: name === '' ? RESERVED_ROOT_NAME : undefined,
  };
}

/** One drive is the root itself; several are folders of a root that no drive has. */
function toTopEntry(drives: readonly ServedDrive[]): Entry {
  const [only, ...others] = drives;
  return only && others.length === 0 ? toRootEntry(only) : toFolderEntry('', '', '');
}

function findDrive(drives: readonly ServedDrive[], name: string): Entry | undefined {
  const drive = drives.find((candidate) => candidate.name === name);
  return drive && toRootEntry(drive);
}

function toRootEntry({ driveId, name }: ServedDrive): Entry {
  return toFolderEntry(driveId, ROOT_ID, name);
}

/** The times of a folder that the service does not tell about are 0: unknown, and the same every time. */
function toFolderEntry(driveId: string, id: string, name: string): Entry {
  return {
    driveId,
    id,
    parentId: '',
    name,
    kind: 'folder',
    sizeBytes: 0,
    createdAt: 0,
    updatedAt: 0,
    contentHash: undefined,
    mimeType: undefined,
    liveStreams: undefined,
    blockedReason: undefined,
    trashed: false,
  };
}

/** The folder above several drives has no drive of its own. */
function isTop(entry: Entry): boolean {
  return entry.driveId === '';
}
