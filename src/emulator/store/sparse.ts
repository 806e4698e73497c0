import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Content } from './content.ts';

/**
 * A prime, so that a reader who lands a power of two (a block, a part, a lane) beside its place gets other bytes
 * and a test sees it.
 */
const TILE_BYTES = 1_048_573;
const CHUNK_BYTES = 256 * 1024;

/** Computes content of any size from the position, without copying: chunks are views into one block. */
export interface SparseSource {
  /** Contents of different seeds differ from their first byte. */
  content(size: number, seed: number): Content;
}

export function createSparseSource(): SparseSource {
  let tile: Uint8Array | undefined;
  return {
    content: (size, seed) => ({
      size,
      open: (start, end) => {
        tile ??= makeTile();
        return openTile(tile, start + seed, end + seed);
      },
      read: (start, end) => {
        tile ??= makeTile();
        return Uint8Array.from({ length: end - start }, (_, index) => tile?.[(start + seed + index) % TILE_BYTES] ?? 0);
      },
      // Hashing many GiB takes minutes, and an invented hash would make every verifying client report damage.
      digests: () => undefined,
    }),
  };
}

function openTile(tile: Uint8Array, start: number, end: number): Readable {
  let position = start;
  return new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      if (position >= end) {
        this.push(null);
        return;
      }
      const offset = position % TILE_BYTES;
      const length = Math.min(CHUNK_BYTES, TILE_BYTES - offset, end - position);
      position += length;
      this.push(tile.subarray(offset, offset + length));
    },
  });
}

/** Pseudo-random, hence incompressible and without inner repetition. */
function makeTile(): Uint8Array {
  const tile = Buffer.alloc(TILE_BYTES);
  let block = Buffer.from('alidav');
  for (let offset = 0; offset < TILE_BYTES; offset += block.length) {
    block = createHash('sha512').update(block).digest();
    block.copy(tile, offset);
  }
  return tile;
}
