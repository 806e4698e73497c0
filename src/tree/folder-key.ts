import type { EntryKey } from '../drive/entry.ts';

/** A folder as one string: ids alone are not unique among drives. */
export function toFolderKey({ driveId, id }: EntryKey): string {
  return `${driveId}/${id}`;
}

/** The folder that an entry stands in. */
export function folderOf({ driveId, parentId }: { readonly driveId: string; readonly parentId: string }): EntryKey {
  return { driveId, id: parentId };
}
