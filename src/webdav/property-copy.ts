import type { Logger } from '../log.ts';
import type { TreeNode } from '../tree/node.ts';
import type { Tree } from './ports.ts';
import type { PropertyStore } from './property-store.ts';

export interface PropertyCopyDeps {
  readonly tree: Pick<Tree, 'get' | 'list'>;
  readonly properties: Pick<PropertyStore, 'hasAny' | 'ofFolder' | 'copied'>;
  readonly log: Logger;
}

/** Gives what lies in the copy of a folder the dead properties of what it was copied from; both by path. */
export type CopyFolderProperties = (source: string, target: string) => void;

/** Each may cost a listing of the source and one of the copy; what lies beyond keeps no properties. */
const MAX_FOLDERS = 200;

/**
 * RFC 4918 §9.8.2, which asks for no more than an effort: it is made behind the answer, one copy after the other, for it may
 * take a listing for every folder. Costs nothing in a drive where nobody has set any.
 */
export function createPropertyCopy(deps: PropertyCopyDeps): CopyFolderProperties {
  let last: Promise<void> = Promise.resolve();
  return (source, target) => {
    const warn = (err: unknown) => deps.log.warn({ err }, 'the properties in a copied folder could not be copied');
    last = last.then(() => copyAll(deps, source, target)).catch(warn);
  };
}

async function copyAll({ tree, properties }: PropertyCopyDeps, source: string, target: string): Promise<void> {
  const root = await tree.get(source, {});
  if (root.entry.kind === 'file' || !(await properties.hasAny(root.entry.driveId))) return;
  const pending: { readonly folder: TreeNode; readonly path: string }[] = [{ folder: root, path: '' }];
  for (let walked = 0; walked < MAX_FOLDERS; walked++) {
    const next = pending.shift();
    if (!next) return;
    const { folder, path } = next;
    const children = await readAll(tree, folder);
    const records = await properties.ofFolder({ driveId: folder.entry.driveId, id: folder.entry.id });
    if (records.size > 0) {
      const copies = new Map((await readAll(tree, await tree.get(target + path, {}))).map((node) => [node.name, node]));
      for (const child of children) {
        const copy = copies.get(child.name);
        if (copy && records.has(child.entry.id)) await properties.copied(child.entry, copy.entry);
      }
    }
    for (const child of children) {
      if (child.entry.kind === 'folder') pending.push({ folder: child, path: `${path}/${child.name}` });
    }
  }
}

async function readAll(tree: PropertyCopyDeps['tree'], folder: TreeNode): Promise<TreeNode[]> {
  const nodes: TreeNode[] = [];
  for await (const page of tree.list(folder, {})) nodes.push(...page);
  return nodes;
}
