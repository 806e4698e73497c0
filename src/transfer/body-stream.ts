import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ByteRange, DownloadLink } from '../drive/drive.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import type { Logger } from '../log.ts';
import { type BodyGate, CUT_OFF_MS, type LeavePlace } from './body-gate.ts';
import type { BodySource } from './body-source.ts';
import type { Lane } from './lane.ts';
import { toTurnMs } from './lane-plan.ts';
import type { LanePool } from './lane-pool.ts';
import { LanesAhead } from './lanes-ahead.ts';
import { planRetry } from './retry.ts';

/** What one reader may hold beside its lanes; the host's connection and ours have buffers of their own. */
const BUFFER_BYTES = 128 * 2 ** 10;
/** A fair turn while others wait: these bytes, or, for a reader as slow as a film is played, a time. */
const TURN_BYTES = 8 * 2 ** 20;
/** A client that reads nothing (a paused player) keeps no place from others. */
const IDLE_MS = 30_000;
/** What a body must bring for its failure to count as a first one again. */
const PROGRESS_BYTES = 64 * 2 ** 10;
const WATCH_MS = 100;

export interface BodyStreamDeps {
  readonly gate: BodyGate;
  readonly lanes: LanePool;
  readonly log: Logger;
  readonly now: () => number;
  readonly random: () => number;
}

/**
 * A range's bytes as one unbroken stream over as many bodies of the storage host as it takes: it goes on at its byte
 * with a new link, after a broken connection, and after it made room for other readers. While the client takes the bytes
 * faster than one body brings them, what follows is fetched beside it, and delivered in its turn.
 */
