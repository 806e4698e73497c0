import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type CallSignal, tallyLike } from '../drive/call-signal.ts';
import type { ByteRange } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { SharedCalls } from '../drive/shared-calls.ts';
import type { BlockStore } from '../state/block-store.ts';
import { type BlockReader, BlockRuns } from './block-runs.ts';
import { type Block, blockAt, isCacheable } from './blocks.ts';
import { type OpeningStream, openStream } from './open-stream.ts';
import type { OpenReadStream } from './read-stream.ts';

export interface CachedReadDeps {
  readonly store: Pick<BlockStore, 'read' | 'write'>;
  /** What is not in the store. */
  readonly open: OpenReadStream;
  /** Called once for each block that was looked for. */
  readonly onLookup?: ((outcome: 'hit' | 'miss') => void) | undefined;
}

/**
 * Reads near the ends of files out of the store, where they cost neither a link nor a body, and into it; all others as `open`
 * does. Clients that read the same block at the same time share one fetch.
 */
export function createCachedRead({ store, open, onLookup }: CachedReadDeps): OpenReadStream {
  const calls = new SharedCalls<Buffer>();
  const runs = new BlockRuns(open);

  async function obtain(block: Block, reader: BlockReader, signal: AbortSignal): Promise<Buffer> {
    const kept = await store.read(block.name);
    const isHit = kept?.length === block.last - block.first + 1;
    onLookup?.(isHit ? 'hit' : 'miss');
    if (isHit) {
      runs.skip(block);
      return kept;
    }
    const bytes = await runs.fetch(block, reader, signal);
    // The client need not wait for the disk, nor hear of its troubles.
    if (isGenuine(block, reader.entry, bytes)) void store.write(block.name, bytes);
    return bytes;
  }

  return async (entry, range, signal) => {
    if (!isCacheable(entry, range)) return open(entry, range, signal);
    const obtainShared: ObtainBlock = (block, reader) =>
      calls.join(block.name, (shared) => obtain(block, reader, shared), reader.stop);
    const stream = new BlockStream(entry, range, obtainShared, signal);
    return openStream(stream, signal);
  };
}

type ObtainBlock = (block: Block, reader: BlockReader) => Promise<Buffer>;

/** A range of a file, block after block as they are asked for. */
class BlockStream extends Readable implements OpeningStream {
  readonly #entry: Entry;
  readonly #range: ByteRange;
  readonly #obtain: ObtainBlock;
  readonly #stop = new AbortController();
  readonly #reader: BlockReader;
  /** The next byte to deliver. */
  #next: number;

  constructor(entry: Entry, range: ByteRange, obtain: ObtainBlock, origin: CallSignal | undefined) {
    super();
    this.#entry = entry;
    this.#range = range;
    this.#obtain = obtain;
    this.#next = range.first;
    this.#reader = { entry, last: range.last, stop: tallyLike(this.#stop.signal, origin) };
  }

  /** Resolves when the first bytes are here, so that what is refused can still become a status. */
  open(): Promise<void> {
    return this.#advance();
  }

  override _read(): void {
    this.#advance().catch((error: Error) => this.destroy(error));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#stop.abort();
    callback(error);
  }

  async #advance(): Promise<void> {
    const block = blockAt(this.#entry, this.#next);
    const bytes = await this.#obtain(block, this.#reader);
    const end = Math.min(block.last, this.#range.last) + 1;
    const piece = bytes.subarray(this.#next - block.first, end - block.first);
    this.#next = end;
    this.push(piece);
    if (end > this.#range.last) this.push(null);
  }
}

/** Where a hash is known for just these bytes, they must have it: what is kept is delivered for as long as it is kept. */
function isGenuine(block: Block, { contentHash }: Entry, bytes: Buffer): boolean {
  if (!block.isWholeFile || contentHash === undefined) return true;
  return createHash('sha1').update(bytes).digest('hex').toUpperCase() === contentHash;
}
