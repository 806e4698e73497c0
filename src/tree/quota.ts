import { untilAborted } from '../drive/abortable.ts';
import type { Quota, ReadDrive } from '../drive/drive.ts';
import type { Logger } from '../log.ts';

export interface QuotaCacheDeps {
  readonly drive: ReadDrive;
  readonly now: () => number;
  readonly log: Logger;
}

const FRESH_MS = 60_000;
/** What is as young as this is of this moment. */
const RECENT_MS = 5_000;
/** Longer than this no listing waits for the first answer. */
const PATIENCE_MS = 2_000;

/** The account's quota, asked for once a minute at most, also while that fails, unless somebody wants it anew. */
export class QuotaCache {
  readonly #deps: QuotaCacheDeps;
  #last: Quota | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** Ends with the fetch under way, or when patience does. */
  #wait: Promise<void> = Promise.resolve();

  constructor(deps: QuotaCacheDeps) {
    this.#deps = deps;
  }

  /** Serves the last known value while a new one is on its way; undefined when none came in time. Rejects with `aborted` alone. */
  async getQuota(signal?: AbortSignal): Promise<Quota | undefined> {
    this.#askAfter(FRESH_MS);
    if (!this.#last) await untilAborted(this.#wait, signal);
    return this.#last;
  }

  /** As it is now, for whoever is about to refuse something; the last known value where that does not come in time. */
  async getFreshQuota(signal?: AbortSignal): Promise<Quota | undefined> {
    this.#askAfter(RECENT_MS);
    await untilAborted(this.#wait, signal);
    return this.#last;
  }

  /** Counts what was written as used at once, until the next answer. */
  noteWritten(bytes: number): void {
    if (this.#last) this.#last = { ...this.#last, usedBytes: this.#last.usedBytes + bytes };
  }

  #askAfter(ms: number): void {
    const now = this.#deps.now();
    // The clock may have been put back meanwhile.
    if (this.#askedAt <= now && now < this.#askedAt + ms) return;
    this.#askedAt = now;
    this.#wait = atMost(PATIENCE_MS, this.#refresh());
  }

  async #refresh(): Promise<void> {
    try {
      this.#last = await this.#deps.drive.fetchQuota();
    } catch (error) {
      this.#deps.log.debug({ error }, 'the quota could not be asked for');
    }
  }
}

function atMost(ms: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    timer.unref();
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
