import type { Readable } from 'node:stream';

/** A file of bytes in the state folder. */
export interface Blob {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface BlobWriter {
  readonly name: string;
  /** Appends. @throws BlobsFullError when the disk or the budget is full; what was written stays readable until `discard` */
  write(chunk: Uint8Array): Promise<void>;
  /** Resolves when the bytes would survive a power cut. */
  finish(): Promise<Blob>;
  discard(): Promise<void>;
}

/** The disk, or the share of it that may be used, is full. */
export class BlobsFullError extends Error {
  override readonly name = 'BlobsFullError';
}

/** One kind of blobs under one disk budget. */
export interface Blobs {
  create(): Promise<BlobWriter>;
  /** The bytes of `[start, end)`; also while they are still being written, as far as they were. */
  open(name: string, start: number, end: number): Readable;
  /** Absent counts as done. */
  remove(name: string): Promise<void>;
  list(): Promise<readonly Blob[]>;
  /** Of the blobs there are, written or being written. */
  readonly usedBytes: number;
}
