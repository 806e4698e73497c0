import { DriveError, toUnrecorded } from '../drive/errors.ts';
import { type Blob, BlobsFullError, type BlobWriter, type FolderBlobs } from '../state/blobs.ts';
import { SLAB_BYTES, type SlabPool } from './memory.ts';
import { PartsInHand } from './parts-in-hand.ts';

export interface SpoolDeps {
  readonly pool: SlabPool;
  readonly blobs: FolderBlobs;
  /** Called once, before the first blob: records under which name this process's blobs are found. */
  readonly recordOwner: (owner: string) => Promise<void>;
}

/** Where bodies stay until the drive has them: memory first, then the disk. */
export class Spool {
  readonly #deps: SpoolDeps;
  #recorded: Promise<void> | undefined;

  constructor(deps: SpoolDeps) {
    this.#deps = deps;
  }

  get pool(): SlabPool {
    return this.#deps.pool;
  }

  get blobs(): FolderBlobs {
    return this.#deps.blobs;
  }

  /** @param memoryBytes how much of it may be in memory */
  hold(memoryBytes = Number.POSITIVE_INFINITY): PartsInHand {
    return new PartsInHand(this, Math.floor(memoryBytes / SLAB_BYTES));
  }

  /** What an earlier process has left on the disk. */
  holdAgain(blobs: readonly Blob[]): PartsInHand {
    return new PartsInHand(this, 0, blobs);
  }

  /** Whether a body of this length may be kept for a while without getting in the way of bodies that have to be kept. */
  hasRoomFor(sizeBytes: number): boolean {
    return sizeBytes <= (this.#deps.blobs.maxBytes - this.#deps.blobs.usedBytes) / 2;
  }

  /** Its writer rejects, as this does, with a DriveError `spool-full`. */
  async createBlob(): Promise<BlobWriter> {
    // A failure is told to all who need a blob now, and the next one tries again.
    this.#recorded ??= this.#deps.recordOwner(this.#deps.blobs.owner).catch((error: unknown) => {
      this.#recorded = undefined;
      throw toUnrecorded(error);
    });
    await this.#recorded;
    const writer = await orSpoolFull(this.#deps.blobs.create());
    return {
      name: writer.name,
      write: (chunk) => orSpoolFull(writer.write(chunk)),
      finish: () => orSpoolFull(writer.finish()),
      discard: () => writer.discard(),
    };
  }
}

async function orSpoolFull<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof BlobsFullError)) throw error;
    throw new DriveError('spool-full', error.message, { cause: error });
  }
}
