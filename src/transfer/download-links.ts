import { LRUCache } from 'lru-cache';
import type { Download, DownloadLink, ReadDrive } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { SharedCalls } from '../drive/shared-calls.ts';

/** A link is given out no longer when this little of its life is left: whoever gets it has still to use it. */
const MARGIN_MS = 60_000;

interface Kept {
  readonly download: Download;
  readonly fetchedAt: number;
  readonly usableUntil: number;
}

export interface DownloadLinksDeps {
  readonly drive: Pick<ReadDrive, 'fetchDownload'>;
  readonly now: () => number;
  /** How many files' links are remembered; the least recently used go first. */
  readonly maxFiles?: number;
}

/** The signed links of files, each fetched once in its life however many read the file. */
export class DownloadLinks {
  readonly #drive: DownloadLinksDeps['drive'];
  readonly #now: () => number;
  readonly #kept: LRUCache<string, Kept>;
  readonly #calls = new SharedCalls<Download>();

  constructor({ drive, now, maxFiles = 10_000 }: DownloadLinksDeps) {
    this.#drive = drive;
    this.#now = now;
    this.#kept = new LRUCache({ max: maxFiles });
  }

  /** Costs one call when no living link is known; rejects as `fetchDownload` does. */
  async get(entry: Entry, signal?: AbortSignal): Promise<Download> {
    const kept = this.getAtOnce(entry);
    if (kept) return kept;
    const key = contentKey(entry);
    return this.#calls.join(key, (shared) => this.#fetch(key, entry, shared), signal);
  }

  /** A living link that is known. */
  getAtOnce(entry: Entry): Download | undefined {
    const kept = this.#kept.get(contentKey(entry));
    const now = this.#now();
    // After the clock was put back nobody knows what is left of its life.
    return kept && kept.fetchedAt <= now && now < kept.usableUntil ? kept.download : undefined;
  }

  /** Forgets a link that the storage host refused, unless it has been replaced already. */
  invalidate(entry: Entry, refused: DownloadLink): void {
    const key = contentKey(entry);
    const kept = this.#kept.peek(key);
    if (kept && linksOf(kept.download).includes(refused)) this.#kept.delete(key);
  }

  async #fetch(key: string, entry: Entry, signal: AbortSignal): Promise<Download> {
    const download = await this.#drive.fetchDownload(entry, signal);
    const expiresAt = Math.min(...linksOf(download).map((link) => link.expiresAt));
    // Links of a few seconds exist (approved apps may ask for any life), so the margin must not swallow a whole one.
    const fetchedAt = this.#now();
    const marginMs = Math.min(MARGIN_MS, (expiresAt - fetchedAt) / 10);
    this.#kept.set(key, { download, fetchedAt, usableUntil: expiresAt - marginMs });
    return download;
  }
}

/** Changes with the content: the links of what a file used to hold must not deliver what it holds now. */
function contentKey(entry: Entry): string {
  return [entry.driveId, entry.id, entry.contentHash ?? `${entry.sizeBytes}-${entry.updatedAt}`].join('/');
}

function linksOf(download: Download): DownloadLink[] {
  return download.kind === 'file' ? [download.link] : download.streams.map((stream) => stream.link);
}
