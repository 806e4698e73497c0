import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { Logger } from '../log.ts';
import { isDiskFull } from './disk-full.ts';
import { planEviction, type StoredBlock } from './eviction.ts';

/**
 * Blocks of bytes on disk that may be lost at any time. Nothing here rejects: what cannot be read is not there, and what
 * cannot be written is not kept.
 */
export interface BlockStore {
  /** Undefined unless the block is there whole. Counts as a use: blocks unused for longest go first. */
  read(name: string): Promise<Buffer | undefined>;
  /** Readable at once. Resolves when the block is on disk or given up; the bytes must not change any more. */
  write(name: string, bytes: Buffer): Promise<void>;
  /** What the blocks take of the budget, as far as this process knows. */
  readonly usedBytes: number;
  /** Measures what is there, and brings it within a budget that may have become smaller. */
  tidy(): Promise<void>;
  /** Resolves when nothing is being written or removed. */
  idle(): Promise<void>;
}

export interface BlockStoreOptions {
  /** Is made, for its owner alone, when first written to. Several processes may share it. */
  readonly dir: string;
  readonly maxBytes: number;
  readonly now: () => number;
  readonly log: Logger;
}

const MAGIC = Buffer.from('adb1');
/** Magic, then the payload's length and CRC-32, little-endian. */
const HEADER_BYTES = 12;
const NAME = /^[\w-]+$/;
const TEMPORARY = /^\.[\w-]+\.tmp$/;
/** What was being written for so long belongs to a process that is no more. */
const STALE_MS = 60_000;
/** A small file takes more than its bytes: an inode, a directory entry, the rest of its last page. */
const LEAST_CHARGE_BYTES = 8 * 1024;
/** Whatever other processes wrote is found out after we wrote this share of the budget. */
const MEASURE_SHARE = 1 / 8;
/** After an eviction there is room for a while. */
const KEPT_SHARE = 0.9;
/** What waits for the disk waits in memory: over this many blocks are not kept. */
const MAX_WAITING = 128;
/** No block is nearly so large: a file of more is something else, and is not read into memory. */
const MAX_FILE_BYTES = 2 ** 20;
/** How many files are looked at side by side. */
const LOOKS = 32;
/** A last use is noted in the file's time, no more often than this. */
const TOUCH_MS = 1_000;
/** A disk that is full or broken is left alone for a while. */
const PAUSE_MS = 60_000;

/** A store that keeps nothing in memory but what is being written: the folder is its index, also for other processes. */
export class FolderBlocks implements BlockStore {
  readonly #options: BlockStoreOptions;
  readonly #beingWritten = new Map<string, Buffer>();
  readonly #working = new Set<Promise<void>>();
  #sweeping: Promise<void> | undefined;
  #usedBytes = 0;
  /** On their way to the disk: there is to be room for them too. */
  #arrivingBytes = 0;
  /** Since the folder was last measured; at first nothing is known of it. */
  #writtenBytes = Number.POSITIVE_INFINITY;
  #hasFolder = false;
  #pausedUntil = 0;

