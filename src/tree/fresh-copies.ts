import type { ReadDrive } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { LISTING_LAG_MS } from '../drive/listing-lag.ts';
import { sleep } from '../drive/sleep.ts';
import { toFolderKey } from './folder-key.ts';
import { fetchPages } from './folder-pages.ts';

export interface FreshCopiesDeps {
  readonly drive: Pick<ReadDrive, 'listPage'>;
  /** What readers see of a folder, our own writes included; may reject with a `DriveError`. */
  readonly readFolder: (folder: EntryKey, signal: AbortSignal) => Promise<readonly Entry[]>;
  readonly now: () => number;
}

interface FreshCopy {
  readonly source: EntryKey;
  /** Epoch ms of the service: what of the source is newer may have missed the copy. */
  readonly madeAt: number;
  /** Epoch ms, by our clock. */
  readonly until: number;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;

/**
 * Folders that the service has just copied for us. It names the copied folder and nothing of what is in it, and its listings
 * may lag behind: an entry of the source that a listing of the copy lacks is waited for, at most as long as a lag may last, so
 * that nobody takes a copy for whole, or for empty, that is neither.
 */
export class FreshCopies {
  readonly #deps: FreshCopiesDeps;
  readonly #copies = new Map<string, FreshCopy>();

  constructor(deps: FreshCopiesDeps) {
    this.#deps = deps;
  }

  note(copied: Entry, source: EntryKey): void {
    const now = this.#deps.now();
    for (const [key, { until }] of this.#copies) {
      if (until <= now) this.#copies.delete(key);
    }
    const madeAt = Math.max(copied.createdAt, copied.updatedAt);
    this.#copies.set(toFolderKey(copied), { source, madeAt, until: now + LISTING_LAG_MS });
  }

  /**
   * A folder's pages, each as soon as it is there; those of a copy that is not listed whole yet come again and again.
   * Throws as `fetchPages`.
   */
  async *pages(folder: EntryKey, signal: AbortSignal): AsyncGenerator<readonly Entry[], void> {
    const { drive, now } = this.#deps;
    const copy = this.#copies.get(toFolderKey(folder));
    if (!copy || copy.until <= now()) {
      yield* fetchPages(drive, folder, signal);
      return;
    }
    const awaited = await this.#contentOf(copy, signal);
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      for await (const page of fetchPages(drive, folder, signal)) {
        for (const entry of page) this.#take(entry, awaited, copy);
        yield page;
      }
      if (awaited.size === 0 || now() + pauseMs >= copy.until) break;
      await sleep(pauseMs, signal);
    }
    this.#copies.delete(toFolderKey(folder));
  }

  #take(entry: Entry, awaited: Map<string, Entry>, copy: FreshCopy): void {
    const source = awaited.get(entry.name);
    awaited.delete(entry.name);
    if (source?.kind !== 'folder' || entry.kind !== 'folder') return;
    this.#copies.set(toFolderKey(entry), { ...copy, source: { driveId: source.driveId, id: source.id } });
  }

  /** By name, what certainly was in the source when it was copied; a source that cannot be read proves nothing missing. */
  async #contentOf({ source, madeAt }: FreshCopy, signal: AbortSignal): Promise<Map<string, Entry>> {
    const entries = await this.#deps.readFolder(source, signal).catch((): readonly Entry[] => []);
    return new Map(entries.filter(({ updatedAt }) => updatedAt <= madeAt).map((entry) => [entry.name, entry]));
  }
}
