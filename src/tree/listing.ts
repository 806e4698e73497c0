import type { Entry } from '../drive/entry.ts';
import { alternativeNames, byAge } from './equal-names.ts';
import { toDisplayName } from './names.ts';
import type { TreeNode } from './node.ts';

/**
 * The entries of one folder under distinct names, growing page by page.
 *
 * Who comes first keeps the plain name, and a name once given stays. Pages come by `createdAt`, so the oldest of equally
 * named entries keeps it. Where the service breaks that order across pages (it puts folders before files), the names still
 * are distinct and, as long as that order is, the same every time.
 */
export class Listing {
  readonly #nodes: TreeNode[] = [];
  readonly #byName = new Map<string, TreeNode>();
  readonly #reservedName: string | undefined;

  constructor(reservedName: string | undefined) {
    this.#reservedName = reservedName;
  }

  get nodes(): readonly TreeNode[] {
    return this.#nodes;
  }

  /** Costs no more than a look into a map. */
  findNode(name: string): TreeNode | undefined {
    return this.#byName.get(name);
  }

  addPage(entries: readonly Entry[]): void {
    for (const entry of entries.toSorted(byAge)) {
      const node = this.#name(entry);
      if (!node) continue;
      this.#nodes.push(node);
      this.#byName.set(node.name, node);
    }
  }

  /** @returns undefined for an entry that is here already: one that moved across a page border while we paged. */
  #name(entry: Entry): TreeNode | undefined {
    const plain = toDisplayName(entry.name);
    const others = alternativeNames(plain, entry);
    for (let name = plain; ; name = others.next().value) {
      const holder = this.#byName.get(name);
      if (!holder && name !== this.#reservedName) return { name, entry };
      if (holder?.entry.id === entry.id) return undefined;
    }
  }
}
