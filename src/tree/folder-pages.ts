import type { ReadDrive } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';

/** A folder's pages, one call each; throws rather than end short or go round in circles. */
export async function* fetchPages(
  drive: Pick<ReadDrive, 'listPage'>,
  folder: EntryKey,
  signal?: AbortSignal,
): AsyncGenerator<readonly Entry[], void> {
  const markers = new Set<string>();
  for (let marker = ''; ; ) {
    const page = await drive.listPage(folder, marker, signal);
    yield page.entries;
    marker = page.nextMarker;
    if (marker === '') return;
    if (markers.has(marker)) throw new DriveError('unavailable', 'AliyunDrive gave the same page marker twice.');
    markers.add(marker);
  }
}

/** All that the service lists of a folder now, without our memory, our guards and what lives with us alone. */
export async function fetchEntries(
  drive: Pick<ReadDrive, 'listPage'>,
  folder: EntryKey,
  signal?: AbortSignal,
): Promise<readonly Entry[]> {
  const entries = new Map<string, Entry>();
  for await (const page of fetchPages(drive, folder, signal)) {
    for (const entry of page) entries.set(entry.id, entry);
  }
  return [...entries.values()];
}
