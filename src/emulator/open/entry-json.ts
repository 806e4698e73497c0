import { categoryOf, mimeTypeOf } from '../media-type.ts';
import { extensionOf, type StoredEntry, sizeOf } from '../store/entry.ts';

/** A file entry as the open API shows it: fields without a value are null. */
export function openEntryJson(entry: StoredEntry, url: string | undefined): Record<string, unknown> {
  const isFile = entry.type === 'file';
  const hash = entry.content?.digests()?.sha1 ?? null;
  return {
    drive_id: entry.driveId,
    file_id: entry.fileId,
    parent_file_id: entry.parentFileId,
    name: entry.name,
    type: entry.type,
    size: isFile ? (entry.uploadingBytes ?? sizeOf(entry)) : null,
    content_hash: hash,
    content_hash_name: hash === null ? null : 'sha1',
    file_extension: isFile ? extensionOf(entry.name) : null,
    mime_type: isFile ? mimeTypeOf(entry.name) : null,
    category: isFile ? categoryOf(entry.name) : null,
    ...(entry.uploadingBytes !== undefined && { status: 'uploading' }),
    starred: entry.starred,
    thumbnail: null,
    url: url ?? null,
    created_at: new Date(entry.createdAt).toISOString(),
    updated_at: new Date(entry.updatedAt).toISOString(),
  };
}
