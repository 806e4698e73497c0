import type { Readable } from 'node:stream';
import type { Entry, EntryKey } from './entry.ts';

/** One of an account's drives. */
export interface DriveInfo {
  readonly driveId: string;
  readonly role: 'default' | 'backup' | 'resource';
}

/** Who is signed in. Ids and names may be shown to the owner; nothing here is secret. */
export interface AccountInfo {
  readonly userId: string;
  readonly nickName: string;
  /** Without repetition: `default` and `backup` of one id are listed once, as `backup`. */
  readonly drives: readonly DriveInfo[];
}

export interface Quota {
  readonly usedBytes: number;
  /** undefined: the service sets no limit. */
  readonly totalBytes: number | undefined;
}

/** One answer of a paged listing, ordered by `createdAt` ascending. */
export interface Page {
  readonly entries: readonly Entry[];
  /** Empty when this was the last page; a short or empty page alone ends nothing. */
  readonly nextMarker: string;
}

/** A signed URL: whoever has it can read the file, so it is logged nowhere. */
export interface DownloadLink {
  readonly url: string;
  /** Epoch ms, from the URL itself and never from what was asked for. */
  readonly expiresAt: number;
  /** The signature covers a Referer of the service's own, so a client cannot be redirected to it. */
  readonly refererRequired: boolean;
}

/** Where a file's bytes are: one link, or one link a stream for a live photo. */
export type Download =
  | { readonly kind: 'file'; readonly link: DownloadLink }
  | { readonly kind: 'live-photo'; readonly streams: readonly LiveStreamLink[] };

export interface LiveStreamLink {
  readonly extension: string;
  readonly sizeBytes: number;
  readonly link: DownloadLink;
}

/** Byte positions as in RFC 9110 §14.1.2: both inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** An account's drives, addressed by id: the port that a dialect of the service fulfils. */
export interface Drive extends ReadDrive, WriteDrive {}

/** Every method costs one network call, after its wait for a turn, and rejects with a `DriveError` alone. */
export interface ReadDrive {
  /** Asks for one page of a folder; `marker` is empty for the first. */
  listPage(folder: EntryKey, marker: string, signal?: AbortSignal): Promise<Page>;
  /** Also finds what is in the recycle bin (`trashed`). */
  fetchEntry(key: EntryKey, signal?: AbortSignal): Promise<Entry>;
  fetchAccount(signal?: AbortSignal): Promise<AccountInfo>;
  fetchQuota(signal?: AbortSignal): Promise<Quota>;
  /** Rejects with `blocked` when the service would hand out a placeholder. */
  fetchDownload(entry: Entry, signal?: AbortSignal): Promise<Download>;
  /**
   * Opens a body at the storage host, outside the pacing of API calls.
   * The stream yields exactly the range's bytes or fails with a `DriveError`; destroying it closes the connection at once.
   */
  openRange(link: DownloadLink, range: ByteRange, signal?: AbortSignal): Promise<Readable>;
}

/** The writing half. Declared so that callers take its shape into account; no dialect fulfils it yet. */
export interface WriteDrive {
  /** Succeeds with the existing folder when one of that name is there. */
  createFolder(parent: EntryKey, name: string, signal?: AbortSignal): Promise<CreatedFolder>;
  createFile(request: CreateFileRequest, signal?: AbortSignal): Promise<CreatedFile>;
  /** Sends parts one after another in ascending order; renews part URLs past their hour by itself. */
  putPart(session: UploadSession, part: UploadPart, body: Readable, signal?: AbortSignal): Promise<void>;
  listUploadedParts(session: UploadSession, signal?: AbortSignal): Promise<readonly UploadedPart[]>;
  /**
   * Makes the content visible, in place of `session.replaces` where that is set: at no instant is there no file.
   * The web API swaps at complete; with the open API the old entry goes to the bin afterwards, by its id.
   */
  completeUpload(session: UploadSession, signal?: AbortSignal): Promise<Entry>;
  /** Forgets an unfinished upload and frees what it holds, past the bin. */
  abandonUpload(session: UploadSession, signal?: AbortSignal): Promise<void>;
  /** Renames within its folder; rejects with `already-exists` rather than make a second entry of that name. */
  rename(entry: Entry, name: string, signal?: AbortSignal): Promise<Entry>;
  /** Moves and renames in as few native calls as the dialect allows; resolves when an asynchronous task has ended. */
  move(entry: Entry, target: Target, signal?: AbortSignal): Promise<Entry>;
  copy(entry: Entry, target: Target, signal?: AbortSignal): Promise<Entry>;
  /** To the recycle bin; already gone counts as done. */
  trash(entry: EntryKey, signal?: AbortSignal): Promise<void>;
  /** Past the recycle bin; already gone counts as done. */
  deleteForGood(entry: EntryKey, signal?: AbortSignal): Promise<void>;
}

export interface Target {
  readonly parent: EntryKey;
  readonly name: string;
  /** Gives way to the entry that arrives, safely at every step. */
  readonly replaces?: Entry | undefined;
}

export type CreatedFolder =
  | { readonly outcome: 'created'; readonly key: EntryKey }
  | { readonly outcome: 'exists'; readonly key: EntryKey; readonly kind: Entry['kind'] };

export interface CreateFileRequest extends Target {
  readonly sizeBytes: number;
  readonly partSizeBytes: number;
  /** Lets the service skip the transfer when it already has the content. */
  readonly fingerprint?: Fingerprint | undefined;
}

/** SHA-1 hex digests; the proof is read where the service asks, from bytes that stay with the caller. */
export type Fingerprint =
  | { readonly kind: 'pre-hash'; readonly preHash: string }
  | {
      readonly kind: 'content-hash';
      readonly contentHash: string;
      readProof(range: ByteRange): Promise<Uint8Array>;
    };

export type CreatedFile =
  | { readonly outcome: 'upload'; readonly session: UploadSession }
  /** Content known to the service: the file is complete. */
  | { readonly outcome: 'instant'; readonly entry: Entry }
  /** Nothing was created: hash the whole content and ask again. */
  | { readonly outcome: 'pre-hash-matched' }
  | { readonly outcome: 'exists'; readonly key: EntryKey };

/** An upload under way; a plain value, so that a journal can hold it. */
export interface UploadSession extends EntryKey {
  readonly parentId: string;
  readonly name: string;
  readonly uploadId: string;
  readonly sizeBytes: number;
  readonly partSizeBytes: number;
  readonly replaces: Entry | undefined;
}

export interface UploadPart {
  /** From 1. */
  readonly number: number;
  readonly sizeBytes: number;
}

export interface UploadedPart extends UploadPart {
  readonly etag: string;
}