export class BodyStream extends Readable {
  readonly #source: BodySource;
  readonly #deps: BodyStreamDeps;
  readonly #range: ByteRange;
  readonly #abort = new AbortController();
  /** The next byte to deliver. */
  #next: number;
  #link: DownloadLink | undefined;
  #body: Readable | undefined;
  /** What was asked of the body; exclusive. Lanes may since have taken the end of it over. */
  #bodyEnd = 0;
  #leavePlace: LeavePlace | undefined;
  readonly #lanes: LanesAhead;
  /** The lane whose place is ours: the read's own body while there is no other. */
  #ownLane: Lane | undefined;
  /** A seek does, and who was refused the place that it had waited for. */
  #comesFirst = true;
  #isConnecting = false;
  #failure: { readonly error: unknown } | undefined;
  /** Failures since the last progress. */
  #failures = 0;
  /** The consumer has room; what it does not ask for stays at the storage host. */
  #isWanted = false;
  /** Has had a body since it last made room. */
  #hasTurn = false;
  #turnBytes = 0;
  #turnStartedAt = 0;
  #seenBytes = 0;
  #seenAt = 0;
  /** When the consumer stopped asking for more. */
  #pausedAt = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(source: BodySource, range: ByteRange, deps: BodyStreamDeps) {
    super({ highWaterMark: BUFFER_BYTES });
    this.#source = source;
    this.#deps = deps;
    this.#range = range;
    this.#next = range.first;
    this.#lanes = new LanesAhead(range.first, range.last + 1, {
      source,
      pool: deps.lanes,
      log: deps.log,
      onChange: () => this.#goOn(),
    });
  }

  /** Resolves when the storage host has answered, so that what it refuses can still become a status. */
  open(): Promise<void> {
    return this.#connect();
  }

  override _read(): void {
    this.#isWanted = true;
    if (!this.#body) this.#goOn();
    else if (this.#body.isPaused()) this.#body.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#abort.abort();
    this.#lanes.close();
    this.#endTurn();
    callback(error);
  }

  /** What comes next while the read has no body of its own: what lanes have brought, else a new body. */
  #goOn(): void {
    while (!this.#body && !this.destroyed) {
      this.#fill();
      const lane = this.#lanes.at(this.#next);
      if (!lane) break;
      if (lane.hasBytes && !this.#isWanted) return;
      const chunk = lane.take();
      if (chunk) this.#deliver(chunk);
      else if (lane.isRunning) return;
      else this.#lanes.shift();
    }
    if (this.#body || this.destroyed) return;
    if (this.#next > this.#range.last) this.#finish();
    else if (this.#isWanted) this.#reconnect();
  }

  /** Lanes as planned, and one of them as the read's own, whose place is not called back, where it has no other body. */
  #fill(): void {
    if (!this.#hasTurn || this.#isConnecting) return;
    for (;;) {
      // Without any body the read still is to have one, which comes before lanes.
      this.#lanes.fill(this.#next, this.#ownLane?.isRunning ? 0 : 1);
      if (this.#body || this.#ownLane?.isRunning) return;
      const lane = this.#lanes.findSuccessor(this.#next);
      if (!lane) return;
      this.#leavePlace?.();
      this.#leavePlace = lane.cedePlace();
      this.#ownLane = lane;
    }
  }

  #reconnect(): void {
    if (this.#isConnecting || this.destroyed) return;
    this.#connect().catch((error: Error) => this.destroy(error));
  }

  async #connect(): Promise<void> {
    this.#isConnecting = true;
    try {
      let body: Readable | undefined;
      while (!body) {
        if (this.#failure) await this.#recover(this.#failure.error);
        body = await this.#tryOpen();
      }
      this.#attach(body);
    } finally {
      this.#isConnecting = false;
      // The client left just as its place or its body came: neither may be kept.
      if (this.destroyed) this.#endTurn();
    }
  }

  async #recover(error: unknown): Promise<void> {
    if (isDriveError(error, 'too-many-downloads')) this.#standBack();
    const retry = planRetry(error, ++this.#failures, this.#deps.random);
    if (!retry || this.destroyed) throw error;
    this.#deps.log.debug({ error, at: this.#next, tries: this.#failures, ...retry }, 'reopening a download');
    if (retry.renewLink && this.#link) this.#source.refuseLink(this.#link);
    await delay(retry.delayMs, undefined, { signal: this.#abort.signal, ref: false });
    this.#failure = undefined;
  }

  /** Somebody else has the place at the storage host: only when another of ours is left is there one for this read. */
  #standBack(): void {
    this.#leavePlace?.(this.#deps.lanes.noteRefusal());
    this.#leavePlace = undefined;
    this.#comesFirst = true;
  }

  async #tryOpen(): Promise<Readable | undefined> {
    this.#link = undefined;
    try {
      // The link first: waiting for it must keep no place from those who have theirs.
      this.#link = await this.#source.getLink(this.#abort.signal);
      this.#leavePlace ??= await this.#enter();
      this.#bodyEnd = this.#lanes.nextFirst;
      const rest = { first: this.#next, last: this.#bodyEnd - 1 };
      return await this.#source.openRange(this.#link, rest, this.#abort.signal);
    } catch (error) {
      // Without a link and before the first byte nothing is to be saved: the client learns at once why. Nor is there ever
      // again a link to what the file used to hold.
      const isHopeless = this.#next === this.#range.first || isDriveError(error, 'content-mismatch');
      if (!this.#link && isHopeless) throw error;
      this.#failure = { error };
      return undefined;
    }
  }

  async #enter(): Promise<LeavePlace> {
    const { gate } = this.#deps;
    const { signal } = this.#abort;
    const leave = await (this.#comesFirst ? gate.enterForSeek(signal) : gate.enter(signal));
    this.#comesFirst = false;
    return leave;
  }

  #attach(body: Readable): void {
    this.#body = body;
    body.on('error', (error) => this.#fail(body, error));
    if (this.destroyed) return;
    this.#hasTurn = true;
    this.#turnBytes = 0;
    this.#turnStartedAt = this.#deps.now();
    this.#pausedAt = this.#turnStartedAt;
    this.#seenAt = this.#turnStartedAt;
    this.#seenBytes = this.#next;
    this.#watch ??= setInterval(() => this.#keepWatch(), WATCH_MS).unref();
    const short = () => new DriveError('unavailable', 'The storage host sent less than it promised.');
    body.on('data', (chunk: Buffer) => this.#forward(body, chunk));
    body.on('end', () => this.#fail(body, short()));
    body.on('close', () => this.#fail(body, short()));
    if (this.#isWanted) body.resume();
    else body.pause();
  }

  #forward(body: Readable, chunk: Buffer): void {
    if (body !== this.#body) return;
    if (this.#next + chunk.length > this.#bodyEnd) {
      this.destroy(new DriveError('content-mismatch', 'The storage host sent more than was asked for.'));
      return;
    }
    const roomBytes = this.#lanes.nextFirst - this.#next;
    this.#deliver(chunk.length > roomBytes ? chunk.subarray(0, roomBytes) : chunk);
    // A body that is complete still has to end, for its connection to be used again.
    if (body !== this.#body || this.#next === this.#bodyEnd) return;
    if (this.#next === this.#lanes.nextFirst) this.#moveOn();
    else if (this.#isTurnOver()) this.#makeRoom();
    else if (!this.#isWanted) body.pause();
  }

  #deliver(chunk: Buffer): void {
    this.#next += chunk.length;
    this.#turnBytes += chunk.length;
    if (this.#turnBytes >= PROGRESS_BYTES) this.#failures = 0;
    this.#isWanted = this.push(chunk);
    if (!this.#isWanted) this.#pausedAt = this.#deps.now();
  }

  /** A lane has what follows: the body that would bring it too is cut off. */
  #moveOn(): void {
    this.#dropBody();
    this.#leavePlace?.(CUT_OFF_MS);
    this.#leavePlace = undefined;
    this.#goOn();
  }

  /** A body's end: once all of it has come, what follows is elsewhere; else a failure to recover from once more is wanted. */
  #fail(body: Readable, error: unknown): void {
    if (body !== this.#body) return;
    this.#dropBody();
    if (this.#next < this.#bodyEnd) this.#failure = { error };
    this.#goOn();
  }

  #finish(): void {
    this.#endTurn();
    this.push(null);
  }

  #keepWatch(): void {
    if (this.#isConnecting) return;
    const now = this.#deps.now();
    const isIdle = !this.#isWanted && now - this.#pausedAt >= IDLE_MS;
    if (isIdle) this.#lanes.close();
    // Without a turn there is only this to be seen to, and the watch ends with what it is kept for.
    if (isIdle || !this.#hasTurn || this.#isTurnOver()) {
      this.#makeRoom();
      return;
    }
    this.#lanes.look({
      isWanted: this.#isWanted,
      readyBytes: this.readableLength,
      deliveredBytes: this.#next - this.#seenBytes,
      elapsedMs: now - this.#seenAt,
    });
    this.#seenBytes = this.#next;
    this.#seenAt = now;
    this.#fill();
  }

  #isTurnOver(): boolean {
    const { gate } = this.#deps;
    if (!gate.isCrowded) return false;
    if (this.#turnBytes >= TURN_BYTES) return true;
    const hasHadIts = this.#turnBytes > 0 || !this.#isWanted;
    const { bodiesInUse, readersWaiting, hasSeekWaiting } = gate;
    const turnMs = toTurnMs({ places: bodiesInUse, readersWaiting, hasSeekWaiting });
    return hasHadIts && this.#deps.now() - this.#turnStartedAt >= turnMs;
  }

  #makeRoom(): void {
    this.#endTurn();
    if (this.#isWanted) this.#goOn();
  }

  #endTurn(): void {
    this.#hasTurn = false;
    // What lanes have brought is watched for as long as it is held: its client may never come for it.
    if (this.#lanes.isEmpty) {
      clearInterval(this.#watch);
      this.#watch = undefined;
    }
    this.#dropBody();
    this.#ownLane?.stop();
    this.#ownLane = undefined;
    this.#leavePlace?.(this.#next > this.#range.last ? 0 : CUT_OFF_MS);
    this.#leavePlace = undefined;
  }

  #dropBody(): void {
    const body = this.#body;
    this.#body = undefined;
    body?.destroy();
  }
}
