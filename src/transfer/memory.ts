/** Parts are whole MiB, so that no slab holds bytes of two of them. */
export const SLAB_BYTES = 256 * 1024;

/**
 * What is left to those who cannot wait (a small body, the part that is to be sent next), so that reading ahead does not
 * drive them to the disk.
 */
const KEPT_SHARE = 0.25;

/** The other half goes to what the same bodies hold on their way: buffers of connections, and chunks not yet collected. */
const SLAB_SHARE = 0.5;

/** What of a budget bodies may lie in. */
export function toSlabBytes(budgetBytes: number): number {
  return budgetBytes * SLAB_SHARE;
}

/** What of it may be taken to read ahead. */
export function toSpareBytes(budgetBytes: number): number {
  return toSlabBytes(budgetBytes) * (1 - KEPT_SHARE);
}

/** The memory of all uploads together, in slabs that are used over and over: it never grows past its budget. */
export class SlabPool {
  readonly #kept: number;
  #unmade: number;
  readonly #free: Buffer[] = [];
  /** In order of arrival. */
  readonly #waiting = new Set<(slab: Buffer) => void>();

  /** @param slabBytes in slabs alone: `toSlabBytes` of what uploads may have in all */
  constructor(slabBytes: number) {
    this.#unmade = Math.floor(slabBytes / SLAB_BYTES);
    this.#kept = Math.ceil(this.#unmade * KEPT_SHARE);
  }

  /** At once or not at all. */
  tryTake(): Buffer | undefined {
    const slab = this.#free.pop();
    if (slab || this.#unmade === 0) return slab;
    this.#unmade--;
    return Buffer.allocUnsafeSlow(SLAB_BYTES);
  }

  /** Waits for one that is to spare; undefined once `patience` is aborted. */
  take(patience: AbortSignal): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      if (patience.aborted) return resolve(undefined);
      const spare = this.#hasSpare() ? this.tryTake() : undefined;
      if (spare) return resolve(spare);
      const leave = () => {
        this.#waiting.delete(receive);
        resolve(undefined);
      };
      const receive = (slab: Buffer) => {
        patience.removeEventListener('abort', leave);
        resolve(slab);
      };
      this.#waiting.add(receive);
      patience.addEventListener('abort', leave, { once: true });
    });
  }

  /** Gives back what was taken; the bytes must be of no more use to anybody. */
  give(slab: Buffer): void {
    this.#free.push(slab);
    for (const receive of this.#waiting) {
      const spare = this.#hasSpare() ? this.tryTake() : undefined;
      if (!spare) return;
      this.#waiting.delete(receive);
      receive(spare);
    }
  }

  /** How many slabs could be taken now. */
  get freeSlabs(): number {
    return this.#free.length + this.#unmade;
  }

  #hasSpare(): boolean {
    return this.freeSlabs > this.#kept;
  }
}
