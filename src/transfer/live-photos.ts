import { LRUCache } from 'lru-cache';
import type { ReadDrive } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { isLivePhoto } from '../drive/live-photo.ts';
import { SharedCalls } from '../drive/shared-calls.ts';

/** What is remembered is an entry, under half a KiB. */
const MAX_PHOTOS = 10_000;

/** Live photos' streams, which listings leave out and the length of the delivered zip depends on. */
export class LivePhotos {
  readonly #drive: Pick<ReadDrive, 'fetchEntry'>;
  readonly #known = new LRUCache<string, Entry>({ max: MAX_PHOTOS });
  readonly #calls = new SharedCalls<Entry>();

  constructor(drive: Pick<ReadDrive, 'fetchEntry'>) {
    this.#drive = drive;
  }

  /** The entry with its streams and real length: itself unless it is a live photo listed without them, which costs one call. */
  async resolve(entry: Entry, signal?: AbortSignal): Promise<Entry> {
    if (entry.liveStreams !== undefined || !isLivePhoto(entry)) return entry;
    const key = `${entry.driveId}/${entry.id}/${entry.updatedAt}`;
    const known = this.#known.get(key);
    if (known) return known;
    return this.#calls.join(
      key,
      async (shared) => {
        const fetched = await this.#drive.fetchEntry(entry, shared);
        if (fetched.liveStreams !== undefined) this.#known.set(key, fetched);
        return fetched;
      },
      signal,
    );
  }
}
