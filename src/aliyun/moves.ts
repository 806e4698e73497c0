import type { Target } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import type { Lookup } from './lookup.ts';
import type { Placement } from './placement.ts';

/** How a dialect brings an entry to another name or folder, and one in the place of another. */
export interface Moves {
  /** See `WriteDrive.move`. */
  move(entry: Entry, target: Target, signal?: AbortSignal): Promise<Entry>;
  /** See `WriteDrive.settleReplaced`. */
  settleReplaced(replaced: Entry, successor: Entry, signal?: AbortSignal): Promise<void>;
}

export interface MovesDeps {
  readonly placement: Placement;
  readonly lookup: Lookup;
  trash(entry: EntryKey, signal?: AbortSignal): Promise<void>;
}

export function standsAt(entry: Entry, target: Target): boolean {
  return entry.parentId === target.parent.id && entry.name === target.name;
}

/** Whether a later try of the same may succeed. */
export function isPassing(error: DriveError): boolean {
  return error.code === 'unavailable' || error.code === 'throttled';
}

/** What a move ends with that stopped between its calls, whatever stopped it: it is to be brought to its end later. */
export function halfDone(cause: unknown): DriveError {
  const retryAfterMs = isDriveError(cause) ? cause.retryAfterMs : undefined;
  return new DriveError('unavailable', 'AliyunDrive has done only a part of this move.', { cause, retryAfterMs });
}
