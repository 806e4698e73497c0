import type { Entry } from '../drive/entry.ts';
import { formatKey, type QName } from './xml.ts';

/** A property that the server keeps for its clients without a meaning of its own (RFC 4918 §4). */
export interface DeadProperty extends QName {
  /** The whole element, standing by itself. */
  readonly xml: string;
}

/**
 * When a client says that the content was modified, which the service cannot store. It holds as long as the content stays the
 * same: of a file that has no hash, as long as nothing about it changes; of a folder, always.
 */
interface RememberedTime {
  /** Epoch ms. */
  readonly at: number;
  /** `contentHash`, or what takes its place. */
  readonly content: string;
}

/** What clients have said of an entry. */
export interface PropertyRecord {
  readonly properties: readonly DeadProperty[];
  readonly modified: RememberedTime | undefined;
}

export type PropertyChange =
  | { readonly kind: 'set'; readonly property: DeadProperty }
  | { readonly kind: 'remove'; readonly name: QName }
  /** undefined: what the service says, again. */
  | { readonly kind: 'modified-at'; readonly at: number | undefined };

export const EMPTY_RECORD: PropertyRecord = { properties: [], modified: undefined };

/** Explorer's copy of the modification time, which it believes more than `getlastmodified`. */
export const WIN32_MODIFIED: QName = { namespace: 'urn:schemas-microsoft-com:', name: 'Win32LastModifiedTime' };

const WIN32_MODIFIED_KEY = formatKey(WIN32_MODIFIED);

/** Applies changes in their order; the record itself stays as it is. */
export function applyChanges(
  entry: Entry,
  record: PropertyRecord | undefined,
  changes: readonly PropertyChange[],
): PropertyRecord {
  const properties = new Map((record?.properties ?? []).map((property) => [formatKey(property), property]));
  let modified = record?.modified;
  for (const change of changes) {
    switch (change.kind) {
      case 'set':
        properties.set(formatKey(change.property), change.property);
        break;
      case 'remove':
        properties.delete(formatKey(change.name));
        break;
      case 'modified-at':
        // What Explorer has said of the time before is no longer so.
        properties.delete(WIN32_MODIFIED_KEY);
        modified = change.at === undefined ? undefined : { at: change.at, content: contentOf(entry) };
        break;
    }
  }
  return { properties: [...properties.values()], modified };
}

/** Epoch ms: the time that a client gave this content, else the service's. */
export function modifiedAtOf(entry: Entry, record: PropertyRecord | undefined): number {
  return record?.modified && isCurrent(entry, record.modified) ? record.modified.at : entry.updatedAt;
}

/** The dead properties to be shown; Explorer's modification time goes with the content that it was given for. */
export function visibleProperties(entry: Entry, record: PropertyRecord | undefined): readonly DeadProperty[] {
  if (!record) return EMPTY_RECORD.properties;
  const { properties, modified } = record;
  if (!modified || isCurrent(entry, modified)) return properties;
  return properties.filter((property) => formatKey(property) !== WIN32_MODIFIED_KEY);
}

/**
 * What an entry that took the place of another, or was copied from it, keeps of its record; what was said of the new one
 * already counts more.
 * @param isSameContent known, where no hash tells it
 */
export function inheritRecord(
  from: Entry,
  to: Entry,
  inherited: PropertyRecord,
  own: PropertyRecord | undefined,
  isSameContent: boolean,
): PropertyRecord {
  const sets = own?.properties.map((property): PropertyChange => ({ kind: 'set', property })) ?? [];
  const { properties } = applyChanges(to, inherited, sets);
  return { properties, modified: own?.modified ?? carryTime(from, to, inherited.modified, isSameContent) };
}

function carryTime(
  from: Entry,
  to: Entry,
  modified: RememberedTime | undefined,
  isSameContent: boolean,
): RememberedTime | undefined {
  if (!modified || !isCurrent(from, modified) || !isSameContent) return modified;
  // A file without a hash has changed in its place or time alone.
  return from.contentHash === undefined && to.contentHash === undefined
    ? { at: modified.at, content: contentOf(to) }
    : modified;
}

function isCurrent(entry: Entry, { content }: RememberedTime): boolean {
  return content === contentOf(entry);
}

function contentOf(entry: Entry): string {
  if (entry.kind === 'folder') return 'folder';
  return entry.contentHash?.toUpperCase() ?? `${entry.sizeBytes} ${entry.updatedAt}`;
}
