import { Readable } from 'node:stream';
import { type Blobs, BlobsFullError, type BlobWriter } from '../../../src/state/blobs.ts';

/** Blobs in memory, which outlive the sink that wrote them. */
export class MemoryBlobs implements Blobs {
  readonly files = new Map<string, Buffer>();
  readonly #maxBytes: number;
  #nextName = 1;

  constructor(maxBytes = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes;
  }

  get usedBytes(): number {
    return [...this.files.values()].reduce((sum, { length }) => sum + length, 0);
  }

  async create(): Promise<BlobWriter> {
    const name = `b${this.#nextName++}`;
    this.files.set(name, Buffer.alloc(0));
    return {
      name,
      write: async (chunk) => {
        if (this.usedBytes + chunk.length > this.#maxBytes) throw new BlobsFullError('full');
        this.files.set(name, Buffer.concat([this.files.get(name) ?? Buffer.alloc(0), chunk]));
      },
      finish: async () => ({ name, sizeBytes: this.files.get(name)?.length ?? 0 }),
      discard: async () => void this.files.delete(name),
    };
  }

  open(name: string, start: number, end: number): Readable {
    const bytes = this.files.get(name);
    if (!bytes) throw new Error(`no blob ${name}`);
    return Readable.from([bytes.subarray(start, end)]);
  }

  async remove(name: string): Promise<void> {
    this.files.delete(name);
  }

  async list() {
    return [...this.files].map(([name, { length }]) => ({ name, sizeBytes: length }));
  }
}
