import { untilAborted } from '../drive/abortable.ts';
import type { Quota, ReadDrive } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { splitPath } from '../drive/path.ts';
import type { Logger } from '../log.ts';
import { fetchEntries } from './folder-pages.ts';
import type { Layout, ServedDrive } from './layout.ts';
import type { Folder } from './listing-fetches.ts';
import { Listings } from './listings.ts';
import { findNameProblem, toServiceName, toShownName } from './names.ts';
import type { ReadOptions, TreeNode } from './node.ts';
import type { Overlay } from './overlay.ts';
import { QuotaCache } from './quota.ts';
import type { Slot } from './slot.ts';
import type { StoredListings } from './stored-listings.ts';
import { isTop, toTopEntry, toTopNodes } from './top-folder.ts';

export interface DriveTreeDeps {
  readonly drive: ReadDrive;
  readonly layout: Layout;
  /** Our own writes, which every answer has in it. */
  readonly overlay: Overlay;
  /** What must be known before anything is answered; its owner remembers that it was done. */
  readonly prepare?: () => Promise<void>;
  /** Hears of every listing that became complete, soon after: all ids that the folder has then. Must not throw. */
  readonly onListed?: (folder: EntryKey, ids: ReadonlySet<string>) => void;
  /** `ALIDAV_ROOT`: the folder served as `/`, a path through the layout. Default: all of it. */
  readonly root?: string;
  /** How long a listing is answered from memory without asking. */
  readonly listFreshMs: number;
  readonly now: () => number;
  readonly log: Logger;
  /** Bounds the memory of all listings together; an entry takes about half a KiB. */
  readonly maxEntries?: number;
  /** Where listings outlive a restart. Default: nowhere. */
  readonly stored?: StoredListings;
}

const DEFAULT_MAX_ENTRIES = 200_000;

/** The program's own addresses are below this name of the served root. */
const RESERVED_ROOT_NAME = '.alidav';

const FOR_WRITING: ReadOptions = { forWriting: true };

/** The drives addressed by path, with memory; paths are those of `drive/path.ts`, of mapped names. */
export class DriveTree {
  readonly #deps: DriveTreeDeps;
  readonly #root: readonly string[];
  readonly #listings: Listings;
  readonly #quota: QuotaCache;
  /** To wait for what is over costs a request as much as all else that it asks of the tree. */
  #isPrepared = false;

