import type { Quota } from '../drive/drive.ts';
import type { ReadOptions, TreeNode } from '../tree/node.ts';

/** The drive by path, as the protocol reads it. */
export interface Tree {
  /** @throws DriveError `not-found` or `not-a-folder` when that is proven, another when it is not. */
  get(path: string, options: ReadOptions, signal?: AbortSignal): Promise<TreeNode>;
  /** From memory alone, at once; undefined says nothing about whether it exists. */
  peek(path: string): TreeNode | undefined;
  /** Pages as they arrive; a listing in memory comes as one. */
  list(folder: TreeNode, options: ReadOptions, signal?: AbortSignal): AsyncIterable<readonly TreeNode[]>;
  /** undefined when it is not known; rejects only when aborted. */
  getQuota(signal?: AbortSignal): Promise<Quota | undefined>;
}
