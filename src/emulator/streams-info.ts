import type { StoredEntry } from './store/entry.ts';

/** The parts of a live photo as get shows them in both dialects. */
export function streamsInfo(entry: StoredEntry): Record<string, unknown> {
  const streams = Object.entries(entry.streams ?? {}).map(([extension, content]) => [
    extension,
    { content_hash: content.digests()?.sha1 ?? '', size: content.size, content_hash_name: 'sha1' },
  ]);
  return Object.fromEntries(streams);
}
