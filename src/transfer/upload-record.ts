import type { Target, UploadSession } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { toUnrecorded } from '../drive/errors.ts';
import type { Blob } from '../state/blobs.ts';
import type { Journal } from '../state/journal.ts';
import type { Content } from './upload-body.ts';

/** What a restart must know of an upload, or of where a process kept the bodies on disk. */
export type UploadRecord = PendingUpload | { readonly kind: 'spool'; readonly owner: string };

export interface PendingUpload {
  readonly kind: 'upload';
  /** When it began, and then when the service was last asked for something of which no answer may have come. */
  readonly at: number;
  readonly target: Target;
  /** An empty file that lives with us alone until this content has come. */
  readonly held: Entry | undefined;
  /** What it is a copy of, and not only a new version of what it replaces. */
  readonly copyOf?: Entry | undefined;
  /** Known when the body is whole, or is another file of the account. */
  readonly content?: Content | undefined;
  /** The body from `offset` on. */
  readonly rest?: BodyOnDisk | undefined;
  readonly session?: UploadSession | undefined;
  /** It is visible; what is left is to tell readers and to bring the replaced one to the bin. */
  readonly made?: Entry | undefined;
  /** Readers know of it: by now it may have been changed, or be gone again. */
  readonly isShown?: boolean | undefined;
  /** The client was told that it failed. */
  readonly isGivenUp?: boolean | undefined;
}

export interface BodyOnDisk {
  readonly offset: number;
  readonly blobs: readonly Blob[];
}

/** One upload's place in the journal, taken when there is something to record. */
export class KeptRecord {
  readonly #journal: () => Promise<Journal<UploadRecord>>;
  #value: PendingUpload;
  #id: string | undefined;

  constructor(journal: () => Promise<Journal<UploadRecord>>, value: PendingUpload, id?: string) {
    this.#journal = journal;
    this.#value = value;
    this.#id = id;
  }

  get id(): string | undefined {
    return this.#id;
  }

  get value(): PendingUpload {
    return this.#value;
  }

  /** Is written with the next change. */
  note(change: Partial<PendingUpload>): void {
    this.#value = { ...this.#value, ...change };
  }

  /** Resolves when the change would survive a power cut. @throws DriveError `spool-full` when nothing can be written */
  async save(change: Partial<PendingUpload>): Promise<void> {
    this.note(change);
    try {
      const journal = await this.#journal();
      if (this.#id === undefined) this.#id = await journal.add(this.#value);
      else await journal.update(this.#id, this.#value);
    } catch (cause) {
      throw toUnrecorded(cause);
    }
  }

  async remove(): Promise<void> {
    if (this.#id !== undefined) await (await this.#journal()).remove(this.#id);
    this.#id = undefined;
  }
}
