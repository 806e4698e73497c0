import type { TreeNode } from './node.ts';

/** A place for a name in a folder, whether or not something is there. */
export interface Slot {
  readonly path: string;
  /** A folder. Of several drives the folder above them has no drive of its own (`entry.driveId` empty): nothing of the drive can be put into it. */
  readonly parent: TreeNode;
  /** As in paths; never empty. */
  readonly name: string;
  /** The name that the service is to have: `node.entry.name` where something is there. */
  readonly serviceName: string;
  readonly node: TreeNode | undefined;
}
