import type { PartsInHand } from './parts-in-hand.ts';
import type { BodyOnDisk } from './upload-record.ts';

/** Who may still end an upload: its client until the body is whole, a failure of its own, the end of the process. */
export class UploadCourse {
  readonly #controller = new AbortController();
  readonly #client: AbortSignal | undefined;
  readonly #stopping: AbortSignal;
  #isWhole = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(client: AbortSignal | undefined, stopping: AbortSignal) {
    this.#client = client;
    this.#stopping = stopping;
    for (const ender of [client, stopping]) {
      ender?.addEventListener('abort', this.#leave, { once: true });
      if (ender?.aborted) this.#leave();
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Its body has come to its end. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The body is whole: it will be a file even if nobody is there any more to hear of it. */
  letClientGo(): void {
    this.#isWhole = true;
    this.#client?.removeEventListener('abort', this.#leave);
  }

  /** Ends what else is going on. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#controller.abort();
  }

  /** What an error is the consequence of. */
  causeOf(error: unknown): unknown {
    return this.#failure ? this.#failure.error : error;
  }

  end(): void {
    this.#client?.removeEventListener('abort', this.#leave);
    this.#stopping.removeEventListener('abort', this.#leave);
  }

  readonly #leave = (): void => this.#controller.abort();
}

/** What an upload has in hand of its body, from `offset` on. */
export class Hand {
  readonly #parts: PartsInHand[] = [];
  #offset = 0;

  add(part: PartsInHand): PartsInHand {
    this.#parts.push(part);
    return part;
  }

  /** The first one is at the storage host. */
  async releaseFirst(): Promise<void> {
    const part = this.#parts.shift();
    this.#offset += part?.sizeBytes ?? 0;
    await part?.release();
  }

  /** @throws DriveError `spool-full` */
  async persist(): Promise<BodyOnDisk> {
    const blobs = [];
    for (const part of this.#parts) blobs.push(...(await part.persist()));
    return { offset: this.#offset, blobs };
  }

  /** Gives the memory back; what is on the disk is the next process's. */
  leave(): void {
    for (const part of this.#parts.splice(0)) part.leave();
  }

  async release(): Promise<void> {
    for (const part of this.#parts.splice(0)) await part.release();
  }
}
