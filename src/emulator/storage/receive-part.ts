import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Piece } from '../store/pieces.ts';

/** Fewer and larger writes: a chunk from the network has 64 KiB. */
const BATCH_BYTES = 2 ** 20;
/** MD5 is the slowest thing on the way of an upload, so that larger parts get an ETag without it. */
const MD5_BYTES = 4 * 2 ** 20;

export interface ReceivedPart {
  /** In quotation marks. */
  readonly etag: string;
  /** SHA-1 of all parts with this one. */
  readonly hash: Hash;
}

/**
 * Writes a body to a piece's file.
 * @param before SHA-1 of all earlier parts; it is left as it is.
 * @returns undefined where the body ended too early or was no longer wanted.
 */
export async function receivePart(
  request: IncomingMessage,
  piece: Piece,
  before: Hash,
  brake: UploadBrake,
  mostBytes = Number.POSITIVE_INFINITY,
): Promise<ReceivedPart | undefined> {
  const hash = before.copy();
  const md5 = piece.size <= MD5_BYTES ? createHash('md5') : undefined;
  const file = await open(piece.path, 'w');
  let received = 0;
  let batch: Buffer[] = [];
  let batchBytes = 0;
  // One write is under way while the next batch comes in.
  let writing: Promise<unknown> = Promise.resolve();
  const flush = async () => {
    await writing;
    const buffers = batch;
    batch = [];
    batchBytes = 0;
    if (buffers.length === 0) return;
    writing = writeAll(file, buffers);
    // Its failure is seen where it is awaited.
    writing.catch(() => undefined);
  };
  try {
    // Leaving the loop early must not close the connection: a fault may want it to stay.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      md5?.update(chunk);
      batch.push(chunk);
      batchBytes += chunk.length;
      received += chunk.length;
      if (received >= mostBytes) return undefined;
      if (batchBytes >= BATCH_BYTES) await flush();
      const waitMs = brake.take(chunk.length);
      if (waitMs > 0) await sleep(waitMs, undefined, { ref: false });
    }
    await flush();
    await writing;
  } catch (error) {
    // The client has gone, which is its right.
    if (request.destroyed && !request.complete) return undefined;
    throw error;
  } finally {
    await writing.catch(() => undefined);
    await file.close();
  }
  if (received !== piece.size) return undefined;
  const tag = md5?.digest('hex') ?? hash.copy().digest('hex').slice(0, 32);
  return { etag: `"${tag.toUpperCase()}"`, hash };
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, buffers: readonly Buffer[]): Promise<void> {
  const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  const { bytesWritten } = await file.writev(buffers);
  if (bytesWritten < length) throw new Error('The disk of the emulator is full.');
}

/** Lets so many bytes a second pass, of all parts together. */
export class UploadBrake {
  readonly #bytesPerSecond: () => number | null;
  #freeAt = 0;

  constructor(bytesPerSecond: () => number | null) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** How long the sender of so many bytes has to wait, in ms. */
  take(bytes: number): number {
    const rate = this.#bytesPerSecond();
    if (rate === null) return 0;
    const now = performance.now();
    this.#freeAt = Math.max(now, this.#freeAt) + (bytes / rate) * 1000;
    return this.#freeAt - now;
  }
}