  constructor(deps: DriveTreeDeps) {
    this.#deps = deps;
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
    await this.#prepared(signal);
    const names = [...this.#root, ...splitPath(path)];
    const onTheWay: ReadOptions = { ...options, fresh: false };
    let node = this.#toNode(0, '/', toTopEntry(await this.#deps.layout.getDrives(signal)));
    let parent: TreeNode | undefined;
    let isToldFromBefore = false;
    for (const [depth, name] of names.entries()) {
      const isLast = depth === names.length - 1;
      let child: TreeNode | undefined;
      try {
        child = await this.#findChild(node, name, isLast ? options : onTheWay, signal);
        if (!child && options.fresh && !isLast) child = await this.#findChild(node, name, options, signal);
      } catch (error) {
        node = await this.#findSuccessor(node, parent, names[depth - 1], error, signal);
        child = await this.#findChild(node, name, options, signal);
      }
      // Another folder of that name may stand on the way by now, which has it.
      if (!child && isToldFromBefore) return this.get(path, { ...options, mayBeStale: false }, signal);
      if (!child) throw this.#notFound(path, depth);
      isToldFromBefore ||= !isLast && this.#listings.isToldFromBefore(node.entry, options);
      parent = node;
      node = this.#toNode(depth + 1, child.name, child.entry);
    }
    if (node.name === '' && node.entry.kind !== 'folder') {
      throw new DriveError('not-a-folder', 'ALIDAV_ROOT names a file of the drive, not a folder.');
    }
    return node;
  }

  /**
   * What `get` would answer, where memory has it fresh all the way: most requests need not wait for anything. undefined says
   * nothing; never throws.
   */
  getAtOnce(path: string, { fresh, forWriting }: ReadOptions): TreeNode | undefined {
    if (fresh || forWriting || (this.#deps.prepare && !this.#isPrepared)) return undefined;
    const node = this.#walk(path, (folder, name) => this.#listings.findAtOnce(folder, name));
    return node?.name === '' && node.entry.kind !== 'folder' ? undefined : node;
  }

  /** From memory alone and however old, at the cost of a look into a map for each segment; never throws. */
  peek(path: string): TreeNode | undefined {
    return this.#walk(path, (folder, name) => this.#listings.peekNode(folder, name));
  }

  #walk(path: string, find: (folder: EntryKey, name: string) => TreeNode | undefined): TreeNode | undefined {
    const drives = this.#deps.layout.peekDrives();
    if (!drives) return undefined;
    const findChild = (node: TreeNode, name: string) =>
      isTop(node.entry) ? findNamed(this.#topNodes(node, drives), name) : find(node.entry, name);
    let node = this.#toNode(0, '/', toTopEntry(drives));
    for (const [depth, name] of [...this.#root, ...splitPath(path)].entries()) {
      const child = findChild(node, name) ?? findChild(node, toShownName(name));
      if (!child) return undefined;
      node = this.#toNode(depth + 1, child.name, child.entry);
    }
    return node;
  }

  /** Of a drive's folders, as far as they are remembered: the id of the folder that each is in. Looks through all entries. */
  findParents(driveId: string): ReadonlyMap<string, string> {
    return this.#listings.findParents(driveId);
  }

  /**
   * The folder's entries: page by page as they arrive, for every reader from the first page on; a fresh listing as one array.
   * Throws rather than end short.
   * @throws DriveError `not-a-folder`, `not-found`, or what kept us from asking
   */
  async *list(folder: TreeNode, options: ReadOptions, signal?: AbortSignal): AsyncGenerator<readonly TreeNode[]> {
    if (folder.entry.kind !== 'folder') throw new DriveError('not-a-folder', `"${folder.name}" is a file.`);
    await this.#prepared(signal);
    if (isTop(folder.entry)) yield this.#topNodes(folder, await this.#deps.layout.getDrives(signal));
    else yield* this.#listings.list(toFolder(folder), options, signal);
  }

  /**
   * The place that a path names, whether or not something is there; costs as much as `get`.
   * @throws DriveError `not-found` or `not-a-folder` for the parent; `name-refused` for a free name that the service cannot
   * store; `forbidden` for the root and for the program's own address
   */
  async locate(path: string, signal?: AbortSignal): Promise<Slot> {
    const segments = splitPath(path);
    const last = segments.pop();
    if (last === undefined) throw new DriveError('forbidden', 'The root is no place for something else.');
    const parent = await this.get(`/${segments.join('/')}`, FOR_WRITING, signal);
    if (parent.entry.kind !== 'folder') throw new DriveError('not-a-folder', `"${parent.name}" is a file.`);
    if (parent.name === '' && last === RESERVED_ROOT_NAME) {
      throw new DriveError('forbidden', `/${RESERVED_ROOT_NAME} is alidav’s own address.`);
    }
    const node = await this.#findChild(parent, last, FOR_WRITING, signal);
    if (node) return { path, parent, name: node.name, serviceName: node.entry.name, node };
    const serviceName = toServiceName(last);
    const problem = findNameProblem(serviceName);
    if (problem !== undefined) throw new DriveError('name-refused', problem);
    return { path, parent, name: toShownName(last), serviceName, node: undefined };
  }

  /** Ends what is asked for behind answers, and resolves when nothing is being stored. */
  stop(): Promise<void> {
    return this.#listings.stop();
  }

  /** Cached for a minute; waits two seconds at most and then is undefined. Rejects with `aborted` alone. */
  getQuota(signal?: AbortSignal): Promise<Quota | undefined> {
    return this.#quota.getQuota(signal);
  }

  /** As `getQuota`, but of this moment as far as the service answers in time. */
  getFreshQuota(signal?: AbortSignal): Promise<Quota | undefined> {
    return this.#quota.getFreshQuota(signal);
  }

  /** Counts what was written before the service is asked again. */
  noteWritten(bytes: number): void {
    this.#quota.noteWritten(bytes);
  }

  /** All that the service lists of a folder now, as it is: no memory, no guards, nothing of ours laid over it. */
  fetchEntries(folder: EntryKey, signal?: AbortSignal): Promise<readonly Entry[]> {
    return fetchEntries(this.#deps.drive, folder, signal);
  }

  async #prepared(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isPrepared || !this.#deps.prepare) return;
    await untilAborted(this.#deps.prepare(), signal);
    this.#isPrepared = true;
  }

  async #findChild(
    node: TreeNode,
    name: string,
    options: ReadOptions,
    signal: AbortSignal | undefined,
  ): Promise<TreeNode | undefined> {
    if (node.entry.kind !== 'folder') return undefined;
    if (isTop(node.entry)) {
      const nodes = this.#topNodes(node, await this.#deps.layout.getDrives(signal));
      return findNamed(nodes, name) ?? findNamed(nodes, toShownName(name));
    }
    const found = await this.#listings.findNode(toFolder(node), name, options, signal);
    const shownName = toShownName(name);
    if (found || shownName === name) return found;
    // The listing is there now.
    return this.#listings.findNode(toFolder(node), shownName, { ...options, fresh: false }, signal);
  }

  /** The folder that by now has the name of one that was there when its parent was listed. @throws the error where there is none */
  async #findSuccessor(
    gone: TreeNode,
    parent: TreeNode | undefined,
    name: string | undefined,
    error: unknown,
    signal: AbortSignal | undefined,
  ): Promise<TreeNode> {
    if (!parent || name === undefined || !isDriveError(error, 'not-found')) throw error;
    const other = await this.#findChild(parent, name, { fresh: true }, signal);
    if (!other || other.entry.id === gone.entry.id) throw error;
    return { name: gone.name, entry: other.entry };
  }

  #topNodes({ entry }: TreeNode, drives: readonly ServedDrive[]): TreeNode[] {
    return toTopNodes(drives, this.#deps.overlay.localEntries(entry));
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

function findNamed(nodes: readonly TreeNode[], name: string): TreeNode | undefined {
  return nodes.find((node) => node.name === name);
}
