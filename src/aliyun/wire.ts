import type { AccountInfo, DriveInfo, Quota } from '../drive/drive.ts';
import type { Entry, EntryKey, LiveStream } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import { hasLivePhotoName, livePhotoZipSize } from '../drive/live-photo.ts';
import {
  isObject,
  type JsonObject,
  readId,
  readNumber,
  readObject,
  readSize,
  readText,
  readTime,
  toObject,
} from './json.ts';
import type { Oddities } from './oddities.ts';

/** Why content is withheld, by `punish_flag`; the other flags (1 and 3: no sharing, 102: to be ignored) leave it readable. */
const BLOCKED: Readonly<Record<number, string>> = {
  2: 'AliyunDrive has frozen this file and withholds its content.',
  103: 'AliyunDrive withholds this file for legal reasons.',
};

const SHA1 = /^[0-9a-f]{40}$/i;

/** What an answer leaves to be understood: the drive and, in a listing, the folder that was asked about. */
export interface EntryContext {
  readonly driveId: string;
  readonly parentId: string;
}

/**
 * Reads one file entry.
 * @throws DriveError `unavailable` when it has no id or type. In a listing this fails the page on purpose: leaving the
 * entry out would show a sync program a file that vanished, and it would delete its copy.
 */
export function parseEntry(json: unknown, context: EntryContext, oddities: Oddities): Entry {
  const item = toObject(json);
  const id = readId(item, 'file_id');
  const kind = item.type;
  if (id === undefined || (kind !== 'file' && kind !== 'folder')) {
    throw new DriveError('unavailable', 'AliyunDrive described an entry without its id or type.');
  }
  const isFile = kind === 'file';
  const name = readText(item, 'name');
  if (name === undefined) oddities.note('an entry without a name, shown by its id', { id });
  const sizeBytes = readSize(item, 'size');
  if (isFile && sizeBytes === undefined) oddities.note('a file without a size, taken for empty', { id });
  const updatedAt = readTime(item, 'updated_at') ?? readTime(item, 'created_at');
  if (updatedAt === undefined) oddities.note('an entry without times', { id });
  const hash = item.content_hash;
  const entry: Entry = {
    driveId: shared(readId(item, 'drive_id'), context.driveId),
    id,
    parentId: shared(readId(item, 'parent_file_id'), context.parentId),
    name: name ?? id,
    kind,
    sizeBytes: isFile ? (sizeBytes ?? 0) : 0,
    createdAt: readTime(item, 'created_at') ?? updatedAt ?? 0,
    updatedAt: updatedAt ?? 0,
    contentHash: isFile && typeof hash === 'string' && SHA1.test(hash) ? hash.toUpperCase() : undefined,
    mimeType: readText(item, 'mime_type'),
    liveStreams: undefined,
    blockedReason: blockedReasonOf(item),
    trashed: item.trashed === true,
  };
  return isFile && hasLivePhotoName(entry.name) ? withLiveStreams(entry, parseLiveStreams(item)) : entry;
}

/** The id that was asked with in place of an equal one: a folder's entries then hold one copy of it between them. */
function shared(id: string | undefined, known: string): string {
  return id === undefined || id === known ? known : id;
}

export function blockedReasonOf(item: JsonObject): string | undefined {
  return BLOCKED[readNumber(item, 'punish_flag') ?? 0];
}

/** A live photo's size is that of the zip that delivers it; without streams it is a file like any other. */
export function withLiveStreams(entry: Entry, liveStreams: readonly LiveStream[] | undefined): Entry {
  if (liveStreams === undefined) return entry;
  return { ...entry, liveStreams, sizeBytes: livePhotoZipSize(entry.name, liveStreams), contentHash: undefined };
}

/** In the order of their extensions, so that one photo makes the same zip every time. */
function parseLiveStreams(item: JsonObject): readonly LiveStream[] | undefined {
  const streams = Object.entries(readObject(item, 'streams_info')).flatMap(([extension, stream]) => {
    const sizeBytes = isObject(stream) ? readSize(stream, 'size') : undefined;
    return sizeBytes === undefined ? [] : [{ extension, sizeBytes }];
  });
  return streams.length > 0 ? streams.sort((a, b) => (a.extension < b.extension ? -1 : 1)) : undefined;
}

/** The items of a paged answer. Their absence proves no empty folder. */
export function parseItems(json: unknown): readonly unknown[] {
  const { items } = toObject(json);
  if (!Array.isArray(items)) throw new DriveError('unavailable', 'AliyunDrive answered without a list of entries.');
  return items;
}

/** Whether an item of a listing is there for people: neither an upload under way nor in the bin. */
export function isListed(json: unknown): boolean {
  return !isObject(json) || (json.status !== 'uploading' && json.trashed !== true);
}

/** Reads `personal_space_info`; a total of −1 or 0 means that there is no limit. */
export function parseQuota(json: unknown): Quota {
  const space = readObject(toObject(json), 'personal_space_info');
  const usedBytes = readSize(space, 'used_size');
  if (usedBytes === undefined) throw new DriveError('unavailable', 'AliyunDrive did not tell the space in use.');
  return { usedBytes, totalBytes: readSize(space, 'total_size') || undefined };
}

/** Reads an account from either API's user object. */
export function parseAccount(json: JsonObject): AccountInfo {
  const userId = readId(json, 'user_id');
  const drives = parseDrives(json);
  if (userId === undefined || drives.length === 0) {
    throw new DriveError('unavailable', 'AliyunDrive did not tell the user or any drive.');
  }
  const nickName = readText(json, 'nick_name') ?? readText(json, 'name') ?? readText(json, 'user_name') ?? userId;
  return { userId, nickName, drives };
}

function parseDrives(json: JsonObject): readonly DriveInfo[] {
  const drives: DriveInfo[] = [];
  for (const role of ['backup', 'resource', 'default'] as const) {
    const driveId = readId(json, `${role}_drive_id`);
    if (driveId !== undefined && !drives.some((drive) => drive.driveId === driveId)) drives.push({ driveId, role });
  }
  return drives;
}

/** An entry's key as both APIs spell it. */
export function toWireKey({ driveId, id }: EntryKey): { drive_id: string; file_id: string } {
  return { drive_id: driveId, file_id: id };
}

/** An upload's key as both APIs spell it. */
export function toUploadKey({ driveId, id, uploadId }: EntryKey & { readonly uploadId: string }): object {
  return { drive_id: driveId, file_id: id, upload_id: uploadId };
}

export interface NewEntry {
  readonly name: string;
  readonly kind: Entry['kind'];
  readonly sizeBytes?: number | undefined;
  readonly contentHash?: string | undefined;
  readonly replaces?: Entry | undefined;
}

/**
 * Reads an entry that was created just now: the answer names it and tells nothing else, no times in particular.
 * @throws DriveError `unavailable` when it has no id
 */
export function parseNewEntry(answer: JsonObject, parent: EntryKey, made: NewEntry, now: number): Entry {
  const id = readId(answer, 'file_id');
  if (id === undefined) throw new DriveError('unavailable', 'AliyunDrive did not name what it created.');
  return {
    driveId: parent.driveId,
    id,
    parentId: parent.id,
    name: readText(answer, 'file_name') ?? made.name,
    kind: made.kind,
    sizeBytes: made.sizeBytes ?? 0,
    createdAt: made.replaces?.id === id ? made.replaces.createdAt : now,
    updatedAt: now,
    contentHash: made.contentHash,
    mimeType: undefined,
    liveStreams: undefined,
    blockedReason: undefined,
    trashed: false,
  };
}
