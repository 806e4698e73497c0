import type { TreeNode } from '../tree/node.ts';
import type { Tree } from './ports.ts';
import type { PropertyStore } from './property-store.ts';

/** Each may cost a listing of the source and one of the copy; what lies beyond keeps no properties. */
const MAX_FOLDERS = 200;

/**
 * Gives what lies in a copied folder the dead properties of what it was copied from (RFC 4918 §9.8.2). Costs nothing in a
 * drive where nobody has set any.
 */
export async function copyFolderProperties(
  tree: Tree,
  properties: PropertyStore,
  source: string,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const root = await tree.get(source, {}, signal);
  if (root.entry.kind === 'file' || !(await properties.hasAny(root.entry.driveId))) return;
  const pending: { readonly folder: TreeNode; readonly path: string }[] = [{ folder: root, path: '' }];
  for (let walked = 0; walked < MAX_FOLDERS; walked++) {
    const next = pending.shift();
    if (!next) return;
    const { folder, path } = next;
    const children = await readAll(tree, folder, signal);
    const records = await properties.ofFolder({ driveId: folder.entry.driveId, id: folder.entry.id });
    if (records.size > 0) {
      const copies = new Map(
        (await readAll(tree, await tree.get(target + path, {}, signal), signal)).map((node) => [node.name, node]),
      );
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

async function readAll(tree: Tree, folder: TreeNode, signal: AbortSignal): Promise<TreeNode[]> {
  const nodes: TreeNode[] = [];
  for await (const page of tree.list(folder, {}, signal)) nodes.push(...page);
  return nodes;
}
