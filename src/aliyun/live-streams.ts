import type { Entry, EntryKey } from '../drive/entry.ts';
import { isDriveError } from '../drive/errors.ts';
import { hasLivePhotoName } from '../drive/live-photo.ts';
import type { ApiClient } from './api-client.ts';
import type { Dialect } from './dialect.ts';
import type { Oddities } from './oddities.ts';
import { parseEntry, withLiveStreams } from './wire.ts';

/** Both APIs take so many entries in one look-up. */
const BATCH_SIZE = 100;

/** Finds the streams of live photos, which a listing leaves out: without them their size is not known. */
export class LiveStreamFinder {
  readonly #api: ApiClient;
  readonly #dialect: Dialect;
  readonly #oddities: Oddities;

  constructor(api: ApiClient, dialect: Dialect, oddities: Oddities) {
    this.#api = api;
    this.#dialect = dialect;
    this.#oddities = oddities;
  }

  /**
   * Costs a call for every 100 `.livp` files without streams, else none. A look-up that fails leaves its entries as they
   * are: a folder must not become unreadable for its photos.
   */
  async complete(entries: readonly Entry[], signal?: AbortSignal): Promise<readonly Entry[]> {
    const lacking = entries.filter(
      (entry) => entry.kind === 'file' && hasLivePhotoName(entry.name) && !entry.liveStreams,
    );
    if (lacking.length === 0) return entries;
    const found = new Map<string, Entry>();
    for (let start = 0; start < lacking.length; start += BATCH_SIZE) {
      for (const entry of await this.#lookUp(lacking.slice(start, start + BATCH_SIZE), signal)) {
        found.set(entry.id, entry);
      }
    }
    return entries.map((entry) => withLiveStreams(entry, found.get(entry.id)?.liveStreams));
  }

  async #lookUp(entries: readonly Entry[], signal?: AbortSignal): Promise<readonly Entry[]> {
    const keys: EntryKey[] = entries.map(({ driveId, id }) => ({ driveId, id }));
    const context = { driveId: entries[0]?.driveId ?? '', parentId: entries[0]?.parentId ?? '' };
    try {
      const json = await this.#api.call(this.#dialect.batch, this.#dialect.toBatchBody(keys), signal);
      return this.#dialect.parseBatch(json).map((item) => parseEntry(item, context, this.#oddities));
    } catch (error) {
      if (isDriveError(error, 'aborted')) throw error;
      this.#oddities.note('the streams of live photos could not be looked up', { error });
      return [];
    }
  }
}
