import { isDriveError } from '../drive/errors.ts';
import type { TreeNode } from '../tree/node.ts';
import type { Slot } from '../tree/slot.ts';
import { DavError } from './errors.ts';
import type { Exchange } from './method.ts';
import type { Tree } from './ports.ts';

/** A place where something is. */
export interface TakenSlot extends Slot {
  readonly node: TreeNode;
}

/**
 * The place of what a request is about.
 * @throws DavError 403 for the root, 404 where nothing is, or a file under a URL that only a collection has; DriveError as the
 * tree does
 */
export async function locateExisting(tree: Tree, { path, hasTrailingSlash, signal }: Exchange): Promise<TakenSlot> {
  if (path === '/') throw new DavError(403, 'The root cannot be changed.');
  const slot = await locateIn(tree, path, signal, 404);
  if (!slot.node) throw new DavError(404, `There is nothing at ${path}.`);
  if (hasTrailingSlash && slot.node.entry.kind === 'file') throw new DavError(404, 'There is no such folder.');
  return slot as TakenSlot;
}

/** The place that a write puts something into. @throws DavError 403 for the root, 409 without a parent folder (RFC 4918 §9.3.1, §9.7.1) */
export function locateTarget(tree: Tree, path: string, signal: AbortSignal): Promise<Slot> {
  if (path === '/') throw new DavError(403, 'The root cannot be replaced.');
  return locateIn(tree, path, signal, 409);
}

/**
 * What to tell of a write to a place that found something missing: a folder that is gone without our knowledge is no missing
 * resource (RFC 4918 §9.3.1, §9.7.1, §9.8.5). The folder is asked for anew, so that whoever comes next is told before.
 * @param source of a COPY or MOVE, which may be what is missing
 */
export async function explainMissing(
  tree: Tree,
  { path, source }: { readonly path: string; readonly source?: string },
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  if (!isMissing(error)) return error;
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  const isGone = await tree.get(folder, { fresh: true }, signal).then(() => false, isMissing);
  if (source !== undefined && !isGone) return error;
  return new DavError(409, `There is no folder that could hold ${path} any more.`, { cause: error });
}

function isMissing(error: unknown): boolean {
  return isDriveError(error, 'not-found', 'not-a-folder');
}

async function locateIn(tree: Tree, path: string, signal: AbortSignal, statusWithoutParent: number): Promise<Slot> {
  try {
    return await tree.locate(path, signal);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new DavError(statusWithoutParent, `There is no folder that could hold ${path}.`, { cause: error });
  }
}
