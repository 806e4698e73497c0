import type { EntryKey } from '../drive/entry.ts';
import type { BodyGate, LentPlace } from './body-gate.ts';

/** What all lanes of all readers may hold together. */
const LANE_BYTES = 24 * 2 ** 20;
/** Until a client that was redirected has surely opened its body at the storage host. */
const ARRIVAL_MS = 10_000;
const ARRIVAL_NOTED_EVERY_MS = 1_000;
/** How long no lane is opened after a refusal: doubled by each further one. */
const FIRST_BAR_MS = 2_000;
const LONGEST_BAR_MS = 60_000;
/** How long a reader's place is left alone after a refusal, at most: somebody may be waiting for it. */
const LONGEST_REST_MS = 5_000;
/** So long after the bar of the last refusal, the next one counts as a first one. */
const FORGIVEN_AFTER_MS = 60_000;

/** A read that may have lanes. */
export interface LaneReader {
  readonly file: string;
  /** Later ones have greater numbers. */
  readonly number: number;
}

interface Lent {
  readonly reader: LaneReader;
  readonly callBack: () => void;
}

/** What an account's readers share to read ahead: places that nobody needs, and memory. */
export class LanePool {
  readonly #gate: BodyGate;
  readonly #now: () => number;
  #freeBytes: number;
  #readers = 0;
  /** In the order in which they were lent. */
  readonly #lent = new Map<LentPlace, Lent>();
  /** Files that a client was sent to elsewhere, and until when it is expected there; in the order of these instants. */
  readonly #expected = new Map<string, number>();
  #barMs = 0;
  #barredUntil = Number.NEGATIVE_INFINITY;

  constructor(gate: BodyGate, now: () => number, laneBytes = LANE_BYTES) {
    this.#gate = gate;
    this.#now = now;
    this.#freeBytes = laneBytes;
  }

  /** To be asked once for each read, when it begins. */
  createReader(file: EntryKey): LaneReader {
    return { file: toFileKey(file), number: ++this.#readers };
  }

  /**
   * A place and memory for one chunk; the memory is given back by `release`, in as many steps as one likes. Where there is no
   * place, an earlier read of the same file makes room: who seeks has little use for what was read before, and some that
   * seek (rclone with a cache) read on there for many seconds.
   * @param callBack as with `BodyGate.tryBorrow`
   */
  tryOpen(reader: LaneReader, chunkBytes: number, callBack: () => void): LentPlace | undefined {
    if (chunkBytes > this.#freeBytes || this.#now() < this.#barredUntil) return undefined;
    const expected = this.#countExpected();
    if (expected === 0 && this.#gate.bodiesInUse === this.#gate.places) this.#callBackEarlier(reader);
    if (this.#gate.freePlaces <= expected) return undefined;
    const place = this.#gate.tryBorrow(callBack);
    if (!place) return undefined;
    this.#freeBytes -= chunkBytes;
    const lent: LentPlace = {
      leave: (coolMs) => {
        this.#lent.delete(lent);
        place.leave(coolMs);
      },
      keep: () => {
        this.#lent.delete(lent);
        place.keep();
      },
    };
    this.#lent.set(lent, { reader, callBack });
    return lent;
  }

  release(bytes: number): void {
    this.#freeBytes += bytes;
  }

  /** A client was redirected and will soon open a body of its own: it shall find a place. */
  expectOutside(entry: EntryKey): void {
    const file = toFileKey(entry);
    const until = this.#now() + ARRIVAL_MS;
    // Of many redirects to one file each would clear a way that is clear.
    if (until - (this.#expected.get(file) ?? 0) < ARRIVAL_NOTED_EVERY_MS) return;
    this.#expected.delete(file);
    this.#expected.set(file, until);
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

  #callBackEarlier({ file, number }: LaneReader): void {
    const earlier = [...this.#lent.values()].findLast(({ reader }) => reader.file === file && reader.number < number);
    earlier?.callBack();
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

function toFileKey({ driveId, id }: EntryKey): string {
  return `${driveId}/${id}`;
}
