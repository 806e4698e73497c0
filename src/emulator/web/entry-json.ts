import { categoryOf, mimeTypeOf } from '../media-type.ts';
import { extensionOf, ROOT_ID, type StoredEntry, sizeOf } from '../store/entry.ts';
import { streamsInfo } from '../streams-info.ts';

export interface EntryLinks {
  readonly url: string;
  /** Absent where the caller sent no x-canary. */
  readonly downloadUrl: string | undefined;
}

/** A file entry as the web API shows it: fields without a value are absent. */
export function webEntryJson(entry: StoredEntry, links?: EntryLinks): Record<string, unknown> {
  const common = {
    drive_id: entry.driveId,
    domain_id: 'bj29',
    file_id: entry.fileId,
    parent_file_id: entry.parentFileId,
    name: entry.name,
    type: entry.type,
  };
  const times = { created_at: isoTime(entry.createdAt), updated_at: isoTime(entry.updatedAt) };
  const state = {
    status: entry.uploadingBytes === undefined ? 'available' : 'uploading',
    hidden: entry.hidden,
    starred: entry.starred,
    encrypt_mode: 'none',
    ...(entry.trashedAt !== undefined && { trashed_at: isoTime(entry.trashedAt) }),
  };
  if (entry.type === 'folder') return { ...common, ...times, ...state, punish_flag: 0 };
  const extension = extensionOf(entry.name);
  return {
    ...common,
    size: entry.uploadingBytes ?? sizeOf(entry),
    ...webHashes(entry),
    ...times,
    mime_type: mimeTypeOf(entry.name),
    mime_extension: extension,
    content_type: 'application/oct-stream',
    file_extension: extension,
    category: categoryOf(entry.name),
    ...state,
    upload_id: entry.revisionId.slice(0, 32).toUpperCase(),
    revision_id: entry.revisionId,
    punish_flag: punishFlag(entry),
    user_meta: '{"client":"web"}',
    labels: [],
    ...(links && { url: links.url }),
    ...(links?.downloadUrl !== undefined && { download_url: links.downloadUrl }),
  };
}

/** The answer to get: it also tells what a listing keeps to itself. */
export function webGotEntryJson(entry: StoredEntry, links: EntryLinks | undefined): Record<string, unknown> {
  return {
    ...webEntryJson(entry, links),
    ...(entry.fileId !== ROOT_ID && { trashed: entry.trashedAt !== undefined }),
    ...(entry.streams && { streams_info: streamsInfo(entry) }),
  };
}

/** A live photo has an empty hash; a file too large to be hashed here has none. */
export function webHashes(entry: StoredEntry): Record<string, unknown> {
  if (entry.streams) return { content_hash: '', content_hash_name: 'sha1' };
  const digests = entry.content?.digests();
  if (!digests) return {};
  return {
    content_hash: digests.sha1,
    content_hash_name: 'sha1',
    ...(digests.crc64 !== undefined && { crc64_hash: digests.crc64 }),
  };
}

/** 2: frozen, the link leads to a placeholder. 103: illegal, no download. */
export function punishFlag(entry: StoredEntry): number {
  if (entry.punishment === undefined) return 0;
  return entry.punishment === 'no-link' ? 103 : 2;
}

export function isoTime(at: number): string {
  return new Date(at).toISOString();
}
