import type { Entry } from './entry.ts';

/** What a write of ours did to folders, each entry under the drive, parent and id that it had or has. */
export interface Change {
  /** No longer in their folders: moved away, replaced or deleted. */
  readonly removed: readonly Entry[];
  /** Now in their folders, as they are. */
  readonly placed: readonly Entry[];
}

/** Takes note of a change at once, for every reader from here on; resolves when it would survive a crash. */
export type OnChanged = (change: Change) => Promise<void>;
