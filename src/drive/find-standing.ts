import type { ReadDrive } from './drive.ts';
import type { Entry, EntryKey } from './entry.ts';
import { isDriveError } from './errors.ts';

/** Looks an entry up by its id. @returns undefined when it is proven to be in no folder: gone, or in the recycle bin */
export async function findStanding(
  drive: Pick<ReadDrive, 'fetchEntry'>,
  { driveId, id }: EntryKey,
  signal?: AbortSignal,
): Promise<Entry | undefined> {
  try {
    const entry = await drive.fetchEntry({ driveId, id }, signal);
    return entry.trashed ? undefined : entry;
  } catch (error) {
    if (isDriveError(error, 'not-found')) return undefined;
    throw error;
  }
}
