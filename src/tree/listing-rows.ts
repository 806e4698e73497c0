import type { Entry, EntryKey, LiveStream } from '../drive/entry.ts';

/** What few entries have, or have otherwise than their folder's other ones. */
interface Rarities {
  readonly driveId?: string;
  readonly parentId?: string;
  readonly liveStreams?: readonly LiveStream[];
  readonly blockedReason?: string;
  readonly trashed?: true;
}

/** An entry of a folder as it is stored, at a third less than its JSON: 0 stands for what it does not have. */
export type EntryRow = readonly [
  id: string,
  name: string,
  isFile: 0 | 1,
  sizeBytes: number,
  createdAt: number,
  updatedAt: number,
  contentHash: string | 0,
  mimeType: string | 0,
  rarities?: Rarities,
];

export function formatRow(folder: EntryKey, entry: Entry): EntryRow {
  const { driveId, parentId, liveStreams, blockedReason } = entry;
  const rarities: Rarities = {
    ...(driveId !== folder.driveId && { driveId }),
    ...(parentId !== folder.id && { parentId }),
    ...(liveStreams && { liveStreams }),
    ...(blockedReason !== undefined && { blockedReason }),
    ...(entry.trashed && { trashed: true as const }),
  };
  const row = [
    entry.id,
    entry.name,
    entry.kind === 'file' ? 1 : 0,
    entry.sizeBytes,
    entry.createdAt,
    entry.updatedAt,
    entry.contentHash ?? 0,
    entry.mimeType ?? 0,
  ] as const;
  return Object.keys(rarities).length > 0 ? [...row, rarities] : row;
}

/**
 * Rows of one folder back as entries, which hold one copy of equal ids and media types between them.
 * @throws Error for what no version of this program that we know has stored
 */
export function createRowParser(folder: EntryKey): (row: unknown) => Entry {
  const mimeTypes = new Map<string, string>();
  const share = (mimeType: string): string => {
    const known = mimeTypes.get(mimeType);
    if (known === undefined) mimeTypes.set(mimeType, mimeType);
    return known ?? mimeType;
  };
  return (row) => {
    if (!isRow(row)) throw new Error('A stored listing has something in it that is no entry.');
    const [id, name, isFile, sizeBytes, createdAt, updatedAt, contentHash, mimeType, rarities = {}] = row;
    return {
      driveId: rarities.driveId ?? folder.driveId,
      id,
      parentId: rarities.parentId ?? folder.id,
      name,
      kind: isFile ? 'file' : 'folder',
      sizeBytes,
      createdAt,
      updatedAt,
      contentHash: contentHash === 0 ? undefined : contentHash,
      mimeType: mimeType === 0 ? undefined : share(mimeType),
      liveStreams: rarities.liveStreams,
      blockedReason: rarities.blockedReason,
      trashed: rarities.trashed === true,
    };
  };
}

function isRow(row: unknown): row is EntryRow {
  if (!Array.isArray(row)) return false;
  const [id, name, isFile, sizeBytes, createdAt, updatedAt, contentHash, mimeType, rarities = {}]: unknown[] = row;
  return (
    typeof id === 'string' &&
    typeof name === 'string' &&
    (isFile === 0 || isFile === 1) &&
    Number.isFinite(sizeBytes) &&
    Number.isFinite(createdAt) &&
    Number.isFinite(updatedAt) &&
    (contentHash === 0 || typeof contentHash === 'string') &&
    (mimeType === 0 || typeof mimeType === 'string') &&
    typeof rarities === 'object' &&
    rarities !== null
  );
}