  constructor(options: BlockStoreOptions) {
    this.#options = options;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  async read(name: string): Promise<Buffer | undefined> {
    const written = this.#beingWritten.get(name);
    if (written) return written;
    let handle: FileHandle | undefined;
    try {
      handle = await open(this.#fileOf(name), 'r');
      const { size, mtimeMs } = await handle.stat();
      const bytes = size > MAX_FILE_BYTES ? undefined : await readBlock(handle, size);
      if (!bytes) await this.#drop(name, size);
      else if (this.#options.now() - mtimeMs >= TOUCH_MS) await this.#touch(handle);
      return bytes;
    } catch {
      return undefined;
    } finally {
      await handle?.close().catch(() => {});
    }
  }

  async write(name: string, bytes: Buffer): Promise<void> {
    const isBusy = this.#beingWritten.has(name) || this.#beingWritten.size >= MAX_WAITING;
    if (isBusy || this.#options.now() < this.#pausedUntil) return;
    this.#beingWritten.set(name, bytes);
    try {
      await this.#track(this.#write(name, bytes));
    } finally {
      this.#beingWritten.delete(name);
    }
  }

  async tidy(): Promise<void> {
    // A folder that cannot be read is found out about when it is written to.
    await this.#track(this.#sweep(() => this.#options.maxBytes).catch(() => {}));
  }

  async idle(): Promise<void> {
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  async #write(name: string, bytes: Buffer): Promise<void> {
    const { dir, maxBytes } = this.#options;
    const charge = chargeOf(HEADER_BYTES + bytes.length);
    // Nothing goes for what cannot be kept anyway.
    if (charge > maxBytes) return;
    const isRoomy = () => this.#usedBytes + this.#arrivingBytes + charge <= maxBytes;
    try {
      const isDue = !isRoomy() || this.#writtenBytes > maxBytes * MEASURE_SHARE;
      if (isDue || this.#sweeping) await this.#sweep(() => maxBytes - this.#arrivingBytes - charge);
      if (!isRoomy()) return;
      this.#arrivingBytes += charge;
      try {
        if (!this.#hasFolder) await mkdir(dir, { recursive: true, mode: 0o700 });
        this.#hasFolder = true;
        await this.#put(name, bytes);
        this.#usedBytes += charge;
        this.#writtenBytes += charge;
      } finally {
        this.#arrivingBytes -= charge;
      }
    } catch (error) {
      await this.#pause(error);
    }
  }

  /** A rename is seen whole or not at all by whoever reads meanwhile; the checksum tells what a power cut made of it. */
  async #put(name: string, bytes: Buffer): Promise<void> {
    const temporary = path.join(this.#options.dir, `.${randomUUID()}.tmp`);
    try {
      const handle = await open(temporary, 'wx', 0o600);
      try {
        await handle.writeFile(Buffer.concat([formatHeader(bytes), bytes]));
        await this.#touch(handle);
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#fileOf(name));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  async #pause(error: unknown): Promise<void> {
    const { now, log } = this.#options;
    if (now() < this.#pausedUntil) return;
    this.#pausedUntil = now() + PAUSE_MS;
    this.#writtenBytes = Number.POSITIVE_INFINITY;
    this.#hasFolder = false;
    const { code, name } = error as NodeJS.ErrnoException;
    // Not the error itself: its message names the file, and the file the content.
    log.warn({ code: code ?? name }, 'blocks of files cannot be kept on disk for now');
    // Whoever filled the disk needs room more than a cache does.
    if (isDiskFull(error)) await this.#sweep((usedBytes) => usedBytes * KEPT_SHARE).catch(() => {});
  }

  /** Measures the folder; over its limit, removes what was not used for longest. One at a time, shared by all who need it. */
  #sweep(toLimit: (usedBytes: number) => number): Promise<void> {
    this.#sweeping ??= this.#sweepNow(toLimit).finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async #sweepNow(toLimit: (usedBytes: number) => number): Promise<void> {
    this.#writtenBytes = 0;
    const blocks = await this.#list();
    const limitBytes = toLimit(blocks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    const { evicted, keptBytes } = planEviction(blocks, limitBytes, limitBytes * KEPT_SHARE);
    for (const { name } of evicted) await rm(this.#fileOf(name), { force: true });
    // What was written meanwhile may have been seen or not: rather too much.
    this.#usedBytes = keptBytes + this.#writtenBytes;
  }

  async #list(): Promise<StoredBlock[]> {
    const names = await readdir(this.#options.dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const blocks: StoredBlock[] = [];
    for (let at = 0; at < names.length; at += LOOKS) {
      const looks = names.slice(at, at + LOOKS).map((name) => this.#look(name));
      for (const block of await Promise.all(looks)) if (block) blocks.push(block);
    }
    return blocks;
  }

  async #look(name: string): Promise<StoredBlock | undefined> {
    const { dir, now } = this.#options;
    const isTemporary = TEMPORARY.test(name);
    if (!isTemporary && !NAME.test(name)) return undefined;
    // Between the two looks another process may have removed it.
    const found = await stat(path.join(dir, name)).catch(() => undefined);
    if (!found?.isFile()) return undefined;
    if (!isTemporary) return { name, sizeBytes: chargeOf(found.size), usedAt: found.mtimeMs };
    if (now() - found.mtimeMs > STALE_MS) await rm(path.join(dir, name), { force: true });
    return undefined;
  }

  async #drop(name: string, size: number): Promise<void> {
    await rm(this.#fileOf(name), { force: true });
    this.#usedBytes = Math.max(0, this.#usedBytes - chargeOf(size));
  }

  async #touch(handle: FileHandle): Promise<void> {
    const usedAt = new Date(this.#options.now());
    await handle.utimes(usedAt, usedAt);
  }

  #fileOf(name: string): string {
    if (!NAME.test(name)) throw new Error('This names no block.');
    return path.join(this.#options.dir, name);
  }

  async #track(work: Promise<void>): Promise<void> {
    this.#working.add(work);
    try {
      await work;
    } finally {
      this.#working.delete(work);
    }
  }
}

async function readBlock(handle: FileHandle, size: number): Promise<Buffer | undefined> {
  if (size < HEADER_BYTES) return undefined;
  const file = Buffer.allocUnsafe(size);
  const { bytesRead } = await handle.read(file, 0, size, 0);
  const bytes = file.subarray(HEADER_BYTES);
  const isWhole = bytesRead === size && file.subarray(0, HEADER_BYTES).equals(formatHeader(bytes));
  return isWhole ? bytes : undefined;
}

function formatHeader(bytes: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(bytes.length, 4);
  header.writeUInt32LE(crc32(bytes), 8);
  return header;
}

function chargeOf(fileBytes: number): number {
  return Math.max(LEAST_CHARGE_BYTES, Math.ceil(fileBytes / 4096) * 4096);
}
