import { randomUUID } from 'node:crypto';
import { EMPTY_SHA1, type Entry, type EntryKey } from './entry.ts';

/** Ids of the service are hexadecimal, so none begins like this. */
const PREFIX = 'alidav:';

/**
 * What lives with us and not in the drive: `junk`, which is never sent there (`._*`, `.DS_Store`), and `held`, an empty file
 * whose content is expected any moment.
 */
export type LocalKind = 'junk' | 'held';

export interface LocalEntryDetails {
  readonly kind: Entry['kind'];
  readonly at: number;
  readonly sizeBytes?: number;
  readonly contentHash?: string;
}

export function makeLocalEntry(
  local: LocalKind,
  parent: EntryKey,
  name: string,
  { kind, at, sizeBytes = 0, contentHash = EMPTY_SHA1 }: LocalEntryDetails,
): Entry {
  return {
    driveId: parent.driveId,
    id: `${PREFIX}${local}:${randomUUID()}`,
    parentId: parent.id,
    name,
    kind,
    sizeBytes,
    createdAt: at,
    updatedAt: at,
    contentHash: kind === 'file' ? contentHash : undefined,
    mimeType: undefined,
    liveStreams: undefined,
    blockedReason: undefined,
    trashed: false,
  };
}

/** @returns undefined for an entry of the drive */
export function localKindOf({ id }: Pick<EntryKey, 'id'>): LocalKind | undefined {
  if (!id.startsWith(PREFIX)) return undefined;
  return id.startsWith(`${PREFIX}junk:`) ? 'junk' : 'held';
}
