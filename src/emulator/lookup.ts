import type { Fields } from './api-request.ts';
import { apiError, type Dialect } from './errors.ts';
import { ROOT_ID, type StoredEntry, sizeOf } from './store/entry.ts';
import type { World } from './world.ts';

/** The granted drive that a request names. */
export function requestedDrive(world: World, dialect: Dialect, fields: Fields): string {
  const driveId = fields.text('drive_id');
  const { backup, resource } = world.profile.drives;
  if (driveId === backup || driveId === resource) return driveId;
  throw apiError(dialect, dialect === 'open' ? 'UserNotAllowedAccessDrive' : 'ForbiddenDriveNotValid');
}

/** The entry that a request names, in the bin or not. */
export function requestedEntry(world: World, dialect: Dialect, fields: Fields): StoredEntry {
  const entry = world.store.find(requestedDrive(world, dialect, fields), fields.text('file_id'));
  if (!entry) throw apiError(dialect, dialect === 'open' ? 'NotFound.FileId' : 'NotFound.File');
  return entry;
}

/** The folder whose children a request wants. */
export function requestedFolder(world: World, dialect: Dialect, fields: Fields): StoredEntry {
  const folder = world.store.find(requestedDrive(world, dialect, fields), fields.text('parent_file_id'));
  if (!folder || isInBin(world, folder))
    throw apiError(dialect, dialect === 'open' ? 'NotFound.FileId' : 'NotFound.File');
  if (folder.type !== 'folder') throw apiError(dialect, 'InvalidResource.ParentFileId');
  return folder;
}

/** A file whose content may be asked for. */
export function requestedFile(world: World, dialect: Dialect, fields: Fields): StoredEntry {
  const entry = requestedEntry(world, dialect, fields);
  if (entry.type === 'folder') throw apiError(dialect, 'InvalidResource.FileTypeFolder');
  if (isInBin(world, entry)) throw apiError(dialect, 'ForbiddenFileInTheRecycleBin');
  return entry;
}

/** From the entry up to the first level, without the root. */
export function chainOf(world: World, entry: StoredEntry): StoredEntry[] {
  const chain: StoredEntry[] = [];
  for (let item: StoredEntry | undefined = entry; item && item.fileId !== ROOT_ID; ) {
    chain.push(item);
    item = world.store.find(item.driveId, item.parentFileId);
  }
  return chain;
}

function isInBin(world: World, entry: StoredEntry): boolean {
  return chainOf(world, entry).some((item) => item.trashedAt !== undefined);
}

/** Follows names from the root; among equal names the oldest. */
export function findByPath(world: World, driveId: string, path: string): StoredEntry | undefined {
  let entry: StoredEntry | undefined = world.store.root(driveId);
  for (const name of path.split('/').filter((part) => part !== '')) {
    if (entry?.type !== 'folder') return undefined;
    entry = world.store.findChild(entry, name);
  }
  return entry;
}

/** Everything below a folder, depth first. */
export function* below(world: Pick<World, 'store'>, folder: StoredEntry): Iterable<StoredEntry> {
  for (const child of world.store.children(folder)) {
    yield child;
    if (child.type === 'folder') yield* below(world, child);
  }
}

/** Of one drive, or of both. Sparse files count in full. */
export function usedBytes(world: World, ...driveIds: readonly string[]): number {
  let sum = 0;
  for (const driveId of driveIds) {
    for (const entry of below(world, world.store.root(driveId))) sum += sizeOf(entry);
  }
  return sum;
}
