import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { crc64 } from './crc64.ts';

/** Digests as the service shows them. */
interface Digests {
  /** Upper-case hex. */
  readonly sha1: string;
  /** Upper-case hex. */
  readonly md5: string;
  /** CRC-64/ECMA-182 as an unsigned decimal. */
  readonly crc64: string;
}

/** The bytes of an object, held in memory, on disk, or computed from the position. */
export interface Content {
  readonly size: number;
  /** Streams the bytes of `[start, end)`. */
  open(start: number, end: number): Readable;
  /** Computed at the first call; undefined where hashing would take longer than a caller can wait. */
  digests(): Digests | undefined;
}

export function bytesContent(data: string | Uint8Array): Content {
  const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length);
  let digests: Digests | undefined;
  return {
    size: bytes.length,
    open: (start, end) => Readable.from([bytes.subarray(start, end)], { objectMode: false }),
    digests: () => {
      digests ??= digest(bytes);
      return digests;
    },
  };
}

/** A file of this machine; it must not change while the emulator lives. */
export function fileContent(path: string): Content {
  let digests: Digests | undefined;
  return {
    size: statSync(path).size,
    open: (start, end) => (end > start ? createReadStream(path, { start, end: end - 1 }) : Readable.from([])),
    digests: () => {
      digests ??= digest(readFileSync(path));
      return digests;
    },
  };
}

function digest(bytes: Uint8Array): Digests {
  return {
    sha1: createHash('sha1').update(bytes).digest('hex').toUpperCase(),
    md5: createHash('md5').update(bytes).digest('hex').toUpperCase(),
    crc64: crc64(bytes).toString(),
  };
}
