import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ByteRange, DownloadLink } from '../drive/drive.ts';
import { DriveError } from '../drive/errors.ts';
import type { Logger } from '../log.ts';
import type { BodyGate } from './body-gate.ts';
import { planRetry } from './retry.ts';

/** What one reader may hold; the host's connection and ours have buffers of their own. */
const BUFFER_BYTES = 128 * 2 ** 10;
/** A fair turn while others wait: these bytes, or, for a reader as slow as a film is played, this time. */
const TURN_BYTES = 8 * 2 ** 20;
const TURN_MS = 2_000;
/** A client that reads nothing (a paused player) keeps no place from others. */
const IDLE_MS = 30_000;
/** What a body must bring for its failure to count as a first one again. */
const PROGRESS_BYTES = 64 * 2 ** 10;
const WATCH_MS = 500;
/** The storage host learns a little later that a body was cut off; who takes its place at once is one too many there. */
const CUT_OFF_MS = 100;

/** Where the bytes of a body come from: a link, and what to do when it is refused. */
export interface BodySource {
  getLink(signal: AbortSignal): Promise<DownloadLink>;
  refuseLink(link: DownloadLink): void;
  openRange(link: DownloadLink, range: ByteRange, signal: AbortSignal): Promise<Readable>;
}

export interface BodyStreamDeps {
  readonly gate: BodyGate;
  readonly log: Logger;
  readonly now: () => number;
  readonly random: () => number;
}

/**
 * A range's bytes as one unbroken stream over as many bodies of the storage host as it takes: it goes on at its byte
 * with a new link, after a broken connection, and after it made room for other readers.
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
  #leavePlace: (() => void) | undefined;
  #isConnecting = false;
  #failure: { readonly error: unknown } | undefined;
  /** Failures since the last progress. */
  #failures = 0;
  /** The consumer has room; what it does not ask for stays at the storage host. */
  #isWanted = false;
  #turnBytes = 0;
  #turnStartedAt = 0;
  /** When the consumer stopped asking for more. */
  #pausedAt = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(source: BodySource, range: ByteRange, deps: BodyStreamDeps) {
    super({ highWaterMark: BUFFER_BYTES });
    this.#source = source;
    this.#deps = deps;
    this.#range = range;
    this.#next = range.first;
  }

  /** Resolves when the storage host has answered, so that what it refuses can still become a status. */
  open(): Promise<void> {
    return this.#connect();
  }

  override _read(): void {
    this.#isWanted = true;
    if (!this.#body) this.#reconnect();
    else if (this.#body.isPaused()) this.#body.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#abort.abort();
    this.#endTurn();
    callback(error);
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
    const retry = planRetry(error, ++this.#failures, this.#deps.random);
    if (!retry || this.destroyed) throw error;
    this.#deps.log.debug({ error, at: this.#next, tries: this.#failures, ...retry }, 'reopening a download');
    if (retry.renewLink && this.#link) this.#source.refuseLink(this.#link);
    await delay(retry.delayMs, undefined, { signal: this.#abort.signal, ref: false });
    this.#failure = undefined;
  }

  async #tryOpen(): Promise<Readable | undefined> {
    this.#link = undefined;
    try {
      // The link first: waiting for it must keep no place from those who have theirs.
      this.#link = await this.#source.getLink(this.#abort.signal);
      this.#leavePlace ??= await this.#deps.gate.enter(this.#abort.signal);
      const rest = { first: this.#next, last: this.#range.last };
      return await this.#source.openRange(this.#link, rest, this.#abort.signal);
    } catch (error) {
      // Without a link and before the first byte nothing is to be saved: the client learns at once why.
      if (!this.#link && this.#next === this.#range.first) throw error;
      this.#failure = { error };
      return undefined;
    }
  }

  #attach(body: Readable): void {
    this.#body = body;
    body.on('error', (error) => this.#fail(body, error));
    if (this.destroyed) return;
    this.#turnBytes = 0;
    this.#turnStartedAt = this.#deps.now();
    this.#pausedAt = this.#turnStartedAt;
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
    this.#next += chunk.length;
    this.#turnBytes += chunk.length;
    if (this.#next > this.#range.last + 1) {
      this.destroy(new DriveError('content-mismatch', 'The storage host sent more than was asked for.'));
      return;
    }
    if (this.#turnBytes >= PROGRESS_BYTES) this.#failures = 0;
    this.#isWanted = this.push(chunk);
    if (!this.#isWanted) this.#pausedAt = this.#deps.now();
    // A body that is complete still has to end, for its connection to be used again.
    if (this.#next > this.#range.last) return;
    if (this.#isTurnOver()) this.#makeRoom();
    else if (!this.#isWanted) body.pause();
  }

  /** A body's end: the stream's too when all has come, else a failure to recover from once more is wanted. */
  #fail(body: Readable, error: unknown): void {
    if (body !== this.#body) return;
    this.#dropBody();
    if (this.#next > this.#range.last) {
      this.#endTurn();
      this.push(null);
      return;
    }
    this.#failure = { error };
    if (this.#isWanted) this.#reconnect();
  }

  #keepWatch(): void {
    if (this.#isConnecting) return;
    const isIdle = !this.#isWanted && this.#deps.now() - this.#pausedAt >= IDLE_MS;
    if (isIdle || this.#isTurnOver()) this.#makeRoom();
  }

  #isTurnOver(): boolean {
    if (!this.#deps.gate.isCrowded) return false;
    if (this.#turnBytes >= TURN_BYTES) return true;
    const hasHadIts = this.#turnBytes > 0 || !this.#isWanted;
    return hasHadIts && this.#deps.now() - this.#turnStartedAt >= TURN_MS;
  }

  #makeRoom(): void {
    this.#endTurn();
    if (this.#isWanted) this.#reconnect();
  }

  #endTurn(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
    this.#dropBody();
    const leavePlace = this.#leavePlace;
    this.#leavePlace = undefined;
    if (!leavePlace) return;
    if (this.#next > this.#range.last) leavePlace();
    else setTimeout(leavePlace, CUT_OFF_MS).unref();
  }

  #dropBody(): void {
    const body = this.#body;
    this.#body = undefined;
    body?.destroy();
  }
}
