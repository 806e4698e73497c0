import type { ApiCall } from './api-host.ts';
import type { Fields } from './api-request.ts';
import { checkDepth, checkRoom, type NameMode } from './create.ts';
import { apiError, type Dialect, invalidField } from './errors.ts';
import { below, chainOf, changeableEntry, notFound, requestedEntry, targetFolder } from './lookup.ts';
import { checkName, findOther, freeName, nameTaken } from './names.ts';
import { copyEntry } from './store/copy.ts';
import { ROOT_ID, type StoredEntry, sizeOf } from './store/entry.ts';
import type { Task } from './store/tasks.ts';
import type { World } from './world.ts';

/** What a change left behind; `exists` says that a taken name prevented it. */
export interface Changed {
  readonly entry: StoredEntry;
  /** Only for folders, and only where the service goes on working after its answer. */
  readonly task?: Task;
  readonly exists?: boolean;
}

/** What to do where the name is taken; `conflict` answers 409. */
export type Rule = NameMode | 'conflict';

export function rename(world: World, dialect: Dialect, fields: Fields, mode: 'conflict' | 'auto_rename' | 'ignore') {
  const entry = changeableEntry(world, dialect, fields);
  const { starred, hidden } = fields.all;
  const name = fields.optionalText('name');
  if (name !== undefined && name !== entry.name) {
    checkName('name', name);
    const parent = targetFolder(world, dialect, entry.driveId, entry.parentFileId);
    const other = findOther(world.store, parent, name, entry);
    if (other && mode === 'conflict') throw nameTaken(dialect, other);
    world.store.rename(entry, other && mode === 'auto_rename' ? freeName(world.store, parent, name) : name);
  }
  return world.store.mark(entry, {
    ...(typeof starred === 'boolean' && { starred }),
    ...(typeof hidden === 'boolean' && { hidden }),
  });
}

interface Naming {
  readonly rule: Rule;
  readonly newName: string | undefined;
  /** The open API heeds a new name only where the old one is taken. */
  readonly onlyOnConflict: boolean;
}

export function move(world: World, dialect: Dialect, { fields }: ApiCall, naming: Naming): Changed {
  const entry = changeableEntry(world, dialect, fields);
  const parent = requestedTarget(world, dialect, fields, entry);
  checkDepth(world, parent, heightOf(world, entry));
  const place = findPlace(world, dialect, entry, parent, naming, entry);
  if (place.outcome === 'exists') return { entry, exists: true };
  if (place.replaced) discard(world, place.replaced);
  if (entry.parentFileId === parent.fileId && entry.name === place.name) return { entry };
  return { entry: world.store.move(entry, parent, place.name) };
}

export function copy(world: World, dialect: Dialect, { fields, task }: ApiCall, naming: Naming): Changed {
  const entry = changeableEntry(world, dialect, fields);
  const parent = requestedTarget(world, dialect, fields, entry);
  checkDepth(world, parent, heightOf(world, entry));
  checkRoom(world, dialect, parent.driveId, totalSizeOf(world, entry));
  const place = findPlace(world, dialect, entry, parent, naming, undefined);
  if (place.outcome === 'exists') return { entry: place.existing, exists: true };
  if (place.replaced) discard(world, place.replaced);
  return copyEntry(world, entry, parent, place.name, task);
}

/** To the recycle bin; an unfinished upload just ends. */
export function trash(world: World, dialect: Dialect, { fields, task }: ApiCall): Changed {
  const entry = requestedEntry(world, dialect, fields);
  if (entry.uploadingBytes !== undefined) {
    world.uploads.abandon(entry);
    return { entry };
  }
  const found = changeableEntry(world, dialect, fields);
  return withTask(world, found, task, () => discard(world, found));
}

/** For good, from wherever it is. */
export function remove(world: World, dialect: Dialect, { fields, task }: ApiCall): Changed {
  const entry = requestedEntry(world, dialect, fields);
  if (entry.fileId === ROOT_ID) throw apiError(dialect, 'ForbiddenNoPermission.File');
  return withTask(world, entry, task, () => {
    world.uploads.abandon(entry);
    world.store.delete(entry);
  });
}

export function restore(world: World, dialect: Dialect, { fields, task }: ApiCall): Changed {
  const entry = requestedEntry(world, dialect, fields);
  if (entry.trashedAt === undefined) throw notFound(dialect);
  return withTask(world, entry, task, () => {
    world.store.restore(entry);
  });
}

/** A folder is gone from its place at once, unless the task is to fail; only its end is told later. */
function withTask(world: World, entry: StoredEntry, outcome: ApiCall['task'], act: () => void): Changed {
  if (entry.type === 'file' || outcome !== 'Failed') act();
  return entry.type === 'folder' ? { entry, task: world.tasks.start([], outcome) } : { entry };
}

function discard(world: World, entry: StoredEntry): void {
  world.uploads.abandon(entry);
  world.store.trash(entry);
}

/** In the same drive, and not below the entry itself. */
function requestedTarget(world: World, dialect: Dialect, fields: Fields, entry: StoredEntry): StoredEntry {
  const driveId = fields.optionalText('to_drive_id') ?? entry.driveId;
  if (driveId !== entry.driveId) throw invalidField('to_drive_id', 'it should be the drive of the file');
  const parent = targetFolder(world, dialect, driveId, fields.text('to_parent_file_id'));
  if (chainOf(world, parent).some((item) => item.fileId === entry.fileId)) {
    throw invalidField('to_parent_file_id', 'it should not be the file itself or below it');
  }
  return parent;
}

type Place =
  | { readonly outcome: 'free'; readonly name: string; readonly replaced?: StoredEntry }
  | { readonly outcome: 'exists'; readonly existing: StoredEntry };

function findPlace(
  { store }: World,
  dialect: Dialect,
  entry: StoredEntry,
  parent: StoredEntry,
  { rule, newName, onlyOnConflict }: Naming,
  self: StoredEntry | undefined,
): Place {
  if (newName !== undefined) checkName('new_name', newName);
  const name = onlyOnConflict ? entry.name : (newName ?? entry.name);
  const existing = findOther(store, parent, name, self);
  if (!existing) return { outcome: 'free', name };
  switch (rule) {
    case 'conflict':
      throw nameTaken(dialect, existing);
    case 'refuse':
      return { outcome: 'exists', existing };
    case 'overwrite':
      return { outcome: 'free', name, replaced: existing };
    case 'auto_rename':
      return { outcome: 'free', name: freeName(store, parent, newName ?? name) };
    case 'ignore':
      return { outcome: 'free', name };
  }
}

/** How many levels it takes. */
export function heightOf(world: World, entry: StoredEntry): number {
  if (entry.type === 'file') return 1;
  let height = 0;
  for (const child of world.store.children(entry)) height = Math.max(height, heightOf(world, child));
  return height + 1;
}

export function totalSizeOf(world: World, entry: StoredEntry): number {
  let sum = sizeOf(entry);
  if (entry.type === 'folder') for (const item of below(world, entry)) sum += sizeOf(item);
  return sum;
}
