import type { Entry } from '../drive/entry.ts';
import { alternativeNames, byAge } from './equal-names.ts';
import type { FolderGuards } from './guards.ts';
import { toDisplayName } from './names.ts';
import type { TreeNode } from './node.ts';

/**
 * The entries of one folder under distinct names, growing page by page and changed by our own writes. An array that was handed
 * out is never changed: readers go through it across awaits.
 *
 * Who comes first keeps the plain name, and a name once given stays. Pages come by `createdAt`, so the oldest of equally
 * named entries keeps it. Where the service breaks that order across pages (it puts folders before files), the names still
 * are distinct and, as long as that order is, the same every time.
 */
export class Listing {
  #nodes: TreeNode[] = [];
  #areNodesHandedOut = false;
  readonly #byName = new Map<string, TreeNode>();
  /** Made when the first write of ours asks for it: most folders are only read. */
  #byId: Map<string, TreeNode> | undefined;
  /** What guards keep from readers; it takes no name. */
  readonly #hidden = new Map<string, Entry>();
  #revision = 0;
  readonly #reservedName: string | undefined;
  readonly #findGuards: () => FolderGuards | undefined;

  constructor(reservedName: string | undefined, findGuards: () => FolderGuards | undefined = () => undefined) {
    this.#reservedName = reservedName;
    this.#findGuards = findGuards;
  }

  get nodes(): readonly TreeNode[] {
    this.#areNodesHandedOut = true;
    return this.#nodes;
  }

  get size(): number {
    return this.#nodes.length;
  }

  /** Counts what was changed or taken away, as opposed to added at the end. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether it holds back an entry that no guard forbids any more: it then shows less than there is. */
  get isShort(): boolean {
    const guards = this.#findGuards();
    return [...this.#hidden.values()].some((entry) => !guards?.hides(entry));
  }

  /** Whether guards keep something of it from readers. */
  get isVeiled(): boolean {
    return this.#hidden.size > 0;
  }

  /** Costs no more than a look into a map. */
  findNode(name: string): TreeNode | undefined {
    return this.#byName.get(name);
  }

  /** Also for what is hidden. */
  has(id: string): boolean {
    return this.#ids().has(id) || this.#hidden.has(id);
  }

  /** A copy, from a position on. */
  nodesFrom(start: number): readonly TreeNode[] {
    return this.#nodes.slice(start);
  }

  folders(): Entry[] {
    return this.#nodes.flatMap(({ entry }) => (entry.kind === 'folder' ? [entry] : []));
  }

  /** What readers see of a service's name, who has the plain name first. */
  entriesNamed(serviceName: string): Entry[] {
    const plain = toDisplayName(serviceName);
    const nodes = this.#nodes.filter(({ entry }) => entry.name === serviceName);
    return nodes
      .toSorted((one, other) => Number(other.name === plain) - Number(one.name === plain))
      .map(({ entry }) => entry);
  }

  /** Of all entries, hidden ones included. */
  collectIds(): Set<string> {
    return new Set([...this.#nodes.map(({ entry }) => entry.id), ...this.#hidden.keys()]);
  }

  addPage(entries: readonly Entry[]): void {
    const guards = this.#findGuards();
    for (const entry of entries.toSorted(byAge)) {
      if (guards?.hides(entry)) this.#hidden.set(entry.id, entry);
      else if (this.#byId?.has(entry.id)) this.put(entry);
      else this.#add(entry);
    }
  }

  /** An entry as it is now. Under another name than before, it leaves the old one, which stays free until the next listing. */
  put(entry: Entry): void {
    this.#hidden.delete(entry.id);
    const known = this.#ids().get(entry.id);
    if (known && toDisplayName(known.entry.name) === toDisplayName(entry.name)) {
      this.#swap(known, entry);
    } else {
      if (known) this.#drop(known);
      this.#add(entry);
    }
  }

  remove(id: string): void {
    this.#hidden.delete(id);
    const known = this.#ids().get(id);
    if (known) this.#drop(known);
  }

  /** As `put` for what the service tells of changes elsewhere: guards have their say. */
  observe(entry: Entry): void {
    if (!this.#findGuards()?.hides(entry)) {
      this.put(entry);
      return;
    }
    this.remove(entry.id);
    this.#hidden.set(entry.id, entry);
  }

  /** What guards have kept back under a service's name, the oldest of it. */
  findHidden(serviceName: string): Entry | undefined {
    return [...this.#hidden.values()].filter(({ name }) => name === serviceName).toSorted(byAge)[0];
  }

  /** A write of ours: what takes the place of an equally named entry is called as that was called. */
  patch(removed: readonly Entry[], placed: readonly Entry[]): void {
    for (const entry of placed) {
      const isReplaced = ({ id, name }: Entry) => id !== entry.id && name === entry.name && this.#ids().has(id);
      const replaced = removed.find(isReplaced);
      if (replaced) this.#replace(replaced.id, entry);
      else this.put(entry);
    }
    for (const { id } of removed) {
      if (!placed.some((entry) => entry.id === id)) this.remove(id);
    }
  }

  #replace(replacedId: string, entry: Entry): void {
    this.remove(entry.id);
    const node = this.#ids().get(replacedId);
    if (!node) return;
    this.#ids().delete(replacedId);
    this.#swap(node, entry);
  }

  /** Nothing is added that is here already: an entry that moved across a page border while we paged. */
  #add(entry: Entry): void {
    const node = this.#name(entry);
    if (!node) return;
    this.#ownNodes().push(node);
    this.#byName.set(node.name, node);
    this.#byId?.set(entry.id, node);
  }

  #swap(node: TreeNode, entry: Entry): void {
    const successor: TreeNode = { name: node.name, entry };
    const nodes = this.#ownNodes();
    nodes[nodes.indexOf(node)] = successor;
    this.#byName.set(successor.name, successor);
    this.#ids().set(entry.id, successor);
    this.#revision++;
  }

  #drop(node: TreeNode): void {
    const nodes = this.#ownNodes();
    nodes.splice(nodes.indexOf(node), 1);
    this.#byName.delete(node.name);
    this.#ids().delete(node.entry.id);
    this.#revision++;
  }

  #ids(): Map<string, TreeNode> {
    this.#byId ??= new Map(this.#nodes.map((node) => [node.entry.id, node]));
    return this.#byId;
  }

  #ownNodes(): TreeNode[] {
    if (this.#areNodesHandedOut) this.#nodes = [...this.#nodes];
    this.#areNodesHandedOut = false;
    return this.#nodes;
  }

  /** @returns undefined for an entry that is here already */
  #name(entry: Entry): TreeNode | undefined {
    const plain = toDisplayName(entry.name);
    // Nearly all names are free, and a generator for each of them is not.
    let others: Iterator<string, never> | undefined;
    for (let name = plain; ; name = others.next().value) {
      const holder = this.#byName.get(name);
      if (!holder && name !== this.#reservedName) return { name, entry };
      if (holder?.entry.id === entry.id) return undefined;
      others ??= alternativeNames(plain, entry);
    }
  }
}
