import type { Fields } from './api-request.ts';
import { checkRoom, LEAST_PART_BYTES, MOST_PARTS } from './create.ts';
import { apiError, type Dialect, invalidField } from './errors.ts';
import { isInBin, notFound, requestedDrive } from './lookup.ts';
import type { StoredEntry } from './store/entry.ts';
import type { UploadedPart, UploadSession } from './store/uploads.ts';
import type { World } from './world.ts';

const MOST_LISTED_PARTS = 100;

/** The session that a request names, open or complete. */
function requestedSession(world: World, dialect: Dialect, fields: Fields): UploadSession {
  const driveId = requestedDrive(world, dialect, fields);
  const session = world.uploads.find(fields.text('upload_id'), driveId, fields.text('file_id'));
  if (!session) throw apiError(dialect, 'NotFound.UploadId');
  return session;
}

/** One that still takes parts: a complete one is as dead to the storage host as an unknown one. */
export function openSession(world: World, dialect: Dialect, fields: Fields): UploadSession {
  const session = requestedSession(world, dialect, fields);
  if (session.isComplete) throw apiError(dialect, 'NotFound.UploadId');
  return session;
}

/** The numbers of the parts that a request wants URLs for. */
export function askedPartNumbers(fields: Fields): number[] {
  return fields.objects('part_info_list', MOST_PARTS).map((part) => {
    const number = part.integer('part_number', 0);
    if (number < 1 || number > MOST_PARTS) throw invalidField('part_info_list', `part_number is 1 to ${MOST_PARTS}`);
    return number;
  });
}

/** A page of the stored parts; `next` is empty after the last. */
export function listParts(
  session: UploadSession,
  fields: Fields,
): { readonly parts: readonly UploadedPart[]; readonly next: string } {
  const marker = Number(fields.all.part_number_marker ?? 0);
  if (!Number.isInteger(marker) || marker < 0) throw invalidField('part_number_marker', 'it should be a number');
  const limit = Math.min(MOST_LISTED_PARTS, Math.max(1, fields.integer('limit', MOST_LISTED_PARTS)));
  const parts = session.parts.filter((part) => part.number > marker).slice(0, limit);
  const last = parts.at(-1);
  return { parts, next: last && last.number < session.parts.length ? String(last.number) : '' };
}

/** Completes an upload, or tells what it became when it was completed before. */
export function completeUpload(world: World, dialect: Dialect, fields: Fields): StoredEntry {
  const session = requestedSession(world, dialect, fields);
  const entry = world.store.find(session.driveId, session.fileId);
  if (!entry) throw notFound(dialect);
  if (session.isComplete) return entry;
  const parent = world.store.find(entry.driveId, entry.parentFileId);
  if (!parent) throw notFound(dialect);
  if (isInBin(world, entry)) throw apiError(dialect, 'ForbiddenFileInTheRecycleBin');
  const total = session.parts.reduce((sum, part) => sum + part.size, 0);
  // An empty file needs no part.
  if (total !== session.size) {
    throw invalidField('part_info_list', `the uploaded parts have ${total} bytes, not ${session.size}`);
  }
  if (session.parts.slice(0, -1).some((part) => part.size < LEAST_PART_BYTES)) {
    throw invalidField('part_info_list', 'part_size should be more or equal than 102400');
  }
  checkRoom(world, dialect, entry.driveId, total);
  return world.uploads.complete(session, entry);
}
