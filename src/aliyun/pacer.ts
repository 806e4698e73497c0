import { abortedError } from '../drive/abortable.ts';
import { DriveError } from '../drive/errors.ts';

/** Classes of endpoints with rates of their own. */
export type PaceClass = 'list' | 'link' | 'other';

export type Rates = Readonly<Record<PaceClass, number>>;

export interface PacerOptions {
  /** Calls a second. */
  readonly rates: Rates;
  /** A caller who would wait longer than this is turned away at once: no WebDAV client waits that long for an answer. */
  readonly maxWaitMs?: number;
  /** Monotonic: a corrected wall clock must neither stall the queue nor empty it at once. */
  readonly now?: () => number;
}

interface Waiter {
  /** Drops the abort listener and lets the call go. */
  readonly proceed: () => void;
  readonly refuse: (error: DriveError) => void;
}

/** A call that has had its turn. */
interface Sent {
  readonly at: number;
  /** Until the answer; undefined while there is none. */
  tripMs: number | undefined;
}

interface Lane {
  readonly intervalMs: number;
  /** How many calls the service bears in any second. */
  readonly windowCalls: number;
  readonly queue: Waiter[];
  /** The last `windowCalls` of them, oldest first. */
  readonly sent: Sent[];
  /** Shortest round trip lately. */
  quickestMs: number;
  nextTurnAt: number;
  timer: NodeJS.Timeout | undefined;
}

const WINDOW_MS = 1000;
/** Most of a long round trip is the service's own work: no more of it than this is held to be the way there. */
const LONGEST_DELAY_MS = 250;
/** The shortest round trip is forgotten by this much a call, so that a slower network is learned. */
const FORGET_MS = 1;

/**
 * Spaces out one account's calls: a token bucket a class, of burst 1, because the limits of the open API are counted
 * over windows whose borders nobody knows. The service counts when a call arrives: one that was held up on its way comes
 * closer to those behind it, so a whole window's calls later the next one waits for as long as that one may have.
 */
export class Pacer {
  readonly #lanes: Readonly<Record<PaceClass, Lane>>;
  readonly #maxWaitMs: number;
  readonly #now: () => number;

  constructor({ rates, maxWaitMs = 60_000, now = () => performance.now() }: PacerOptions) {
    this.#lanes = { list: newLane(rates.list), link: newLane(rates.link), other: newLane(rates.other) };
    this.#maxWaitMs = maxWaitMs;
    this.#now = now;
  }

  /**
   * Waits for a turn, first come, first served.
   * @returns what is to be called when the call's answer, or its failure, has come
   * @param again the call was refused and tries anew: it has waited before, so it goes to the head of the queue
   * @throws DriveError `throttled` when the wait would be too long, `aborted`
   */
  take(paceClass: PaceClass, signal?: AbortSignal, again = false): Promise<() => void> {
    const lane = this.#lanes[paceClass];
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortedError(signal));
      const waitMs = this.#waitMs(lane, again ? 0 : lane.queue.length);
      if (waitMs > this.#maxWaitMs) return reject(tooLong(waitMs));
      const leave = () => {
        lane.queue.splice(lane.queue.indexOf(waiter), 1);
        if (signal) reject(abortedError(signal));
      };
      const waiter: Waiter = {
        proceed: () => {
          signal?.removeEventListener('abort', leave);
          resolve(this.#send(lane));
        },
        refuse: (error) => {
          signal?.removeEventListener('abort', leave);
          reject(error);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      if (again) lane.queue.unshift(waiter);
      else lane.queue.push(waiter);
      this.#advance(lane);
    });
  }

  /** Stops a whole class, as the service asked; callers who would now wait too long are turned away. */
  pause(paceClass: PaceClass, ms: number): void {
    const lane = this.#lanes[paceClass];
    lane.nextTurnAt = Math.max(lane.nextTurnAt, this.#now() + ms);
    const affordable = lane.queue.findIndex((_, index) => this.#waitMs(lane, index) > this.#maxWaitMs);
    if (affordable >= 0) {
      for (const [index, waiter] of lane.queue.splice(affordable).entries()) {
        waiter.refuse(tooLong(this.#waitMs(lane, affordable + index)));
      }
    }
    this.#advance(lane);
  }

  #waitMs(lane: Lane, ahead: number): number {
    return Math.max(0, turnAt(lane) - this.#now()) + ahead * lane.intervalMs;
  }

  #send(lane: Lane): () => void {
    const sent: Sent = { at: this.#now(), tripMs: undefined };
    lane.sent.push(sent);
    if (lane.sent.length > lane.windowCalls) lane.sent.shift();
    return () => {
      sent.tripMs = this.#now() - sent.at;
      lane.quickestMs = Math.min(sent.tripMs, lane.quickestMs + FORGET_MS);
      this.#advance(lane);
    };
  }

  #advance(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.timer = undefined;
    while (lane.queue.length > 0) {
      const waitMs = this.#waitMs(lane, 0);
      if (waitMs > 0) {
        // Rounded up: a timer that fires early would let a call go within the service's window.
        lane.timer = setTimeout(() => this.#advance(lane), Math.ceil(waitMs)).unref();
        return;
      }
      lane.nextTurnAt = this.#now() + lane.intervalMs;
      lane.queue.shift()?.proceed();
    }
  }
}

function newLane(perSecond: number): Lane {
  return {
    intervalMs: 1000 / perSecond,
    windowCalls: Math.ceil(perSecond),
    queue: [],
    sent: [],
    quickestMs: Number.POSITIVE_INFINITY,
    nextTurnAt: 0,
    timer: undefined,
  };
}

function turnAt({ nextTurnAt, sent, windowCalls, quickestMs }: Lane): number {
  const oldest = sent[0];
  if (!oldest || sent.length < windowCalls) return nextTurnAt;
  return Math.max(nextTurnAt, oldest.at + delayMs(oldest, quickestMs) + WINDOW_MS);
}

/** By how much a call may have reached the service later than calls usually do. */
function delayMs({ tripMs }: Sent, quickestMs: number): number {
  return tripMs === undefined ? LONGEST_DELAY_MS : Math.max(0, Math.min(tripMs - quickestMs, LONGEST_DELAY_MS));
}

function tooLong(waitMs: number): DriveError {
  return new DriveError('throttled', 'Too many requests wait for AliyunDrive.', { retryAfterMs: Math.ceil(waitMs) });
}
