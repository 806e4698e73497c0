import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Piece } from './pieces.ts';

/** A private folder for uploaded parts, which together take no more than a set number of bytes. */
export class UploadFiles {
  readonly #limitBytes: () => number;
  /** Told when there is no room: gives back files that nothing shows any more. */
  readonly #release: () => readonly Piece[];
  #folder: Promise<string> | undefined;
  #count = 0;
  #takenBytes = 0;

  constructor(limitBytes: () => number, release: () => readonly Piece[]) {
    this.#limitBytes = limitBytes;
    this.#release = release;
  }

  /** @returns undefined where there is no room for so many bytes. */
  async reserve(size: number): Promise<Piece | undefined> {
    if (this.#takenBytes + size > this.#limitBytes()) {
      for (const piece of this.#release()) await this.drop(piece);
      if (this.#takenBytes + size > this.#limitBytes()) return undefined;
    }
    this.#takenBytes += size;
    this.#folder ??= mkdtemp(join(tmpdir(), 'alidav-emulator-'));
    this.#count += 1;
    // Taken before the wait, in which others are given names of their own.
    const name = String(this.#count);
    return { path: join(await this.#folder, name), size };
  }

  /** Gives the room of a piece back, whether it was ever written or not. */
  async drop({ path, size }: Piece): Promise<void> {
    this.#takenBytes -= size;
    await unlink(path).catch(() => undefined);
  }

  async close(): Promise<void> {
    const folder = this.#folder;
    this.#folder = undefined;
    if (folder) await rm(await folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
