/** Names an entry. Every drive has a tree of its own and every root's id is literally `root`, so an id alone names nothing. */
export interface EntryKey {
  readonly driveId: string;
  readonly id: string;
}

/** The id that every drive gives its root folder. */
export const ROOT_ID = 'root';

/** A file or folder of a drive, as the service stores it: the name is unmapped and may hold any character. */
export interface Entry extends EntryKey {
  readonly parentId: string;
  readonly name: string;
  readonly kind: 'file' | 'folder';
  /** Content length; 0 for a folder. For a live photo: the length of the zip that delivers it, once its streams are known. */
  readonly sizeBytes: number;
  /** Server time, epoch ms. */
  readonly createdAt: number;
  /** Server time, epoch ms; changes with content, name and place. */
  readonly updatedAt: number;
  /** SHA-1, 40 upper-case hex digits; absent for folders and live photos. */
  readonly contentHash: string | undefined;
  readonly mimeType: string | undefined;
  /** Set for a live photo (`.livp`), which has no content of its own. */
  readonly liveStreams: readonly LiveStream[] | undefined;
  /** Set when the service withholds the content, with its reason for people. */
  readonly blockedReason: string | undefined;
  /** In the recycle bin: found by id, listed nowhere. */
  readonly trashed: boolean;
}

/** One of the streams (still picture, film) of a live photo. */
export interface LiveStream {
  /** File extension without the dot: `heic`, `jpeg`, `mov`. */
  readonly extension: string;
  readonly sizeBytes: number;
}

/** The `contentHash` of an empty file. */
export const EMPTY_SHA1 = 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709';
