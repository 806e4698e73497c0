import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { isDiskFull } from './disk-full.ts';
import { syncFolder } from './sync-folder.ts';

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

/** Blobs in a folder that several processes may share. */
export interface FolderBlobs extends Blobs {
  /** Begins the names of the blobs made here, so that those of a process that is no more can be told from a living one's. */
  readonly owner: string;
  readonly maxBytes: number;
}

export interface BlobsOptions {
  /** Is made, for its owner alone, where it does not exist. */
  readonly dir: string;
  readonly maxBytes: number;
}

const READ_BYTES = 128 * 1024;
const NAME = /^[\w-]+$/;

export async function openBlobs({ dir, maxBytes }: BlobsOptions): Promise<FolderBlobs> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const owner = randomUUID();
  const sizes = new Map((await listFolder(dir)).map(({ name, sizeBytes }) => [name, sizeBytes]));
  let usedBytes = 0;
  for (const sizeBytes of sizes.values()) usedBytes += sizeBytes;

  function count(name: string, bytes: number): void {
    sizes.set(name, (sizes.get(name) ?? 0) + bytes);
    usedBytes += bytes;
  }

  function fileOf(name: string): string {
    if (!NAME.test(name)) throw new Error(`${JSON.stringify(name)} names no blob.`);
    return path.join(dir, name);
  }

  async function remove(name: string): Promise<void> {
    await rm(fileOf(name), { force: true });
    usedBytes -= sizes.get(name) ?? 0;
    sizes.delete(name);
  }

  return {
    owner,
    maxBytes,
    get usedBytes() {
      return usedBytes;
    },
    async create() {
      const name = `${owner}-${randomUUID()}`;
      const handle = await open(fileOf(name), 'wx', 0o600).catch((error: unknown) => {
        throw toFull(error);
      });
      sizes.set(name, 0);
      return new FileWriter(name, handle, {
        reserve(bytes) {
          if (usedBytes + bytes > maxBytes) throw new BlobsFullError('The disk space for bodies is used up.');
          count(name, bytes);
        },
        giveBack: (bytes) => count(name, -bytes),
        sync: () => syncFolder(dir),
        remove: () => remove(name),
        sizeBytes: () => sizes.get(name) ?? 0,
      });
    },
    open(name, start, end) {
      if (start >= end) return Readable.from([]);
      return createReadStream(fileOf(name), { start, end: end - 1, highWaterMark: READ_BYTES });
    },
    remove,
    list: () => listFolder(dir),
  };
}

interface Budget {
  reserve(bytes: number): void;
  giveBack(bytes: number): void;
  sync(): Promise<void>;
  remove(): Promise<void>;
  sizeBytes(): number;
}

class FileWriter implements BlobWriter {
  readonly name: string;
  readonly #handle: FileHandle;
  readonly #budget: Budget;
  #isOpen = true;

  constructor(name: string, handle: FileHandle, budget: Budget) {
    this.name = name;
    this.#handle = handle;
    this.#budget = budget;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#budget.reserve(chunk.length);
    let written = 0;
    try {
      // A disk that is nearly full takes a part of what it is given.
      while (written < chunk.length) {
        written += (await this.#handle.write(chunk, written, chunk.length - written)).bytesWritten;
      }
    } catch (error) {
      this.#budget.giveBack(chunk.length - written);
      throw toFull(error);
    }
  }

  async finish(): Promise<Blob> {
    if (this.#isOpen) {
      try {
        // A file system that delays allocation finds out only now that the disk is full.
        await this.#handle.sync();
      } catch (error) {
        throw toFull(error);
      }
      await this.#close();
      await this.#budget.sync();
    }
    return { name: this.name, sizeBytes: this.#budget.sizeBytes() };
  }

  async discard(): Promise<void> {
    await this.#close();
    await this.#budget.remove();
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#handle.close();
  }
}

async function listFolder(dir: string): Promise<Blob[]> {
  const blobs: Blob[] = [];
  for (const name of await readdir(dir)) {
    if (!NAME.test(name)) continue;
    // Between the two looks another process may have removed it.
    const found = await stat(path.join(dir, name)).catch(() => undefined);
    if (found?.isFile()) blobs.push({ name, sizeBytes: found.size });
  }
  return blobs;
}

function toFull(error: unknown): unknown {
  return isDiskFull(error) ? new BlobsFullError('The disk is full.', { cause: error }) : error;
}
