import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { abortedError } from '../drive/abortable.ts';
import type { ByteRange } from '../drive/drive.ts';
import { DriveError } from '../drive/errors.ts';
import { NoAnswerError } from './http.ts';

/**
 * Checks that an answer of status 200 or 206 begins with the range's bytes (RFC 9110 §14.4, §15.3.7).
 * A 200 has the whole content, which servers may answer to any range: it is taken if the range begins at 0; elsewhere,
 * reading up to the range could mean GiBs for nothing.
 * @throws DriveError `content-mismatch` for other bytes, `unavailable` where the range was ignored
 */
export function checkRange(response: IncomingMessage, range: ByteRange): void {
  if (response.headers['content-encoding'] !== undefined && response.headers['content-encoding'] !== 'identity') {
    throw new DriveError('content-mismatch', 'The storage host encoded the content.');
  }
  if (response.statusCode === 200) {
    // A page of some proxy, or a stand-in, is mostly shorter: its bytes must not become the beginning of a file.
    if (Number(response.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= range.last) {
      throw new DriveError('content-mismatch', 'The storage host sent something shorter than the content.');
    }
    if (range.first === 0) return;
    throw new DriveError('unavailable', 'The storage host ignored the range.');
  }
  const given = /^bytes (\d+)-(\d+)\//i.exec(response.headers['content-range'] ?? '');
  if (!given || Number(given[1]) !== range.first || Number(given[2]) !== range.last) {
    throw new DriveError('content-mismatch', 'The storage host sent another range than was asked for.');
  }
}

export interface RangeBodyOptions {
  readonly stallMs: number;
  /** Hears of what has come. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The bytes of one range, exactly: a body that breaks off, ends early or stalls fails with a `DriveError`.
 * A plain Readable that hands chunks on, as a Transform's second buffer costs throughput.
 */
export class RangeBody extends Readable {
  readonly #response: IncomingMessage;
  /** Kept because the response lets go of it at its end. */
  readonly #socket: Socket;
  readonly #stallMs: number;
  readonly #tellBytes: RangeBodyOptions['onBytes'];
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.destroy(this.#signal && abortedError(this.#signal));
  readonly #onSilence = () => this.#checkStall();
  #left: number;
  #failure: DriveError | undefined;

  constructor(response: IncomingMessage, range: ByteRange, { stallMs, onBytes, signal }: RangeBodyOptions) {
    super({ highWaterMark: 64 * 1024 });
    this.#response = response;
    this.#socket = response.socket;
    this.#stallMs = stallMs;
    this.#tellBytes = onBytes;
    this.#signal = signal;
    this.#left = range.last - range.first + 1;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted) this.#onAbort();
    response.on('data', (chunk: Buffer) => this.#accept(chunk));
    response.on('end', () => this.#end());
    response.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#left > 0) this.#fail(new NoAnswerError(error.code, error));
    });
    // The socket's own clock, so that watching costs nothing a chunk.
    this.#socket.setTimeout(stallMs).on('timeout', this.#onSilence);
    response.pause();
  }

  override _read(): void {
    this.#response.resume();
  }

  override read(size?: number): unknown {
    const chunk = super.read(size);
    if (chunk === null && this.#failure) this.destroy(this.#failure);
    return chunk;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#socket.removeListener('timeout', this.#onSilence);
    // A response that was read to its end has given its connection back: only an unfinished one is cut off.
    this.#response.destroy();
    callback(error);
  }

  #accept(chunk: Buffer): void {
    const wanted = chunk.length > this.#left ? chunk.subarray(0, this.#left) : chunk;
    this.#left -= wanted.length;
    this.#tellBytes?.(wanted.length);
    if (!this.push(wanted)) this.#response.pause();
    if (wanted.length < chunk.length || (this.#left === 0 && this.#response.statusCode === 200)) {
      // More than the range: nobody reads the rest.
      this.push(null);
      this.#response.destroy();
    }
  }

  #end(): void {
    this.#socket.removeListener('timeout', this.#onSilence);
    if (this.#left === 0) this.push(null);
    else this.#fail(new DriveError('unavailable', 'The content ended before its end.'));
  }

  /** Lets the reader have what came first: a host that always breaks off must still get him forward. */
  #fail(error: DriveError): void {
    this.#failure = error;
    if (this.readableLength === 0) this.destroy(error);
  }

  /** Silence is a stall only when all that came was taken: while the reader is the slow one, the host waits for us. */
  #checkStall(): void {
    if (this.readableLength === 0 && this.#response.readableLength === 0) {
      this.destroy(new NoAnswerError('ETIMEDOUT', undefined));
    } else {
      this.#socket.setTimeout(this.#stallMs);
    }
  }
}
