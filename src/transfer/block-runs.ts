import type { Readable } from 'node:stream';
import { throwIfAborted } from '../drive/abortable.ts';
import { tallyLike } from '../drive/call-signal.ts';
import type { Entry } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import { type Block, blockAt } from './blocks.ts';
import type { OpenReadStream } from './read-stream.ts';

/** One client's read of neighbouring blocks. */
export interface BlockReader {
  readonly entry: Entry;
  /** The last byte that it may come to want. */
  readonly last: number;
  /** Aborted when it ends, whole or not. */
  readonly stop: AbortSignal;
}

/** Fetches blocks; neighbouring ones come over one body of the storage host, whichever reader asks for the next. */
export class BlockRuns {
  readonly #open: OpenReadStream;
  /** Bodies that stand before a block that nobody has asked for yet, by its name. */
  readonly #standing = new Map<string, BlockRun>();

  constructor(open: OpenReadStream) {
    this.#open = open;
  }

  /**
   * Reads one block whole; to be called once at a time for a block. The body is left standing at its end for as long as a
   * reader is there that may go on.
   * @param signal aborted when nobody waits for the block any more
   * @throws DriveError as `OpenReadStream` does
   */
  async fetch(block: Block, reader: BlockReader, signal: AbortSignal): Promise<Buffer> {
    throwIfAborted(signal);
    const run = this.#takeStanding(block.name) ?? this.#start(block, reader);
    const giveUp = () => run.close();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      const bytes = await run.read(block);
      this.#leaveStanding(run, block, reader);
      return bytes;
    } catch (error) {
      run.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** The block was found elsewhere: a body that stands before it is of no use. */
  skip(block: Block): void {
    this.#takeStanding(block.name)?.close();
  }

  #start(block: Block, reader: BlockReader): BlockRun {
    const run: BlockRun = new BlockRun(this.#open, block, reader, () => {
      if (run.standsBefore !== undefined) this.#takeStanding(run.standsBefore)?.close();
    });
    return run;
  }

  #takeStanding(name: string): BlockRun | undefined {
    const run = this.#standing.get(name);
    this.#standing.delete(name);
    if (run) run.standsBefore = undefined;
    return run;
  }

  #leaveStanding(run: BlockRun, block: Block, reader: BlockReader): void {
    if (block.last >= run.last) {
      run.end();
      return;
    }
    const { name } = blockAt(reader.entry, block.last + 1);
    // Where another body has come to the same place, one is enough.
    if (!run.admit(reader) || this.#standing.has(name)) {
      run.close();
      return;
    }
    run.standsBefore = name;
    this.#standing.set(name, run);
  }
}

/** A body over neighbouring blocks, read from one to the next. */
class BlockRun {
  readonly last: number;
  /** The block that it stands before; undefined while it is read. */
  standsBefore: string | undefined;
  readonly #abort = new AbortController();
  readonly #chunks: AsyncIterator<Buffer>;
  /** With what is called when one of them stops. */
  readonly #readers = new Map<BlockReader, () => void>();
  readonly #onDeserted: () => void;
  /** What has come of the next block already. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(open: OpenReadStream, block: Block, { entry, last, stop }: BlockReader, onDeserted: () => void) {
    this.#onDeserted = onDeserted;
    this.last = blockAt(entry, last).last;
    const signal = tallyLike(this.#abort.signal, stop);
    this.#chunks = readChunks(open(entry, { first: block.first, last: this.last }, signal));
  }

  async read(block: Block): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(block.last - block.first + 1);
    let filled = this.#take(bytes, 0);
    while (filled < bytes.length) {
      const { value, done } = await this.#chunks.next();
      if (done) throw new DriveError('unavailable', 'The storage host sent less than it promised.');
      this.#rest = value;
      filled += this.#take(bytes, filled);
    }
    return bytes;
  }

  /** Counts a reader until it stops; false when none is left. */
  admit(reader: BlockReader): boolean {
    if (!reader.stop.aborted && !this.#readers.has(reader)) {
      const leave = () => {
        this.#readers.delete(reader);
        if (this.#readers.size === 0) this.#onDeserted();
      };
      this.#readers.set(reader, leave);
      reader.stop.addEventListener('abort', leave, { once: true });
    }
    return this.#readers.size > 0;
  }

  /** All has come: the body still has to end, for its connection to be used again. */
  end(): void {
    this.#forgetReaders();
    this.#chunks.next().catch(() => {});
  }

  close(): void {
    this.#forgetReaders();
    this.#abort.abort();
  }

  /** They may outlive it by many others. */
  #forgetReaders(): void {
    for (const [{ stop }, leave] of this.#readers) stop.removeEventListener('abort', leave);
    this.#readers.clear();
  }

  #take(target: Buffer, at: number): number {
    const taken = this.#rest.copy(target, at);
    this.#rest = this.#rest.subarray(taken);
    return taken;
  }
}

async function* readChunks(opening: Promise<Readable>): AsyncGenerator<Buffer, undefined> {
  for await (const chunk of await opening) yield chunk as Buffer;
}
