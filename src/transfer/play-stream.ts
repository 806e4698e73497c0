import { Readable } from 'node:stream';
import { type CallSignal, tallyLike } from '../drive/call-signal.ts';
import type { ByteRange } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import { type Block, headBlockAt, leavesHead } from './blocks.ts';
import type { CachedReadDeps } from './cached-read.ts';
import { type OpeningStream, openStream } from './open-stream.ts';
import type { OpenReadStream } from './read-stream.ts';

/**
 * Reads a file as it is played, from its beginning on: what is kept of it at once, and the rest as `open` does, which is
 * asked only when the reader gets there. Many a player looks at the beginning and leaves. What is not kept yet of the
 * beginning is kept as it passes.
 *
 * What fails behind the beginning fails in mid-body: for readers that come back with a range for what they miss.
 */
export function createPlayRead(deps: CachedReadDeps): OpenReadStream {
  return async (entry, range, signal) => {
    if (!leavesHead(entry, range)) return deps.open(entry, range, signal);
    return openStream(new PlayStream(entry, range, deps, signal), signal);
  };
}

class PlayStream extends Readable implements OpeningStream {
  readonly #entry: Entry;
  readonly #range: ByteRange;
  readonly #deps: CachedReadDeps;
  readonly #stop = new AbortController();
  /** The next byte to deliver. */
  #next: number;
  #rest: Readable | undefined;
  #passing: PassingBlock | undefined;

  constructor(entry: Entry, range: ByteRange, deps: CachedReadDeps, origin: CallSignal | undefined) {
    super();
    this.#entry = entry;
    this.#range = range;
    this.#deps = deps;
    this.#next = range.first;
    tallyLike(this.#stop.signal, origin);
  }

  /** Resolves when the first bytes are here, or the storage host has answered. */
  open(): Promise<void> {
    return this.#advance();
  }

  override _read(): void {
    if (this.#rest) this.#rest.resume();
    else this.#advance().catch((error: Error) => this.destroy(error));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#stop.abort();
    this.#rest?.destroy();
    callback(error);
  }

  async #advance(): Promise<void> {
    if (!(await this.#pushKept())) await this.#openRest();
  }

  async #pushKept(): Promise<boolean> {
    const block = headBlockAt(this.#entry, this.#next);
    if (!block) return false;
    const bytes = await this.#deps.store.read(block.name);
    const isHit = bytes?.length === block.last - block.first + 1;
    this.#deps.onLookup?.(isHit ? 'hit' : 'miss');
    if (!isHit) return false;
    const piece = bytes.subarray(this.#next - block.first);
    this.#next = block.last + 1;
    this.push(piece);
    return true;
  }

  async #openRest(): Promise<void> {
    const range = { first: this.#next, last: this.#range.last };
    const rest = await this.#deps.open(this.#entry, range, this.#stop.signal);
    this.#rest = rest;
    if (this.destroyed) {
      rest.destroy();
      return;
    }
    rest.on('data', (chunk: Buffer) => this.#forward(rest, chunk));
    rest.on('end', () => this.push(null));
    rest.on('error', (error) => this.destroy(error));
    rest.on('close', () => {
      if (!rest.readableEnded) this.destroy(new DriveError('unavailable', 'The download broke off.'));
    });
  }

  #forward(rest: Readable, chunk: Buffer): void {
    this.#keep(chunk);
    this.#next += chunk.length;
    if (!this.push(chunk)) rest.pause();
  }

  /** Only whole blocks: a first one that the range begins in the middle of is left out. */
  #keep(chunk: Buffer): void {
    for (let position = this.#next; position < this.#next + chunk.length; ) {
      const block = headBlockAt(this.#entry, position);
      if (!block) return;
      if (position === block.first) this.#passing = new PassingBlock(block);
      const bytes = this.#passing?.fill(chunk.subarray(position - this.#next));
      if (bytes) void this.#deps.store.write(block.name, bytes);
      position = block.last + 1;
    }
  }
}

/** A block that is put together from what passes. */
class PassingBlock {
  readonly #bytes: Buffer;
  #filled = 0;

  constructor({ first, last }: Block) {
    this.#bytes = Buffer.allocUnsafe(last - first + 1);
  }

  /** @returns the block once it is whole; of more bytes than that it takes none */
  fill(chunk: Buffer): Buffer | undefined {
    this.#filled += chunk.copy(this.#bytes, this.#filled);
    return this.#filled === this.#bytes.length ? this.#bytes : undefined;
  }
}
