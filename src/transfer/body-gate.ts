import { abortedError } from '../drive/abortable.ts';

/** The storage host learns a little later that a body was cut off; who takes its place at once is one too many there. */
export const CUT_OFF_MS = 25;

/** Frees the place; calling it again does nothing. `coolMs`: nobody may have it sooner. */
export type LeavePlace = (coolMs?: number) => void;

/** A place for reading ahead, lent until somebody needs it. */
export interface LentPlace {
  readonly leave: LeavePlace;
  /** From now on the place is a reader's own, and is not called back. */
  keep(): void;
}

interface Waiter {
  readonly isSeek: boolean;
  readonly sinceAt: number;
  admit(): void;
}

/** Whoever has waited for so long gets every second place, whatever seeks come. */
const PATIENCE_MS = 1_000;

/**
 * Keeps an account's simultaneous downloads within what the storage host allows: the open API grants an ordinary app three
 * bodies per user and answers 403 to the fourth. The newest seek comes first, for its reader's earlier ones are of no more
 * use; the others follow in the order of their arrival. What nobody needs is lent to readers that read ahead.
 */
export class BodyGate {
  readonly #places: number;
  readonly #now: () => number;
  readonly #onWait: ((waitedMs: number) => void) | undefined;
  #free: number;
  /** Left, and not yet to be had. */
  #cooling = 0;
  /** In order of arrival; empty while a place is free. */
  readonly #waiting = new Set<Waiter>();
  /** In the order in which they were lent, with what calls each back. */
  readonly #lent = new Map<LentPlace, () => void>();
  #hasSeekOvertaken = false;

  /** @param onWait hears of every admission how long it took, 0 included */
  constructor(places: number, now: () => number, onWait?: (waitedMs: number) => void) {
    this.#places = places;
    this.#free = places;
    this.#now = now;
    this.#onWait = onWait;
  }

  get places(): number {
    return this.#places;
  }

  get freePlaces(): number {
    return this.#free;
  }

  get bodiesInUse(): number {
    return this.#places - this.#free - this.#cooling;
  }

  /** Of the bodies in use, those that read ahead. */
  get lanesInUse(): number {
    return this.#lent.size;
  }

  /** One body more than those of our readers may be open; what is lent would be given up for it. */
  get hasRoomOutside(): boolean {
    return this.#free + this.#lent.size > 0;
  }

  get readersWaiting(): number {
    return this.#waiting.size;
  }

  /** Somebody waits: whoever has had a fair turn should make room. */
  get isCrowded(): boolean {
    return this.#waiting.size > 0;
  }

  get hasSeekWaiting(): boolean {
    return this.#newestSeek() !== undefined;
  }

  /**
   * Waits for a place to go on reading.
   * @throws DriveError `aborted` on the signal; the wait leaves the queue at once.
   */
  enter(signal?: AbortSignal): Promise<LeavePlace> {
    return this.#enter(false, signal);
  }

  /** As `enter`, for the first body of a read. */
  enterForSeek(signal?: AbortSignal): Promise<LeavePlace> {
    return this.#enter(true, signal);
  }

  /**
   * Lends a free place.
   * @param callBack must leave the place before it returns, unless it has been kept
   * @returns undefined when none is free
   */
  tryBorrow(callBack: () => void): LentPlace | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    const leave = this.#createLeave();
    const place: LentPlace = {
      leave: (coolMs) => {
        this.#lent.delete(place);
        leave(coolMs);
      },
      keep: () => {
        this.#lent.delete(place);
      },
    };
    this.#lent.set(place, callBack);
    return place;
  }

  /** Calls back what was lent, the latest first, until so many places are free or about to be. */
  callBack(places: number): void {
    for (const takeBack of [...this.#lent.values()].reverse()) {
      if (this.#free + this.#cooling >= places) return;
      takeBack();
    }
  }

  #enter(isSeek: boolean, signal?: AbortSignal): Promise<LeavePlace> {
    return new Promise((resolve, reject) => {
      const sinceAt = this.#now();
      const giveUp = () => {
        this.#waiting.delete(waiter);
        if (signal) reject(abortedError(signal));
      };
      const admit = () => {
        signal?.removeEventListener('abort', giveUp);
        this.#onWait?.(this.#now() - sinceAt);
        resolve(this.#createLeave());
      };
      const waiter: Waiter = { isSeek, sinceAt, admit };
      if (signal?.aborted) return giveUp();
      if (this.#free > 0) {
        this.#free--;
        return admit();
      }
      this.#waiting.add(waiter);
      signal?.addEventListener('abort', giveUp, { once: true });
      this.callBack(this.#waiting.size);
    });
  }

  #createLeave(): LeavePlace {
    let isIn = true;
    return (coolMs = 0) => {
      if (!isIn) return;
      isIn = false;
      if (coolMs === 0) return this.#handOn();
      this.#cooling++;
      setTimeout(() => {
        this.#cooling--;
        this.#handOn();
      }, coolMs).unref();
    };
  }

  /** The place goes straight to the next one, so that nobody who comes just now can slip in before. */
  #handOn(): void {
    const next = this.#pickNext();
    if (!next) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next.admit();
  }

  #pickNext(): Waiter | undefined {
    const [oldest] = this.#waiting;
    const seek = this.#newestSeek();
    if (!oldest || !seek) return oldest;
    const isOldestDue = this.#hasSeekOvertaken && this.#now() - oldest.sinceAt >= PATIENCE_MS;
    this.#hasSeekOvertaken = !isOldestDue && seek !== oldest;
    return isOldestDue ? oldest : seek;
  }

  #newestSeek(): Waiter | undefined {
    return [...this.#waiting].findLast(({ isSeek }) => isSeek);
  }
}
