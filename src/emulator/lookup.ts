import type { Fields } from './api-request.ts';
import { apiError, type Dialect } from './errors.ts';
import type { ApiError } from './reply.ts';
import { ROOT_ID, type StoredEntry } from './store/entry.ts';
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
  if (!entry) throw notFound(dialect);
  return entry;
}

/** The folder whose children a request wants. */
export function requestedFolder(world: World, dialect: Dialect, fields: Fields): StoredEntry {
  const folder = world.store.find(requestedDrive(world, dialect, fields), fields.text('parent_file_id'));
  if (!folder || isInBin(world, folder)) throw notFound(dialect);
  if (folder.type !== 'folder') throw apiError(dialect, 'InvalidResource.ParentFileId');
  return folder;
}

/** The folder that something is to be put into. */
export function targetFolder(world: World, dialect: Dialect, driveId: string, fileId: string): StoredEntry {
  const folder = world.store.find(driveId, fileId);
  if (!folder) throw notFound(dialect);
  if (folder.type !== 'folder') throw apiError(dialect, 'InvalidResource.ParentFileId');
  if (isInBin(world, folder)) throw apiError(dialect, 'ForbiddenFileInTheRecycleBin');
  return folder;
}

/** An entry that may be changed: no root, in no bin and whole. */
export function changeableEntry(world: World, dialect: Dialect, fields: Fields): StoredEntry {
  const entry = requestedEntry(world, dialect, fields);
  if (entry.fileId === ROOT_ID) throw apiError(dialect, 'ForbiddenNoPermission.File');
  if (isInBin(world, entry)) throw apiError(dialect, 'ForbiddenFileInTheRecycleBin');
  if (entry.uploadingBytes !== undefined) throw notFound(dialect);
  return entry;
}

export function notFound(dialect: Dialect): ApiError {
  return apiError(dialect, dialect === 'open' ? 'NotFound.FileId' : 'NotFound.File');
}

/** A file whose content may be asked for. */
export function requestedFile(world: World, dialect: Dialect, fields: Fields): StoredEntry {
  const entry = requestedEntry(world, dialect, fields);
  if (entry.type === 'folder') throw apiError(dialect, 'InvalidResource.FileTypeFolder');
  if (isInBin(world, entry)) throw apiError(dialect, 'ForbiddenFileInTheRecycleBin');
  if (entry.uploadingBytes !== undefined) throw notFound(dialect);
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

export function isInBin(world: World, entry: StoredEntry): boolean {
  return chainOf(world, entry).some((item) => item.trashedAt !== undefined);
}

/** Everything below a folder, depth first. */
export function* below(world: Pick<World, 'store'>, folder: StoredEntry): Iterable<StoredEntry> {
  for (const child of world.store.children(folder)) {
    yield child;
    if (child.type === 'folder') yield* below(world, child);
  }
}
