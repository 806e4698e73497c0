import type { EntryKey } from '../drive/entry.ts';
import type { BodyGate, LentPlace } from './body-gate.ts';

/** What all lanes of all readers may hold together. */
const LANE_BYTES = 24 * 2 ** 20;
/** Until a client that was redirected has surely opened its body at the storage host. */
const ARRIVAL_MS = 10_000;
/** How long no lane is opened after a refusal: doubled by each further one. */
const FIRST_BAR_MS = 2_000;
const LONGEST_BAR_MS = 60_000;
/** How long a reader's place is left alone after a refusal, at most: somebody may be waiting for it. */
const LONGEST_REST_MS = 5_000;
/** So long after the bar of the last refusal, the next one counts as a first one. */
const FORGIVEN_AFTER_MS = 60_000;

/** What an account's readers share to read ahead: places that nobody needs, and memory. */
export class LanePool {
  readonly #gate: BodyGate;
  readonly #now: () => number;
  #freeBytes: number;
  /** Files that a client was sent to elsewhere, and until when it is expected there; in the order of these instants. */
  readonly #expected = new Map<string, number>();
  #barMs = 0;
  #barredUntil = Number.NEGATIVE_INFINITY;

  constructor(gate: BodyGate, now: () => number, laneBytes = LANE_BYTES) {
    this.#gate = gate;
    this.#now = now;
    this.#freeBytes = laneBytes;
  }

  /**
   * A place and memory for one chunk; the memory is given back by `release`, in as many steps as one likes.
   * @param callBack as with `BodyGate.tryBorrow`
   */
  tryOpen(chunkBytes: number, callBack: () => void): LentPlace | undefined {
    if (chunkBytes > this.#freeBytes || this.#now() < this.#barredUntil) return undefined;
    if (this.#gate.freePlaces <= this.#countExpected()) return undefined;
    const place = this.#gate.tryBorrow(callBack);
    if (place) this.#freeBytes -= chunkBytes;
    return place;
  }

  release(bytes: number): void {
    this.#freeBytes += bytes;
  }

  /** A client was redirected and will soon open a body of its own: it shall find a place. */
  expectOutside({ driveId, id }: EntryKey): void {
    const file = `${driveId}/${id}`;
    this.#expected.delete(file);
    this.#expected.set(file, this.#now() + ARRIVAL_MS);
    this.#gate.callBack(this.#countExpected());
  }

  /**
   * The storage host refused one more body, so others than our readers have some: lanes make room for a while.
   * @returns ms for which nobody should try the refused place again; no longer than there are no lanes
   */
  noteRefusal(): number {
    const now = this.#now();
    if (now >= this.#barredUntil) {
      const isFirst = now - this.#barredUntil >= FORGIVEN_AFTER_MS;
      this.#barMs = isFirst ? FIRST_BAR_MS : Math.min(LONGEST_BAR_MS, this.#barMs * 2);
      this.#barredUntil = now + this.#barMs;
      this.#gate.callBack(Number.POSITIVE_INFINITY);
    }
    return Math.min(LONGEST_REST_MS, this.#barredUntil - now);
  }

  #countExpected(): number {
    const now = this.#now();
    for (const [file, until] of this.#expected) {
      if (until > now) break;
      this.#expected.delete(file);
    }
    return this.#expected.size;
  }
}
