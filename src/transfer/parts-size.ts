import { toSpareBytes } from './memory.ts';

const MIB = 2 ** 20;

/** A body up to this is one part, and is held whole before anything is asked of the service. */
const ONE_PART_BYTES = 8 * MIB;
const SMALLEST_BYTES = MIB;
const LARGEST_BYTES = 16 * MIB;
/** The service takes 10,000. */
const MAX_PARTS = 9_000;

/** What an upload may have in memory: the part that is sent and the next one. */
const PARTS_IN_HAND = 2;

/**
 * The size of every part but the last. Larger parts lose less time between them; beside other uploads they are smaller, so
 * that the memory does for all and the next one is in hand when it is its turn.
 * @param memoryBytes the budget of all
 * @param uploads how many share the memory, this one included
 */
export function choosePartSize(sizeBytes: number, memoryBytes: number, uploads: number): number {
  if (sizeBytes <= ONE_PART_BYTES) return ONE_PART_BYTES;
  const share = Math.floor(toSpareBytes(memoryBytes) / uploads / PARTS_IN_HAND / MIB) * MIB;
  const fair = Math.min(LARGEST_BYTES, Math.max(SMALLEST_BYTES, share));
  return Math.max(fair, Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB);
}

export interface PartRange {
  /** From 1. */
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

export function toPartRange(number: number, sizeBytes: number, partSizeBytes: number): PartRange {
  const start = (number - 1) * partSizeBytes;
  return { number, start, end: Math.min(sizeBytes, start + partSizeBytes) };
}
