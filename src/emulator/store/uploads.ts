import { createHash, type Hash, randomBytes } from 'node:crypto';
import type { Content } from './content.ts';
import type { StoredEntry } from './entry.ts';
import type { KnownContents } from './known-contents.ts';
import { type Piece, piecesContent } from './pieces.ts';
import type { Store } from './store.ts';
import { UploadFiles } from './upload-files.ts';

/** A part as it was stored. */
export interface UploadedPart extends Piece {
  readonly number: number;
  /** In quotation marks. */
  readonly etag: string;
}

export interface UploadSession {
  readonly uploadId: string;
  readonly driveId: string;
  /** Of the pending file, or of the one whose content is to be replaced. */
  readonly fileId: string;
  readonly revisionId: string;
  /** As announced. */
  readonly size: number;
  readonly createdAt: number;
  readonly parts: readonly UploadedPart[];
  /** SHA-1 of all parts so far. */
  readonly hash: Hash;
  readonly isComplete: boolean;
}

interface Session extends UploadSession {
  parts: UploadedPart[];
  hash: Hash;
  isComplete: boolean;
}

interface UploadsOptions {
  readonly store: Store;
  readonly known: KnownContents;
  readonly now: () => number;
  readonly ttlMs: () => number | null;
  readonly diskBytes: () => number;
}

/** Upload sessions: nobody sees one but who knows its id, until it is completed. */
export class Uploads {
  readonly files: UploadFiles;
  readonly #options: UploadsOptions;
  readonly #sessions = new Map<string, Session>();
  /** The files of the contents that came by upload. */
  readonly #pieces = new Map<Content, readonly Piece[]>();

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.files = new UploadFiles(options.diskBytes, () => this.#releaseUnheld());
  }

  /** @param entry a pending file, or an old one that is to be overwritten. */
  begin(entry: StoredEntry, size: number): UploadSession {
    const session: Session = {
      uploadId: randomBytes(16).toString('hex').toUpperCase(),
      driveId: entry.driveId,
      fileId: entry.fileId,
      revisionId: entry.revisionId,
      size,
      createdAt: this.#options.now(),
      parts: [],
      hash: createHash('sha1'),
      isComplete: false,
    };
    this.#sessions.set(session.uploadId, session);
    return session;
  }

  /** The session of a file that was whole at once: completing it is harmless. */
  beginComplete(entry: StoredEntry, size: number): UploadSession {
    const session = this.begin(entry, size) as Session;
    session.isComplete = true;
    return session;
  }

  /** One that is neither too old nor abandoned. */
  find(uploadId: string, driveId: string, fileId: string): UploadSession | undefined {
    this.#dropOld();
    const session = this.#sessions.get(uploadId);
    return session?.driveId === driveId && session.fileId === fileId ? session : undefined;
  }

  /** @param hash SHA-1 of all parts with this one. */
  addPart(session: UploadSession, part: UploadedPart, hash: Hash): void {
    const own = this.#sessions.get(session.uploadId);
    if (!own) return;
    own.parts = [...own.parts, part];
    own.hash = hash;
  }

  /** The parts become the file's content; the session stays, so that completing it again does nothing. */
  complete(session: UploadSession, entry: StoredEntry): StoredEntry {
    const { store } = this.#options;
    const own = this.#sessions.get(session.uploadId);
    const content = piecesContent(session.parts, session.hash.copy().digest('hex').toUpperCase());
    this.#pieces.set(content, session.parts);
    if (own) Object.assign(own, { isComplete: true, parts: [] });
    return entry.uploadingBytes === undefined ? store.replaceContent(entry, content) : store.publish(entry, content);
  }

  /** Ends what waits for an entry that goes away. */
  abandon({ driveId, fileId }: Pick<StoredEntry, 'driveId' | 'fileId'>): void {
    for (const session of this.#sessions.values()) {
      if (session.driveId === driveId && session.fileId === fileId) this.#end(session);
    }
  }

  /** How many are neither complete nor dead. */
  get openCount(): number {
    this.#dropOld();
    return [...this.#sessions.values()].filter((session) => !session.isComplete).length;
  }

  async close(): Promise<void> {
    this.#sessions.clear();
    await this.files.close();
  }

  #dropOld(): void {
    const ttlMs = this.#options.ttlMs();
    if (ttlMs === null) return;
    const before = this.#options.now() - ttlMs;
    for (const session of this.#sessions.values()) {
      if (session.createdAt >= before) break;
      if (!session.isComplete) this.#end(session);
    }
  }

  #end(session: Session): void {
    this.#sessions.delete(session.uploadId);
    for (const part of session.parts) void this.files.drop(part);
    const entry = this.#options.store.find(session.driveId, session.fileId);
    if (entry?.uploadingBytes !== undefined) this.#options.store.delete(entry);
  }

  /** Contents that no entry has lose their bytes, and with them the chance of a rapid upload. */
  #releaseUnheld(): Piece[] {
    const { store, known } = this.#options;
    const held = store.heldContents();
    const gone = new Map([...this.#pieces].filter(([content]) => !held.has(content)));
    store.forgetReplaced();
    known.forget(new Set(gone.keys()));
    for (const content of gone.keys()) this.#pieces.delete(content);
    return [...gone.values()].flat();
  }
}
