import { Readable } from 'node:stream';
import type { Blob, BlobWriter } from '../state/blobs.ts';
import { SLAB_BYTES } from './memory.ts';
import type { Spool } from './spool.ts';

/**
 * Bytes of a body that can be read as often as it takes until the storage host has them: their beginning in slabs of memory,
 * what does not fit there in a blob.
 */
export class PartsInHand {
  readonly #spool: Spool;
  #maxSlabs: number;
  readonly #slabs: Buffer[] = [];
  #memoryBytes = 0;
  #blobs: Blob[];
  #writer: BlobWriter | undefined;
  #diskBytes: number;
  /** A copy of what is in memory, made to outlive this process. */
  #copy: Blob | undefined;

  constructor(spool: Spool, maxSlabs: number, blobs: readonly Blob[] = []) {
    this.#spool = spool;
    this.#maxSlabs = maxSlabs;
    this.#blobs = [...blobs];
    this.#diskBytes = blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  get sizeBytes(): number {
    return this.#memoryBytes + this.#diskBytes;
  }

  get isOnDisk(): boolean {
    return this.#diskBytes > 0;
  }

  /**
   * @param patience while it is not aborted, memory is waited for rather than the disk used
   * @throws DriveError `spool-full`
   */
  async append(chunk: Buffer, patience?: AbortSignal): Promise<void> {
    let at = 0;
    while (at < chunk.length && (await this.#hasMemory(patience))) {
      const slab = this.#slabs[Math.floor(this.#memoryBytes / SLAB_BYTES)];
      if (!slab) break;
      const copied = chunk.copy(slab, this.#memoryBytes % SLAB_BYTES, at);
      this.#memoryBytes += copied;
      at += copied;
    }
    if (at < chunk.length) await this.#write(chunk.subarray(at));
  }

  /** Takes no more memory than it has: what comes from here on goes to the disk. */
  limitMemory(): void {
    this.#maxSlabs = this.#slabs.length;
  }

  /**
   * The bytes of `[start, end)`.
   * @param onRead called whenever the reader has taken some and wants more
   */
  open(start: number, end: number, onRead?: () => void): Readable {
    return Readable.from(this.#read(start, end, onRead), { objectMode: false, highWaterMark: SLAB_BYTES });
  }

  async read(start: number, end: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.#read(start, end)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /**
   * Brings all of it to the disk; resolves when it would survive a power cut. It can still be read.
   * @returns the blobs that hold it, in order
   * @throws DriveError `spool-full`
   */
  async persist(): Promise<readonly Blob[]> {
    if (this.#memoryBytes > 0 && !this.#copy) {
      const writer = await this.#spool.createBlob();
      try {
        for await (const chunk of this.#read(0, this.#memoryBytes)) await writer.write(chunk);
        this.#copy = await writer.finish();
      } catch (error) {
        await writer.discard();
        throw error;
      }
    }
    if (this.#writer) {
      this.#blobs = [...this.#blobs, await this.#writer.finish()];
      this.#writer = undefined;
    }
    return this.#copy ? [this.#copy, ...this.#blobs] : this.#blobs;
  }

  /** Gives the memory back, and leaves the disk to whoever comes after this process. */
  leave(): void {
    for (const slab of this.#slabs.splice(0)) this.#spool.pool.give(slab);
    this.#memoryBytes = 0;
  }

  /** Gives all back: the bytes are of no more use. */
  async release(): Promise<void> {
    this.leave();
    const names = [...this.#blobs, ...(this.#copy ? [this.#copy] : [])].map(({ name }) => name);
    const writer = this.#writer;
    this.#blobs = [];
    this.#copy = undefined;
    this.#writer = undefined;
    this.#diskBytes = 0;
    await writer?.discard();
    for (const name of names) await this.#spool.blobs.remove(name);
  }

  /** Whether the next byte has a place in memory. */
  async #hasMemory(patience: AbortSignal | undefined): Promise<boolean> {
    if (this.isOnDisk) return false;
    if (this.#memoryBytes < this.#slabs.length * SLAB_BYTES) return true;
    if (this.#slabs.length >= this.#maxSlabs) return false;
    const slab = this.#spool.pool.tryTake() ?? (patience && (await this.#spool.pool.take(patience)));
    if (slab) this.#slabs.push(slab);
    return slab !== undefined;
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#writer ??= await this.#spool.createBlob();
    await this.#writer.write(bytes);
    this.#diskBytes += bytes.length;
  }

  async *#read(start: number, end: number, onRead = () => {}): AsyncGenerator<Buffer> {
    let at = start;
    while (at < Math.min(end, this.#memoryBytes)) {
      const slab = this.#slabs[Math.floor(at / SLAB_BYTES)];
      if (!slab) return;
      const first = at % SLAB_BYTES;
      const last = Math.min(SLAB_BYTES, first + Math.min(end, this.#memoryBytes) - at);
      yield slab.subarray(first, last);
      at += last - first;
      onRead();
    }
    let base = this.#memoryBytes;
    for (const { name, sizeBytes } of this.#onDisk()) {
      const from = Math.max(at, base);
      const to = Math.min(end, base + sizeBytes);
      if (from < to) {
        for await (const chunk of this.#spool.blobs.open(name, from - base, to - base)) {
          yield chunk as Buffer;
          onRead();
        }
      }
      base += sizeBytes;
    }
  }

  #onDisk(): readonly Blob[] {
    if (!this.#writer) return this.#blobs;
    const written = this.#blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return [...this.#blobs, { name: this.#writer.name, sizeBytes: this.#diskBytes - written }];
  }
}
