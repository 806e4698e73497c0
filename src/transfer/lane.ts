import type { Readable } from 'node:stream';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { CUT_OFF_MS, type LeavePlace, type LentPlace } from './body-gate.ts';
import type { BodySource } from './body-source.ts';
import type { LanePool, LaneReader } from './lane-pool.ts';

/**
 * The read may come to a lane before its first byte does, and then waits for it: by then a new attempt of its own has better
 * prospects. A body of the read's own has the storage host's time-out.
 */
const FIRST_BYTE_MS = 3_000;

/** Why a lane brings no more. One that is stopped by its owner says nothing. */
export type LaneEnd =
  | { readonly kind: 'complete' }
  | { readonly kind: 'called-back' }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface LaneDeps {
  readonly source: BodySource;
  readonly pool: LanePool;
  readonly reader: LaneReader;
  /** More bytes can be taken. */
  readonly onBytes: () => void;
  readonly onEnd: (lane: Lane, end: LaneEnd) => void;
}

/**
 * A chunk of a read that is fetched ahead and held until its turn. It makes no second try: a chunk that breaks off ends where
 * it does, and the rest is fetched by whoever comes to it.
 */
export class Lane {
  readonly first: number;
  readonly #deps: LaneDeps;
  readonly #abort = new AbortController();
  readonly #chunks: Buffer[] = [];
  #end: number;
  /** The next byte to arrive. */
  #next: number;
  #body: Readable | undefined;
  #place: LentPlace | undefined;
  #patience: NodeJS.Timeout | undefined;
  #isRunning = true;

  private constructor(first: number, end: number, deps: LaneDeps) {
    this.first = first;
    this.#next = first;
    this.#end = end;
    this.#deps = deps;
  }

  /**
   * @param end exclusive
   * @returns undefined where no place or no memory is to be had
   */
  static tryOpen(first: number, end: number, deps: LaneDeps): Lane | undefined {
    const lane = new Lane(first, end, deps);
    lane.#place = deps.pool.tryOpen(deps.reader, end - first, () => lane.#endAs({ kind: 'called-back' }));
    if (!lane.#place) return undefined;
    const late = () => lane.#fail(new DriveError('unavailable', 'The storage host sent nothing in time.'));
    lane.#patience = setTimeout(late, FIRST_BYTE_MS).unref();
    lane.#fetch().catch((error: unknown) => lane.#fail(error));
    return lane;
  }

  /** Exclusive: of its chunk, or of what came of it. */
  get end(): number {
    return this.#end;
  }

  /** Has a body at the storage host, or is about to. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  get hasBytes(): boolean {
    return this.#chunks.length > 0;
  }

  /** The next of what has arrived. */
  take(): Buffer | undefined {
    const chunk = this.#chunks.shift();
    if (chunk) this.#deps.pool.release(chunk.length);
    return chunk;
  }

  /** Makes the place the caller's own, who leaves it when the lane has ended. */
  cedePlace(): LeavePlace | undefined {
    const place = this.#place;
    this.#place = undefined;
    place?.keep();
    return place?.leave;
  }

  /** Cuts the body off; what has arrived can still be taken. */
  stop(): void {
    if (this.#isRunning) this.#finish(CUT_OFF_MS);
  }

  /** Forgets also what has arrived. */
  close(): void {
    this.stop();
    for (const { length } of this.#chunks.splice(0)) this.#deps.pool.release(length);
  }

  async #fetch(): Promise<void> {
    const { source } = this.#deps;
    const link = await source.getLink(this.#abort.signal);
    let body: Readable;
    try {
      body = await source.openRange(link, { first: this.#next, last: this.#end - 1 }, this.#abort.signal);
    } catch (error) {
      if (isDriveError(error, 'link-expired', 'forbidden')) source.refuseLink(link);
      throw error;
    }
    body.on('error', (error) => this.#fail(error));
    if (!this.#isRunning) {
      body.destroy();
      return;
    }
    this.#body = body;
    const short = () => new DriveError('unavailable', 'The storage host sent less than it promised.');
    body.on('data', (chunk: Buffer) => this.#accept(chunk));
    body.on('end', () => (this.#next === this.#end ? this.#endAs({ kind: 'complete' }) : this.#fail(short())));
    body.on('close', () => this.#fail(short()));
  }

  #accept(chunk: Buffer): void {
    if (!this.#isRunning) return;
    if (chunk.length > this.#end - this.#next) {
      this.#fail(new DriveError('content-mismatch', 'The storage host sent more than was asked for.'));
      return;
    }
    clearTimeout(this.#patience);
    this.#next += chunk.length;
    this.#chunks.push(chunk);
    this.#deps.onBytes();
  }

  #fail(error: unknown): void {
    this.#endAs({ kind: 'failed', error });
  }

  #endAs(end: LaneEnd): void {
    if (!this.#isRunning) return;
    this.#finish(end.kind === 'complete' ? 0 : CUT_OFF_MS);
    this.#deps.onEnd(this, end);
  }

  #finish(coolMs: number): void {
    this.#isRunning = false;
    clearTimeout(this.#patience);
    this.#abort.abort();
    this.#body?.destroy();
    this.#deps.pool.release(this.#end - this.#next);
    this.#end = this.#next;
    this.#place?.leave(coolMs);
    this.#place = undefined;
  }
}
