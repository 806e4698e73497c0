import type { Entry, LiveStream } from './entry.ts';

/**
 * A live photo (`.livp`) has no content of its own: it is delivered as a ZIP archive that stores its streams
 * uncompressed, so that its length is known before its first byte.
 */
const LOCAL_HEADER_BYTES = 30;
/** Follows each member's bytes, because a CRC-32 is only known once they have passed. */
const DATA_DESCRIPTOR_BYTES = 16;
const CENTRAL_HEADER_BYTES = 46;
/** Info-ZIP's universal timestamp, in the central directory alone. */
const TIMESTAMP_EXTRA_BYTES = 9;
const END_OF_DIRECTORY_BYTES = 22;

const MEMBER_BYTES = LOCAL_HEADER_BYTES + DATA_DESCRIPTOR_BYTES + CENTRAL_HEADER_BYTES + TIMESTAMP_EXTRA_BYTES;

const EXTENSION = /\.livp$/i;

export function hasLivePhotoName(name: string): boolean {
  return EXTENSION.test(name);
}

/** Whether an entry is delivered as a zip of streams; a listing may leave the streams themselves out. */
export function isLivePhoto(entry: Entry): boolean {
  if (entry.kind !== 'file') return false;
  return entry.liveStreams !== undefined || (entry.contentHash === undefined && hasLivePhotoName(entry.name));
}

/** The length of the zip that delivers a live photo; right below 4 GiB, where a zip needs no wider fields. */
export function livePhotoZipSize(name: string, streams: readonly LiveStream[]): number {
  return streams.reduce((total, { extension, sizeBytes }) => {
    const nameBytes = Buffer.byteLength(livePhotoMemberName(name, extension));
    return total + MEMBER_BYTES + 2 * nameBytes + sizeBytes;
  }, END_OF_DIRECTORY_BYTES);
}

/** The name of a stream inside the zip: the live photo's own with the stream's extension, safe to unpack anywhere. */
export function livePhotoMemberName(name: string, extension: string): string {
  const base = name.replace(EXTENSION, '').replace(/[\\/:\u0000-\u001f]/g, '_');
  return `${base}.${extension}`;
}
