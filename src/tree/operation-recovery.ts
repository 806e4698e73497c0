import { Background } from '../drive/call-signal.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import type { Job } from './operation-job.ts';
import { type FolderName, isSameName, namesOf } from './operation-record.ts';
import { settle } from './operation-settlement.ts';
import { isUnclear, type StepDeps } from './operation-steps.ts';

const FIRST_DELAY_MS = 5_000;
const LONGEST_DELAY_MS = 300_000;

export interface RecoveryDeps extends StepDeps {
  /** Waits until nobody else writes to these names. */
  readonly claim: (names: readonly FolderName[], signal?: AbortSignal) => Promise<() => void>;
  readonly random: () => number;
}

interface Unsettled {
  readonly job: Job;
  failures: number;
  dueAt: number;
  settling: Settling | undefined;
}

interface Settling {
  readonly isSettled: Promise<boolean>;
  readonly work: Background;
}

/** Brings operations that were interrupted to their end, one after the other and again while the service is away. */
export class OperationRecovery {
  readonly #deps: RecoveryDeps;
  readonly #unsettled = new Map<string, Unsettled>();
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #wake = (): void => {};

  constructor(deps: RecoveryDeps) {
    this.#deps = deps;
  }

  /** The job keeps its guards until it is settled. */
  add(job: Job): void {
    job.takeUp();
    this.#unsettled.set(job.id, { job, failures: 0, dueAt: this.#deps.now(), settling: undefined });
    this.#wake();
  }

  has(id: string): boolean {
    return this.#unsettled.has(id);
  }

  /** Resolves when nothing is left to do, or with `stop`. */
  run(): Promise<void> {
    if (!this.#isRunning && !this.#stopping.signal.aborted) {
      this.#isRunning = true;
      this.#running = this.#loop();
    }
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
  }

  /**
   * Settles what interrupted operations left at these names, which the caller has claimed.
   * @throws DriveError `unavailable` while that cannot be done
   */
  async settleAt(names: readonly FolderName[]): Promise<void> {
    for (const item of [...this.#unsettled.values()]) {
      const touched = namesOf(item.job.record);
      if (!names.some((name) => touched.some((other) => isSameName(name, other)))) continue;
      // What was replaced stands in nobody's way.
      if (item.job.record.kind === 'settle') continue;
      if (await this.#settleOnce(item, true)) continue;
      throw new DriveError('unavailable', 'An interrupted operation on this name is still being brought to its end.', {
        retryAfterMs: FIRST_DELAY_MS,
      });
    }
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#unsettled.size > 0 && !signal.aborted) {
      const now = this.#deps.now();
      const next = [...this.#unsettled.values()].reduce((one, other) => (other.dueAt < one.dueAt ? other : one));
      if (next.dueAt > now) await this.#sleep(next.dueAt - now);
      else await this.#attempt(next);
    }
    // In the turn that saw the end: what is added from now on is seen by the next `run`.
    this.#isRunning = false;
  }

  async #attempt(item: Unsettled): Promise<void> {
    let release: (() => void) | undefined;
    try {
      release = await this.#deps.claim(namesOf(item.job.record), this.#stopping.signal);
      await this.#settleOnce(item, false);
    } catch (error) {
      // The names are busy: whoever works there has looked after this, or will leave it to the next turn.
      this.#postpone(item, error);
    } finally {
      release?.();
    }
  }

  /** The loop and writers who wait for it share one settlement, which gives way to others only until one waits. Never rejects. */
  #settleOnce(item: Unsettled, somebodyWaits: boolean): Promise<boolean> {
    if (!this.#unsettled.has(item.job.id)) return Promise.resolve(true);
    const work = item.settling?.work ?? new Background(AbortSignal.any([this.#stopping.signal]));
    if (somebodyWaits) work.raise();
    item.settling ??= {
      work,
      isSettled: this.#settle(item, work.signal).finally(() => {
        item.settling = undefined;
      }),
    };
    return item.settling.isSettled;
  }

  async #settle(item: Unsettled, signal: AbortSignal): Promise<boolean> {
    const { job } = item;
    const { kind } = job.record;
    try {
      const isSettled = await settle(this.#deps, job, signal);
      if (job.isLeft || !isSettled) {
        job.takeUp();
        this.#postpone(item);
        return false;
      }
    } catch (error) {
      if (isUnclear(error) || isDriveError(error, 'drive-locked')) {
        this.#postpone(item, error);
        return false;
      }
      this.#deps.log.warn({ err: error, operation: kind }, 'an interrupted operation could not be brought to its end');
    }
    try {
      await job.end();
    } catch (error) {
      this.#postpone(item, error);
      return true;
    }
    this.#unsettled.delete(job.id);
    return true;
  }

  #postpone(item: Unsettled, error?: unknown): void {
    const { now, random, log } = this.#deps;
    const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** item.failures) * (0.8 + random() / 5);
    item.failures += 1;
    item.dueAt = now() + delayMs;
    if (error !== undefined && !this.#stopping.signal.aborted) {
      log.warn({ err: error, operation: item.job.record.kind, delayMs }, 'an interrupted operation waits for its end');
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
