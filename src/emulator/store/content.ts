import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { crc64 } from './crc64.ts';

/** Digests as the service shows them, each computed when it is first read. */
export interface Digests {
  /** Upper-case hex. */
  readonly sha1: string;
  /** Upper-case hex. */
  readonly md5: string;
  /** CRC-64/ECMA-182 as an unsigned decimal; undefined where computing it would take seconds. */
  readonly crc64: string | undefined;
}

/** The bytes of an object, held in memory, on disk, or computed from the position. */
export interface Content {
  readonly size: number;
  /** Streams the bytes of `[start, end)`. */
  open(start: number, end: number): Readable;
  /** A few bytes at once. */
  read(start: number, end: number): Uint8Array;
  /** undefined where hashing would take longer than a caller can wait. */
  digests(): Digests | undefined;
}

export function bytesContent(data: string | Uint8Array): Content {
  const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length);
  const digests = new LazyDigests(() => bytes);
  return {
    size: bytes.length,
    open: (start, end) => Readable.from([bytes.subarray(start, end)], { objectMode: false }),
    read: (start, end) => bytes.subarray(start, end),
    digests: () => digests,
  };
}

/** A file of this machine; it must not change while the emulator lives. */
export function fileContent(path: string): Content {
  const { size } = statSync(path);
  const digests = new LazyDigests(() => readFileRange(path, 0, size));
  return {
    size,
    open: (start, end) => (end > start ? createReadStream(path, { start, end: end - 1 }) : Readable.from([])),
    read: (start, end) => readFileRange(path, start, Math.min(end, size)),
    digests: () => digests,
  };
}

export function toContent(data: Content | string | Uint8Array): Content {
  return typeof data === 'string' || data instanceof Uint8Array ? bytesContent(data) : data;
}

export function readFileRange(path: string, start: number, end: number): Uint8Array {
  const bytes = Buffer.alloc(Math.max(0, end - start));
  const file = openSync(path, 'r');
  try {
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(file, bytes, filled, bytes.length - filled, start + filled);
      if (count === 0) throw new Error(`${path} is shorter than it was.`);
      filled += count;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}

/** All of them from the bytes themselves. */
class LazyDigests implements Digests {
  readonly #bytes: () => Uint8Array;
  #sha1: string | undefined;
  #md5: string | undefined;
  #crc64: string | undefined;

  constructor(bytes: () => Uint8Array) {
    this.#bytes = bytes;
  }

  get sha1(): string {
    this.#sha1 ??= createHash('sha1').update(this.#bytes()).digest('hex').toUpperCase();
    return this.#sha1;
  }

  get md5(): string {
    this.#md5 ??= createHash('md5').update(this.#bytes()).digest('hex').toUpperCase();
    return this.#md5;
  }

  get crc64(): string {
    this.#crc64 ??= crc64(this.#bytes()).toString();
    return this.#crc64;
  }
}
