import { ROOT_ID, type StoredEntry, sizeOf } from './entry.ts';
import type { Store } from './store.ts';

/** Everything that is visible in a drive, parents before their children, as a test reads it. */
export function treeJson(store: Store, driveId: string): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = [];
  const add = (folder: StoredEntry, path: string) => {
    for (const entry of store.children(folder)) {
      rows.push(rowOf(entry, `${path}/${entry.name}`));
      if (entry.type === 'folder') add(entry, `${path}/${entry.name}`);
    }
  };
  add(store.root(driveId), '');
  return rows;
}

function rowOf(entry: StoredEntry, path: string): Record<string, unknown> {
  return {
    path,
    drive_id: entry.driveId,
    file_id: entry.fileId,
    parent_file_id: entry.parentFileId,
    name: entry.name,
    type: entry.type,
    size: entry.type === 'file' ? sizeOf(entry) : null,
    sha1: entry.content?.digests()?.sha1 ?? null,
    created_at: new Date(entry.createdAt).toISOString(),
    updated_at: new Date(entry.updatedAt).toISOString(),
  };
}

/** Follows names from the root; among equal names the oldest. */
export function findByPath(store: Store, driveId: string, path: string): StoredEntry | undefined {
  let entry: StoredEntry | undefined = store.find(driveId, ROOT_ID);
  for (const name of path.split('/').filter((part) => part !== '')) {
    if (entry?.type !== 'folder') return undefined;
    entry = store.findChild(entry, name);
  }
  return entry;
}
