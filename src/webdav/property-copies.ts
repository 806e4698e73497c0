import { untilAborted } from '../drive/abortable.ts';
import type { Change } from '../drive/change.ts';
import { type Entry, ROOT_ID } from '../drive/entry.ts';
import type { Logger } from '../log.ts';
import type { TreeNode } from '../tree/node.ts';
import type { Tree } from './ports.ts';
import type { PropertyStore } from './property-store.ts';

export interface PropertyCopiesDeps {
  readonly tree: Pick<Tree, 'list' | 'findParents'>;
  readonly properties: Pick<PropertyStore, 'ofFolder' | 'copied' | 'foldersWithRecords'>;
  readonly log: Logger;
}

/** A folder and its copy, which is looked for when something in it is to have properties. */
interface Pair {
  readonly source: TreeNode;
  readonly findCopy: () => Promise<TreeNode | undefined>;
}

interface Walk {
  /** Folders that hold something with a record and have not been come by. */
  readonly wanted: Set<string>;
  readonly pending: Pair[];
}

/** Each may cost a listing of the source and one of the copy; what lies beyond keeps no properties. */
const MAX_FOLDERS = 500;
/** So many copies wait for their turn; those of more are told to the log. */
const MAX_WAITING = 100;
/** Somebody waits for the answer to a copy that is made already. */
const NEAR_WITHIN_MS = 1_000;

/**
 * Gives what lies in copied folders the dead properties of what it was copied from (RFC 4918 §9.8.2): in the background, one
 * folder after the other, for each costs calls; none at all where nothing in the drive can be concerned. A copy is a copy
 * without them, too: what fails is told to the log alone.
 */
export class PropertyCopies {
  readonly #deps: PropertyCopiesDeps;
  readonly #near = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(deps: PropertyCopiesDeps) {
    this.#deps = deps;
  }

  /** Begins with each folder that was copied whole. */
  follow({ origins = [] }: Change): void {
    for (const { how, from, to } of origins) if (how === 'copied' && to.kind === 'folder') this.#begin(to, from);
  }

  /** Resolves when what is directly in a folder just copied has its properties, or after a second. */
  async nearOf(copied: Entry): Promise<void> {
    const near = this.#near.get(copied.id);
    if (near) await untilAborted(near, AbortSignal.timeout(NEAR_WITHIN_MS)).catch(() => {});
  }

  /** What is not done by then is not done any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#turn;
  }

  #begin(copied: Entry, source: Entry): void {
    if (this.#stopping.signal.aborted || this.#waiting >= MAX_WAITING) {
      this.#tell(copied, undefined);
      return;
    }
    this.#waiting += 1;
    const near = this.#beginWalk(copied, source);
    const seen = near.then(
      () => {},
      () => {},
    );
    this.#near.set(copied.id, seen);
    void seen.then(() => this.#near.delete(copied.id));
    this.#turn = this.#turn
      .then(async () => this.#finish(await near))
      .catch((error: unknown) => this.#tell(copied, error))
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  /** The first folder waits for no turn. */
  async #beginWalk(copied: Entry, source: Entry): Promise<Walk> {
    const top: Pair = { source: toNode(source), findCopy: async () => toNode(copied) };
    const walk: Walk = { wanted: await this.#findWanted(source), pending: [top] };
    if (walk.wanted.has(source.id)) await this.#step(walk);
    return walk;
  }

  async #finish(walk: Walk): Promise<void> {
    for (let walked = 0; walk.wanted.size > 0 && walk.pending.length > 0; walked++) {
      if (walked === MAX_FOLDERS) throw new Error(`More than ${MAX_FOLDERS} folders were copied.`);
      await this.#step(walk);
    }
  }

  async #step({ wanted, pending }: Walk): Promise<void> {
    const pair = pending.shift();
    if (!pair) return;
    const { source } = pair;
    const children = await this.#readAll(source);
    const copies = once(async () => {
      const copy = await pair.findCopy();
      return new Map((copy ? await this.#readAll(copy) : []).map((node) => [node.name, node]));
    });
    if (wanted.delete(source.entry.id)) await this.#copyRecords(source, children, await copies());
    for (const child of children) {
      const findCopy = async () => (await copies()).get(child.name);
      if (child.entry.kind === 'folder') pending.push({ source: child, findCopy });
    }
  }

  async #copyRecords(
    source: TreeNode,
    children: readonly TreeNode[],
    copies: ReadonlyMap<string, TreeNode>,
  ): Promise<void> {
    const records = await this.#deps.properties.ofFolder(source.entry);
    for (const { name, entry } of children) {
      const copy = copies.get(name);
      if (copy && records.has(entry.id)) await this.#deps.properties.copied(entry, copy.entry);
    }
  }

  /** Not those that are known to lie elsewhere. */
  async #findWanted({ driveId, id }: Entry): Promise<Set<string>> {
    const { tree, properties } = this.#deps;
    const wanted = await properties.foldersWithRecords(driveId);
    if (wanted.size === 0) return wanted;
    const parents = tree.findParents(driveId);
    return new Set([...wanted].filter((folder) => mayLieIn(folder, id, parents)));
  }

  async #readAll(folder: TreeNode): Promise<TreeNode[]> {
    const nodes: TreeNode[] = [];
    for await (const page of this.#deps.tree.list(folder, {}, this.#stopping.signal)) nodes.push(...page);
    return nodes;
  }

  #tell({ name }: Entry, error: unknown): void {
    this.#deps.log.warn(
      { err: error, folder: name },
      'the properties of what is in a copied folder are not all copied',
    );
  }
}

function mayLieIn(folder: string, top: string, parents: ReadonlyMap<string, string>): boolean {
  const passed = new Set<string>();
  for (let at: string | undefined = folder; at !== undefined && !passed.has(at); at = parents.get(at)) {
    if (at === top) return true;
    if (at === ROOT_ID) return false;
    passed.add(at);
  }
  // The way up is not known to its end.
  return true;
}

function toNode(entry: Entry): TreeNode {
  return { name: entry.name, entry };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | undefined;
  return () => {
    begun ??= work();
    return begun;
  };
}
