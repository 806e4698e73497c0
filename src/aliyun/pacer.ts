import { abortedError } from '../drive/abortable.ts';
import { type CallSignal, isBackground } from '../drive/call-signal.ts';
import { DriveError } from '../drive/errors.ts';
import { TurnQueue } from './turn-queue.ts';

/** Classes of endpoints with rates of their own. */
export type PaceClass = 'list' | 'link' | 'other';

export type Rates = Readonly<Record<PaceClass, number>>;

/** Called when somebody begins to wait for a turn; its result when he has it, or has gone without. For counters. */
export type OnWait = (paceClass: PaceClass, isBackground: boolean) => (hasTurn: boolean) => void;

export interface PacerOptions {
  /** Calls a second. */
  readonly rates: Rates;
  /**
   * A caller who would wait longer than this is turned away at once: hardly a client waits that long for an answer. A media
   * library does that opens seventy files at a time, and gets a link a second.
   */
  readonly maxWaitMs?: number;
  readonly onWait?: OnWait | undefined;
  /** Monotonic: a corrected wall clock must neither stall the queue nor empty it at once. */
  readonly now?: () => number;
}

interface Waiter {
  /** Drops its listeners and lets the call go. */
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
  readonly queue: TurnQueue<Waiter>;
  /** The last `windowCalls` of them, oldest first. */
  readonly sent: Sent[];
  /** Shortest round trip lately. */
  quickestMs: number;
  nextTurnAt: number;
  timer: NodeJS.Timeout | undefined;
}

/** A little more than a second, for what is guessed of a call's way is not exact. */
const WINDOW_MS = 1005;
/** Most of a long round trip is the service's own work: no more of it than this is held to be the way there. */
const LONGEST_DELAY_MS = 250;
/** The shortest round trip is forgotten by this much a call, so that a slower network is learned: slowly, for a wrong guess costs a refusal. */
const FORGET_MS = 0.05;

/**
 * Spaces out one account's calls: a token bucket a class, of burst 1, because the limits of the open API are counted
 * over windows whose borders nobody knows. The service counts when a call arrives: one that was held up on its way comes
 * closer to those behind it, so a whole window's calls later the next one waits for as long as that one may have.
 */
export class Pacer {
  readonly #lanes: Readonly<Record<PaceClass, Lane>>;
  readonly #maxWaitMs: number;
  readonly #onWait: OnWait;
  readonly #now: () => number;

  constructor({ rates, maxWaitMs = 80_000, onWait, now = () => performance.now() }: PacerOptions) {
    this.#lanes = { list: newLane(rates.list), link: newLane(rates.link), other: newLane(rates.other) };
    this.#maxWaitMs = maxWaitMs;
    this.#onWait = onWait ?? (() => () => {});
    this.#now = now;
  }

  /**
   * Waits for a turn, first come, first served; who calls in the background, after the others.
   * @returns what is to be called when the call's answer, or its failure, has come
   * @param again the call was refused and tries anew: it has waited before, so it goes to the head of the queue
   * @throws DriveError `throttled` when the wait would be too long, `aborted`
   */
  take(paceClass: PaceClass, signal?: CallSignal, again = false): Promise<() => void> {
    const lane = this.#lanes[paceClass];
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortedError(signal));
      const inBackground = isBackground(signal);
      const waitMs = this.#waitMs(lane, again ? 0 : lane.queue.countAhead(inBackground));
      if (waitMs > this.#maxWaitMs) return reject(tooLong(waitMs));
      const tellEnd = this.#onWait(paceClass, inBackground);
      const end = (hasTurn: boolean) => {
        signal?.removeEventListener('abort', leave);
        stopRaising?.();
        tellEnd(hasTurn);
      };
      const leave = () => {
        lane.queue.remove(waiter);
        end(false);
        if (signal) reject(abortedError(signal));
      };
      const waiter: Waiter = {
        proceed: () => {
          end(true);
          resolve(this.#send(lane));
        },
        refuse: (error) => {
          end(false);
          reject(error);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      lane.queue.add(waiter, inBackground, again);
      const stopRaising = inBackground ? signal?.background?.onRaised(() => lane.queue.raise(waiter)) : undefined;
      this.#advance(lane);
    });
  }

  /** Stops a whole class, as the service asked; callers who would now wait too long are turned away. */
  pause(paceClass: PaceClass, ms: number): void {
    const lane = this.#lanes[paceClass];
    lane.nextTurnAt = Math.max(lane.nextTurnAt, this.#now() + ms);
    for (const [index, waiter] of lane.queue.toArray().entries()) {
      const waitMs = this.#waitMs(lane, index);
      if (waitMs <= this.#maxWaitMs) continue;
      lane.queue.remove(waiter);
      waiter.refuse(tooLong(waitMs));
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
    queue: new TurnQueue(),
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
