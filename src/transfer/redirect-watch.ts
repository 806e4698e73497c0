import { LRUCache } from 'lru-cache';

/** Who was redirected, and for what. */
export interface Redirected {
  /** Whatever tells one client from another, such as its address and its `User-Agent`. */
  readonly client: string;
  readonly entryId: string;
  /** The first byte of the range. */
  readonly first: number;
}

export interface RedirectWatchDeps {
  readonly now: () => number;
  /** How many clients and reads are remembered; the least recently seen go first. */
  readonly maxRemembered?: number;
}

interface Streak {
  asks: number;
  lastAt: number;
}

/** So soon nobody comes back for the same bytes who could read them where it was sent. */
const SOON_MS = 10_000;
const REDIRECTS = 3;
/** Who comes back this often after it was streamed to has no trouble with redirects: it is a monitor, or measures us. */
const STREAMS = 3;
const HEALED_MS = 10 * 60_000;

/** Finds clients that redirects do not help: they come back for the same range right away, again and again. */
export class RedirectWatch {
  readonly #now: () => number;
  readonly #streaks: LRUCache<string, Streak>;
  /** Until when a client is streamed to. */
  readonly #streamedUntil: LRUCache<string, number>;

  constructor({ now, maxRemembered = 1_000 }: RedirectWatchDeps) {
    this.#now = now;
    this.#streaks = new LRUCache({ max: maxRemembered });
    this.#streamedUntil = new LRUCache({ max: maxRemembered });
  }

  /**
   * To be asked once for each redirect that is about to be sent.
   * @returns `redirect`, or what else to do and whether this client is known for it: `stream-from-now` the first time
   */
  judge({ client, entryId, first }: Redirected): 'redirect' | 'stream' | 'stream-from-now' {
    const now = this.#now();
    const key = `${client} ${entryId} ${first}`;
    const last = this.#streaks.get(key);
    const asks = last && now - last.lastAt < SOON_MS ? last.asks + 1 : 1;
    this.#streaks.set(key, { asks, lastAt: now });
    if (asks > REDIRECTS + STREAMS) {
      this.#streamedUntil.delete(client);
      return 'redirect';
    }
    if ((this.#streamedUntil.get(client) ?? 0) > now) return 'stream';
    if (asks <= REDIRECTS) return 'redirect';
    this.#streamedUntil.set(client, now + HEALED_MS);
    return 'stream-from-now';
  }
}
