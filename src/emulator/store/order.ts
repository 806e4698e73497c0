import { type StoredEntry, sizeOf } from './entry.ts';

export const ORDER_FIELDS = ['name', 'size', 'created_at', 'updated_at', 'name_enhanced'] as const;
type OrderField = (typeof ORDER_FIELDS)[number];

export interface Order {
  readonly field: OrderField;
  readonly direction: 'ASC' | 'DESC';
  readonly foldersFirst: boolean;
}

/** Where an entry stands in an order; also what a marker remembers of the last entry of a page. */
export interface Place {
  readonly rank: number;
  readonly key: string | number;
  readonly fileId: string;
}

const NATURAL = new Intl.Collator('en', { numeric: true });

export function toPlace(entry: StoredEntry, order: Order): Place {
  return {
    rank: order.foldersFirst && entry.type === 'file' ? 1 : 0,
    key: toKey(entry, order.field),
    fileId: entry.fileId,
  };
}

/** Total: entries of equal key stand by their id, so that no page border falls between two equals. */
export function comparePlaces(left: Place, right: Place, order: Order): number {
  if (left.rank !== right.rank) return left.rank - right.rank;
  const byKey = compareKeys(left.key, right.key, order.field);
  if (byKey !== 0) return order.direction === 'ASC' ? byKey : -byKey;
  return left.fileId < right.fileId ? -1 : left.fileId > right.fileId ? 1 : 0;
}

export function sortEntries(entries: Iterable<StoredEntry>, order: Order): StoredEntry[] {
  const placed = Array.from(entries, (entry) => ({ entry, place: toPlace(entry, order) }));
  return placed.sort((left, right) => comparePlaces(left.place, right.place, order)).map(({ entry }) => entry);
}

function compareKeys(left: string | number, right: string | number, field: OrderField): number {
  if (field === 'name_enhanced') return NATURAL.compare(String(left), String(right));
  return left < right ? -1 : left > right ? 1 : 0;
}

function toKey(entry: StoredEntry, field: OrderField): string | number {
  switch (field) {
    case 'size':
      return sizeOf(entry);
    case 'created_at':
      return entry.createdAt;
    case 'updated_at':
      return entry.updatedAt;
    default:
      return entry.name;
  }
}
