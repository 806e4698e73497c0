import type { Readable } from 'node:stream';
import type { CallSignal } from './call-signal.ts';
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

/**
 * Every method costs one network call, after its wait for a turn, and rejects with a `DriveError` alone. A call under the
 * signal of a `Background` waits for its turn behind those of people.
 */
export interface ReadDrive {
  /** Asks for one page of a folder; `marker` is empty for the first. */
  listPage(folder: EntryKey, marker: string, signal?: CallSignal): Promise<Page>;
  /** Also finds what is in the recycle bin (`trashed`). */
  fetchEntry(key: EntryKey, signal?: CallSignal): Promise<Entry>;
  fetchAccount(signal?: CallSignal): Promise<AccountInfo>;
  fetchQuota(signal?: CallSignal): Promise<Quota>;
  /** Rejects with `blocked` when the service would hand out a placeholder. */
  fetchDownload(entry: Entry, signal?: CallSignal): Promise<Download>;
  /**
   * Opens a body at the storage host, outside the pacing of API calls.
   * The stream yields exactly the range's bytes or fails with a `DriveError`; destroying it closes the connection at once.
   */
  openRange(link: DownloadLink, range: ByteRange, signal?: CallSignal): Promise<Readable>;
}

/**
 * The writing half. Where an answer is lost (reset, time-out, 5xx) a method looks up what became of the call before it
 * repeats it, so that nothing is done twice; a `DriveError` `unavailable` says that even this could not be found out.
 * Names are the service's own, unmapped.
 */
export interface WriteDrive {
  /** Succeeds with the existing entry when one of that name is there. */
  createFolder(parent: EntryKey, name: string, signal?: CallSignal): Promise<CreatedFolder>;
  /** Rejects with `name-refused`, `quota-exhausted`, `too-large`, `not-found` or `not-a-folder` (the parent). */
  createFile(request: CreateFileRequest, signal?: CallSignal): Promise<CreatedFile>;
  /**
   * Sends one part; parts go one after another in ascending order. A part that is there already counts as sent; a URL past
   * its hour is renewed. Rejects with `part-out-of-order` when the service has fewer or more parts than it should.
   * @param open yields the part's bytes from its first one; called again for every try
   */
  putPart(session: UploadSession, part: UploadPart, open: () => Readable, signal?: CallSignal): Promise<void>;
  /** In ascending order. */
  listUploadedParts(session: UploadSession, signal?: CallSignal): Promise<readonly UploadedPart[]>;
  /**
   * Makes the content visible, in place of `session.replaces` where that is set: at no instant is there no file.
   * The web API swaps at complete. With the open API the new entry then stands beside the old one, which `settleReplaced`
   * sends to the bin. Completing twice is harmless.
   */
  completeUpload(session: UploadSession, signal?: CallSignal): Promise<Entry>;
  /** Forgets an unfinished upload and frees what it holds, past the bin; never touches `session.replaces`. */
  abandonUpload(session: UploadSession, signal?: CallSignal): Promise<void>;
  /** Whether a new file takes another's place in one step, so that the two never stand beside each other. */
  swapsInPlace(signal?: CallSignal): Promise<boolean>;
  /**
   * Ends a replacement: the entry that gave way goes to the bin if it still stands beside its successor. Does nothing where
   * the service swapped by itself, so it may be called again after a crash.
   */
  settleReplaced(replaced: Entry, successor: Entry, signal?: CallSignal): Promise<void>;
  /**
   * Moves and renames within a drive in as few native calls as the dialect allows, safely at every step; the entry that gives
   * way still needs `settleReplaced`. Starting from any step of an interrupted move of the same kind, it brings that to its end.
   * Rejects with `already-exists` rather than make a second entry of that name where nothing is to be replaced.
   */
  move(entry: Entry, target: Target, signal?: CallSignal): Promise<Entry>;
  /**
   * Begins to copy into a folder of the same drive, under `name` where the dialect can, else under the source's own name,
   * also beside an entry of that name. A folder's children follow until `awaitTask` resolves.
   */
  startCopy(entry: Entry, parent: EntryKey, name: string, signal?: CallSignal): Promise<StartedCopy>;
  /** As `startCopy`, or `move` that keeps the name, into another drive of the account; rejects with `unsupported` where the dialect has no such call. */
  copyAcross(entry: Entry, parent: EntryKey, signal?: CallSignal): Promise<StartedCopy>;
  moveAcross(entry: Entry, parent: EntryKey, signal?: CallSignal): Promise<StartedCopy>;
  /** Resolves when an asynchronous task of the service has succeeded; rejects with `task-failed` when it has not, also in part. */
  awaitTask(taskId: string, signal?: CallSignal): Promise<void>;
  /** To the recycle bin, a folder with all that is below it; already gone counts as done. */
  trash(entry: EntryKey, signal?: CallSignal): Promise<void>;
  /** Past the recycle bin; already gone counts as done. */
  deleteForGood(entry: EntryKey, signal?: CallSignal): Promise<void>;
}

export interface Target {
  readonly parent: EntryKey;
  readonly name: string;
  /** Gives way to the entry that arrives. */
  readonly replaces?: Entry | undefined;
}

export interface StartedCopy {
  readonly key: EntryKey;
  /** Set while the service still works on it. */
  readonly taskId: string | undefined;
}

export type CreatedFolder =
  | { readonly outcome: 'created'; readonly entry: Entry }
  | { readonly outcome: 'exists'; readonly key: EntryKey; readonly kind: Entry['kind'] };

export interface CreateFileRequest extends Target {
  readonly sizeBytes: number;
  /** Every part but the last has this size; at least 100 KiB, and large enough for 10,000 parts to do. */
  readonly partSizeBytes: number;
  /** Lets the service skip the transfer when it already has the content. */
  readonly fingerprint?: Fingerprint | undefined;
}

/** SHA-1 hex digests; the proof is read where the service asks, from bytes that stay with the caller. */
export type Fingerprint =
  /** Of the first KiB: asks whether hashing the whole is worth it. */
  | { readonly kind: 'pre-hash'; readonly preHash: string }
  | {
      readonly kind: 'content-hash';
      readonly contentHash: string;
      /** 1 to 8 bytes. */
      readProof(range: ByteRange): Promise<Uint8Array>;
    };

export type CreatedFile =
  | { readonly outcome: 'upload'; readonly session: UploadSession }
  /** Content known to the service: the file is complete, beside the one it replaces or in its place. */
  | { readonly outcome: 'instant'; readonly entry: Entry }
  /** Nothing was created: hash the whole content and ask again. */
  | { readonly outcome: 'pre-hash-matched' }
  | { readonly outcome: 'exists'; readonly key: EntryKey };

/** An upload under way; a plain value without secrets, so that a journal can hold it. */
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
