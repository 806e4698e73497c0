import type { Content } from './content.ts';

/** How the service withholds a file: no link, a link to its placeholder, or a placeholder that this storage host serves. */
export type Punishment = 'no-link' | 'placeholder' | 'substitute';

/** A file or folder as it is now; a change makes another object. */
export interface StoredEntry {
  readonly driveId: string;
  readonly fileId: string;
  /** Empty for the root. */
  readonly parentFileId: string;
  readonly name: string;
  readonly type: 'file' | 'folder';
  /** Epoch ms, like every instant here. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly trashedAt: number | undefined;
  /** The announced size of a file whose bytes are still being sent, which no listing shows; undefined for whole ones. */
  readonly uploadingBytes: number | undefined;
  /** Names the object at the storage host; another content has another one. */
  readonly revisionId: string;
  /** undefined for folders and live photos. */
  readonly content: Content | undefined;
  /** The streams of a live photo by extension (`heic`, `jpeg`, `mov`). */
  readonly streams: Readonly<Record<string, Content>> | undefined;
  readonly punishment: Punishment | undefined;
  readonly starred: boolean;
  readonly hidden: boolean;
}

export const ROOT_ID = 'root';

export function sizeOf(entry: StoredEntry): number {
  if (entry.streams) return Object.values(entry.streams).reduce((sum, stream) => sum + stream.size, 0);
  return entry.content?.size ?? 0;
}

/** Lower case, without the dot; empty where the name has none. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
}
