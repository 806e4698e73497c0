import { abortedError } from '../drive/abortable.ts';

/**
 * Keeps an account's simultaneous downloads within what the storage host allows, first come, first served: the open API
 * grants an ordinary app three bodies per user and answers 403 to the fourth.
 */
export class BodyGate {
  #free: number;
  /** In order of arrival. */
  readonly #waiting = new Set<() => void>();

  constructor(places: number) {
    this.#free = places;
  }

  /** Somebody waits: whoever has had a fair turn should make room. */
  get isCrowded(): boolean {
    return this.#waiting.size > 0;
  }

  /**
   * Waits for a place.
   * @returns leaves the place; calling it again does nothing.
   * @throws DriveError `aborted` on the signal; the wait leaves the queue at once.
   */
  enter(signal?: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.delete(admit);
        if (signal) reject(abortedError(signal));
      };
      const admit = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve(this.#createLeave());
      };
      if (signal?.aborted) return giveUp();
      if (this.#free > 0) {
        this.#free--;
        return admit();
      }
      this.#waiting.add(admit);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  #createLeave(): () => void {
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      // The place goes straight to the next in line, so that nobody who comes just now can slip in before.
      const [next] = this.#waiting;
      if (next) {
        this.#waiting.delete(next);
        next();
      } else {
        this.#free++;
      }
    };
  }
}
