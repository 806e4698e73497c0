import { untilAborted } from '../drive/abortable.ts';
import type { Quota, ReadDrive } from '../drive/drive.ts';
import type { Logger } from '../log.ts';

export interface QuotaCacheDeps {
  readonly drive: ReadDrive;
  readonly now: () => number;
  readonly log: Logger;
}

const FRESH_MS = 60_000;
/** Longer than this no listing waits for the first answer. */
const PATIENCE_MS = 2_000;

/** The account's quota, asked for once a minute at most, also while that fails. */
export class QuotaCache {
  readonly #deps: QuotaCacheDeps;
  #last: Quota | undefined;
  #nextFetchAt = Number.NEGATIVE_INFINITY;
  /** Ends with the fetch under way, or when patience does. */
  #wait: Promise<void> = Promise.resolve();

  constructor(deps: QuotaCacheDeps) {
    this.#deps = deps;
  }

  /** Serves the last known value while a new one is on its way; undefined when none came in time. Rejects with `aborted` alone. */
  async getQuota(signal?: AbortSignal): Promise<Quota | undefined> {
    const now = this.#deps.now();
    if (now >= this.#nextFetchAt) {
      this.#nextFetchAt = now + FRESH_MS;
      this.#wait = atMost(PATIENCE_MS, this.#refresh());
    }
    if (!this.#last) await untilAborted(this.#wait, signal);
    return this.#last;
  }

  /** Counts what was written as used at once, or what was deleted for good (less than 0) as free, until the next answer. */
  noteWritten(bytes: number): void {
    if (this.#last) this.#last = { ...this.#last, usedBytes: Math.max(0, this.#last.usedBytes + bytes) };
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
