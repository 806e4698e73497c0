import type { Entry } from './entry.ts';

/** What a write of ours did to folders, each entry under the drive, parent and id that it had or has. */
export interface Change {
  /** No longer in their folders: moved away, replaced or deleted. */
  readonly removed: readonly Entry[];
  /** Now in their folders, as they are. */
  readonly placed: readonly Entry[];
  /** Where entries have come from, as far as their ids do not tell it. */
  readonly origins?: readonly Origin[];
}

/** What is known of `from` beside the drive is known of `to`: too, where it was copied, and else from now on. */
export interface Origin {
  /** `copied-alone`: a folder without what is in it. */
  readonly how: 'moved' | 'overwritten' | 'copied' | 'copied-alone';
  readonly from: Entry;
  readonly to: Entry;
}

/** Takes note of a change at once, for every reader from here on; resolves when it would survive a crash. */
export type OnChanged = (change: Change) => Promise<void>;
