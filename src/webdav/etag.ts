import type { Entry } from '../drive/entry.ts';
import { isLivePhoto } from '../drive/live-photo.ts';

/** What an entity tag may hold besides its quotes, of what ids are made of (RFC 9110 §8.8.3). */
const PLAIN = /^[\w.-]+$/;

/**
 * The strong ETag of a file, quotes included: its content hash where the service tells one, so that a copy or a rename
 * keeps it. A live photo's length is known only once its streams were asked for, so it takes no part.
 */
export function formatETag(entry: Entry): string {
  if (entry.contentHash) return `"${entry.contentHash.toLowerCase()}"`;
  const id = PLAIN.test(entry.id) ? entry.id : encodeURIComponent(entry.id.toWellFormed());
  const size = isLivePhoto(entry) ? 'livp' : entry.sizeBytes.toString(36);
  return `"${id}-${size}-${entry.updatedAt.toString(36)}"`;
}

/** The content length, or undefined for a live photo whose streams are not known yet. */
export function findContentLength(entry: Entry): number | undefined {
  return isLivePhoto(entry) && entry.liveStreams === undefined ? undefined : entry.sizeBytes;
}
