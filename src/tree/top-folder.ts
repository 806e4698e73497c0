import { type Entry, ROOT_ID } from '../drive/entry.ts';
import type { ServedDrive } from './layout.ts';
import { toDisplayName } from './names.ts';
import type { TreeNode } from './node.ts';

/** One drive is the root itself; several are folders of a root that no drive has. */
export function toTopEntry(drives: readonly ServedDrive[]): Entry {
  const [only, ...others] = drives;
  return only && others.length === 0 ? toRootEntry(only) : toFolderEntry('', '', '');
}

/** The folder above several drives has no drive of its own. */
export function isTop({ driveId, id }: Entry): boolean {
  return driveId === '' && id === '';
}

/** The drives' own folders, and beside them what lives with us alone. */
export function toTopNodes(drives: readonly ServedDrive[], localEntries: readonly Entry[]): TreeNode[] {
  const nodes = drives.map((drive) => ({ name: drive.name, entry: toRootEntry(drive) }));
  const isFree = ({ name }: TreeNode) => !drives.some((drive) => drive.name === name);
  return [...nodes, ...localEntries.map((entry) => ({ name: toDisplayName(entry.name), entry })).filter(isFree)];
}

function toRootEntry({ driveId, name }: ServedDrive): Entry {
  return toFolderEntry(driveId, ROOT_ID, name);
}

/** The times of a folder that the service does not tell about are 0: unknown, and the same every time. */
function toFolderEntry(driveId: string, id: string, name: string): Entry {
  return {
    driveId,
    id,
    parentId: '',
    name,
    kind: 'folder',
    sizeBytes: 0,
    createdAt: 0,
    updatedAt: 0,
    contentHash: undefined,
    mimeType: undefined,
    liveStreams: undefined,
    blockedReason: undefined,
    trashed: false,
  };
}
