import { isDriveError } from '../drive/errors.ts';
import type { TreeNode } from '../tree/node.ts';
import type { Slot } from '../tree/slot.ts';
import { DavError } from './errors.ts';
import type { Tree } from './ports.ts';

/** A place where something is. */
export interface TakenSlot extends Slot {
  readonly node: TreeNode;
}

/** The place of what a write is about. @throws DavError 403 for the root, 404 where nothing is; DriveError as the tree does */
export async function locateExisting(tree: Tree, path: string, signal: AbortSignal): Promise<TakenSlot> {
  if (path === '/') throw new DavError(403, 'The root cannot be changed.');
  const slot = await locateIn(tree, path, signal, 404);
  if (!slot.node) throw new DavError(404, `There is nothing at ${path}.`);
  return slot as TakenSlot;
}

/** The place that a write puts something into. @throws DavError 403 for the root, 409 without a parent folder (RFC 4918 §9.3.1, §9.7.1) */
export function locateTarget(tree: Tree, path: string, signal: AbortSignal): Promise<Slot> {
  if (path === '/') throw new DavError(403, 'The root cannot be replaced.');
  return locateIn(tree, path, signal, 409);
}

async function locateIn(tree: Tree, path: string, signal: AbortSignal, statusWithoutParent: number): Promise<Slot> {
  try {
    return await tree.locate(path, signal);
  } catch (error) {
    if (!isDriveError(error, 'not-found', 'not-a-folder')) throw error;
    throw new DavError(statusWithoutParent, `There is no folder that could hold ${path}.`, { cause: error });
  }
}
