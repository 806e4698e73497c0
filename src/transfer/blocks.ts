import { createHash } from 'node:crypto';
import type { ByteRange } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { isLivePhoto } from '../drive/live-photo.ts';
import { localKindOf } from '../drive/local-entry.ts';

/** What scanners read at an end of a file, and under a seventh of a second of an ordinary account's connection. */
const BLOCK_BYTES = 64 * 1024;
/** Players and scanners find a file's form out from its beginning. */
const HEAD_BYTES = 16 * BLOCK_BYTES;
/** Where the index of a long film is, if not at its beginning. */
const TAIL_BYTES = 64 * BLOCK_BYTES;
/** A file up to this is one block, which its content hash can vouch for. */
const WHOLE_BYTES = 4 * BLOCK_BYTES;

/** Subtitles, posters and descriptions: what is read whole beside a film by whoever shows a library. */
const SIDECAR = /\.(nfo|xml|srt|ass|ssa|sub|idx|sup|smi|vtt|lrc|cue|jpe?g|png|webp|tbn)$/i;

/** A piece of a file's content that is kept as one. */
export interface Block extends ByteRange {
  /** Tells the content, its length and the place in it. */
  readonly name: string;
  readonly isWholeFile: boolean;
}

/** Whether a read is one for the cache: all of it close to an end of a file. */
export function isCacheable(entry: Entry, { first, last }: ByteRange): boolean {
  // The one is made anew for each who reads it, the other lives with us already.
  if (isLivePhoto(entry) || localKindOf(entry) !== undefined) return false;
  if (last < HEAD_BYTES) return true;
  const isInTail = first >= entry.sizeBytes - TAIL_BYTES;
  // A file that is hardly more than its ends is no small read as a whole.
  return isInTail && (first >= HEAD_BYTES || last - first < HEAD_BYTES);
}

/**
 * Whether to answer a GET out of the cache, or into it, though its client could be sent to the storage host: a range with
 * two ends near the beginning or end of a file, the rest of a file from near its end, or a small companion of a film, whole.
 * @param range undefined for the whole file
 * @param isOpenEnded the range names no last byte: from byte 0 on it is how a file is played or copied
 */
export function isSmallRead(entry: Entry, range: ByteRange | undefined, isOpenEnded: boolean): boolean {
  const asked = range ?? { first: 0, last: entry.sizeBytes - 1 };
  if (!isCacheable(entry, asked)) return false;
  return SIDECAR.test(entry.name) || (range !== undefined && !(isOpenEnded && range.first === 0));
}

/** Whether a read goes on from a file's head into what is never kept. */
export function leavesHead(entry: Entry, range: ByteRange): boolean {
  return range.first < HEAD_BYTES && isCacheable(entry, { first: 0, last: 0 }) && !isCacheable(entry, range);
}

/** The block of a file's head that a byte is in; undefined behind the head. For files that have more than a head. */
export function headBlockAt(entry: Entry, position: number): Block | undefined {
  return position < HEAD_BYTES ? blockAt(entry, position) : undefined;
}

/** The block that a byte of a cacheable read is in. Those of a tail are counted from the end, as its readers do. */
export function blockAt(entry: Entry, position: number): Block {
  const { sizeBytes } = entry;
  const name = (place: string) => `${nameContent(entry)}-${sizeBytes.toString(36)}-${place}`;
  if (sizeBytes <= WHOLE_BYTES) return { name: name('whole'), first: 0, last: sizeBytes - 1, isWholeFile: true };
  if (position < HEAD_BYTES) {
    const index = Math.floor(position / BLOCK_BYTES);
    const first = index * BLOCK_BYTES;
    return {
      name: name(`head${index}`),
      first,
      last: Math.min(first + BLOCK_BYTES, sizeBytes) - 1,
      isWholeFile: false,
    };
  }
  const index = Math.floor((sizeBytes - 1 - position) / BLOCK_BYTES);
  const last = sizeBytes - 1 - index * BLOCK_BYTES;
  // The block where tail and head meet begins where the head ends.
  return {
    name: name(`tail${index}`),
    first: Math.max(last - BLOCK_BYTES + 1, HEAD_BYTES),
    last,
    isWholeFile: false,
  };
}

/** By its hash, so that copies share their blocks and a move loses none; where the service tells none, as an ETag does. */
function nameContent({ contentHash, driveId, id, updatedAt }: Entry): string {
  if (contentHash !== undefined) return contentHash;
  const version = createHash('sha1').update(`${driveId}/${id}/${updatedAt}`);
  return `v${version.digest('hex')}`;
}
