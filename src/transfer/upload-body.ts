import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { untilAborted } from '../drive/abortable.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';

/** What a body has turned out to be. */
export interface Content {
  readonly sizeBytes: number;
  /** SHA-1, upper-case hex. */
  readonly contentHash: string;
}

/** What a body was said to be before it came. */
export interface Announced {
  readonly sizeBytes: number | undefined;
  readonly contentHash: string | undefined;
}

/** A client's body, read as fast as its reader wants it, counted and hashed on the way. */
export class IncomingBody {
  readonly #chunks: AsyncIterator<unknown>;
  readonly #announced: Announced;
  readonly #hash = createHash('sha1');
  #receivedBytes = 0;
  /** Of a chunk that reached past the border of a part. */
  #rest: Buffer | undefined;
  #content: Content | undefined;

  constructor(body: Readable, announced: Announced) {
    // The stream stays whole whatever happens: the connection may have an answer to carry yet.
    this.#chunks = body.iterator({ destroyOnReturn: false });
    this.#announced = announced;
  }

  /** Set once the last byte has come and all is as it was announced. */
  get content(): Content | undefined {
    return this.#content;
  }

  /**
   * The next bytes, not more than `maxBytes`; undefined at the end.
   * @throws DriveError `bad-body` when the body is not what was announced, `aborted` when the client broke it off
   */
  async next(maxBytes: number, signal: AbortSignal): Promise<Buffer | undefined> {
    const chunk = this.#rest ?? (this.#content ? undefined : await this.#receive(signal));
    if (!chunk) return undefined;
    this.#rest = chunk.length > maxBytes ? chunk.subarray(maxBytes) : undefined;
    // The end comes behind the last byte; asked for here, it is known as soon as the last part is in hand.
    if (!this.#rest && this.#receivedBytes === this.#announced.sizeBytes) this.#rest = await this.#receive(signal);
    return chunk.length > maxBytes ? chunk.subarray(0, maxBytes) : chunk;
  }

  /** Leaves what has not been read to whoever answers the request: a body that somebody waits for does not flow to anybody else. */
  leave(): void {
    void this.#chunks.return?.().catch(() => {});
  }

  async #receive(signal: AbortSignal): Promise<Buffer | undefined> {
    for (;;) {
      const step = await this.#step(signal);
      if (step.done) {
        this.#end();
        return undefined;
      }
      const chunk = toBuffer(step.value);
      this.#receivedBytes += chunk.length;
      if (this.#receivedBytes > (this.#announced.sizeBytes ?? Number.MAX_SAFE_INTEGER)) {
        throw new DriveError('bad-body', 'The body is longer than was announced.');
      }
      this.#hash.update(chunk);
      if (chunk.length > 0) return chunk;
    }
  }

  async #step(signal: AbortSignal): Promise<IteratorResult<unknown>> {
    try {
      return await untilAborted(this.#chunks.next(), signal);
    } catch (error) {
      if (isDriveError(error)) throw error;
      throw new DriveError('aborted', 'The body was broken off.', { cause: error });
    }
  }

  #end(): void {
    const { sizeBytes, contentHash: announcedHash } = this.#announced;
    if (sizeBytes !== undefined && this.#receivedBytes < sizeBytes) {
      throw new DriveError('bad-body', 'The body is shorter than was announced.');
    }
    const contentHash = this.#hash.digest('hex').toUpperCase();
    if (announcedHash !== undefined && announcedHash.toUpperCase() !== contentHash) {
      throw new DriveError('bad-body', 'The body does not have the checksum that was announced.');
    }
    this.#content = { sizeBytes: this.#receivedBytes, contentHash };
  }
}

function toBuffer(chunk: unknown): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk;
  return typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk as Uint8Array);
}
