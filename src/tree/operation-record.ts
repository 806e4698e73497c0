import type { StartedCopy, Target } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';

/** A name of a folder as the service has it. */
export interface FolderName {
  readonly folder: EntryKey;
  readonly name: string;
}

/** What readers may see at a name while an operation works there. */
export interface GuardedName extends FolderName {
  readonly visibleId: string | undefined;
}

/** What clients call the places, as far as that was told; records of earlier versions have less of it. */
export interface Paths {
  /** Of the entry, where it is to be gone from there. */
  readonly path?: string | undefined;
  readonly targetPath?: string | undefined;
}

interface RecordBase extends Paths {
  /** When the operation began. */
  readonly at: number;
  readonly guards: readonly GuardedName[];
  /**
   * When the client was told that it failed, without our knowing whether it did. Absent after a kill: then nobody was told
   * anything, and the end is as good as the beginning.
   */
  readonly refusedAt?: number | undefined;
}

export interface RemoveRecord extends RecordBase {
  readonly kind: 'remove';
  readonly entry: Entry;
  readonly forGood: boolean;
}

export interface MoveRecord extends RecordBase {
  readonly kind: 'move';
  readonly entry: Entry;
  readonly target: Target;
  /** Equal-named entries that stood at the target beforehand. */
  readonly knownIds: readonly string[];
}

/** Into another drive, by a call of the service that keeps the name; `target.name` is given afterwards. */
export interface MoveAcrossRecord extends RecordBase {
  readonly kind: 'move-across';
  readonly entry: Entry;
  readonly target: Target;
  readonly knownIds: readonly string[];
  readonly made?: StartedCopy | undefined;
}

/** Into another drive, through us; the source goes only when its content is known to be there. */
export interface RelayRecord extends RecordBase {
  readonly kind: 'relay-move';
  readonly entry: Entry;
  readonly target: Target;
  readonly knownIds: readonly string[];
}

export interface CopyRecord extends RecordBase {
  readonly kind: 'copy';
  readonly entry: Entry;
  readonly target: Target;
  /** The folder alone, without what is in it. */
  readonly bare: boolean;
  /** Whatever the service calls the copy at first, it is one of these, in the target's folder. */
  readonly arrivalNames: readonly string[];
  readonly knownIds: readonly string[];
  readonly made?: StartedCopy | undefined;
}

/** All is done but for the entry that gave way, which still stands beside its successor. */
export interface SettleRecord extends RecordBase {
  readonly kind: 'settle';
  readonly replaced: Entry;
  readonly successor: Entry;
}

/** What we made and gave up. */
interface DiscardRecord extends RecordBase {
  readonly kind: 'discard';
  readonly made: Entry;
}

/** What a crash must not lose of an operation; a plain value without secrets. */
export type OperationRecord =
  | RemoveRecord
  | MoveRecord
  | MoveAcrossRecord
  | RelayRecord
  | CopyRecord
  | SettleRecord
  | DiscardRecord;

/** The names that nobody else may write to while a record is being settled. */
export function namesOf(record: OperationRecord): FolderName[] {
  const guarded = record.guards.map(({ folder, name }) => ({ folder, name }));
  switch (record.kind) {
    case 'remove':
      return [...guarded, placeOf(record.entry)];
    case 'move':
    case 'move-across':
    case 'relay-move':
      return [...guarded, placeOf(record.entry), toFolderName(record.target)];
    case 'copy':
      return [...guarded, toFolderName(record.target)];
    case 'settle':
      return [...guarded, placeOf(record.successor)];
    case 'discard':
      return guarded;
  }
}

/** The entries as they were when the operation began. */
export function entriesOf(record: OperationRecord): readonly Entry[] {
  if (record.kind === 'settle') return [record.successor];
  if (record.kind === 'discard') return [];
  const replaced = record.kind === 'remove' ? undefined : record.target.replaces;
  return replaced ? [record.entry, replaced] : [record.entry];
}

export function placeOf({ driveId, parentId, name }: Entry): FolderName {
  return { folder: { driveId, id: parentId }, name };
}

export function toFolderName({ parent: { driveId, id }, name }: Target): FolderName {
  return { folder: { driveId, id }, name };
}

function isSameFolder(one: EntryKey, other: EntryKey): boolean {
  return one.driveId === other.driveId && one.id === other.id;
}

export function isSameName(one: FolderName, other: FolderName): boolean {
  return one.name === other.name && isSameFolder(one.folder, other.folder);
}

export function standsAt(entry: Entry, place: FolderName): boolean {
  return isSameName(placeOf(entry), place);
}

/** As far as the service tells: a missing hash contradicts nothing. */
export function mayBeSameContent(one: Entry, other: Entry): boolean {
  if (one.kind !== other.kind) return false;
  if (one.kind === 'folder') return true;
  const areHashesEqual = !one.contentHash || !other.contentHash || one.contentHash === other.contentHash;
  return one.sizeBytes === other.sizeBytes && areHashesEqual;
}

/** Proven for files; never for folders. */
export function isSameContent(one: Entry, other: Entry): boolean {
  return (
    one.kind === 'file' &&
    one.contentHash !== undefined &&
    other.contentHash !== undefined &&
    mayBeSameContent(one, other)
  );
}
