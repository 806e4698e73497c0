import type { Fields } from './api-request.ts';
import { apiError, type Dialect } from './errors.ts';
import type { Settings } from './settings.ts';
import type { StoredEntry } from './store/entry.ts';
import { comparePlaces, ORDER_FIELDS, type Order, type Place, toPlace } from './store/order.ts';
import type { Store } from './store/store.ts';

export interface ListPage {
  readonly entries: readonly StoredEntry[];
  /** Empty after the last page. */
  readonly nextMarker: string;
}

/** What is listed; the id tells its markers from those of others. */
interface ListSource {
  readonly id: string;
  list(order: Order): readonly StoredEntry[];
}

interface ListRequest {
  readonly dialect: Dialect;
  readonly source: ListSource;
  readonly limit: number;
  readonly includes: (entry: StoredEntry) => boolean;
}

const WEB_ORDER_FIELDS = ORDER_FIELDS.filter((field) => field !== 'name_enhanced');

export function folderSource(store: Store, folder: StoredEntry): ListSource {
  return { id: folder.fileId, list: (order) => store.list(folder, order) };
}

/** One page of a listing. A marker names the last entry given, so that entries that come and go move no border. */
export function listPage(
  settings: Readonly<Settings>,
  fields: Fields,
  { dialect, source, limit, includes }: ListRequest,
): ListPage {
  const order: Order = {
    field: fields.oneOf('order_by', dialect === 'open' ? ORDER_FIELDS : WEB_ORDER_FIELDS, 'updated_at'),
    direction: fields.oneOf('order_direction', ['ASC', 'DESC'], 'DESC'),
    foldersFirst: settings.foldersFirst,
  };
  const sorted = source.list(order);
  const marker = fields.optionalText('marker');
  let index = marker === undefined ? 0 : indexAfter(sorted, readMarker(dialect, marker, order, source.id), order);
  const most = Math.min(limit, settings.pageMax ?? limit);
  const entries: StoredEntry[] = [];
  for (; index < sorted.length; index++) {
    const entry = sorted[index];
    if (!entry || !includes(entry)) continue;
    const last = entries.at(-1);
    if (last && entries.length === most) return { entries, nextMarker: formatMarker(last, order, source.id) };
    entries.push(entry);
  }
  return { entries, nextMarker: '' };
}

function formatMarker(last: StoredEntry, order: Order, sourceId: string): string {
  const { rank, key, fileId } = toPlace(last, order);
  const parts = [order.field, order.direction, sourceId, rank, key, fileId];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** A marker holds for the list and the order that it came from. */
function readMarker(dialect: Dialect, marker: string, order: Order, sourceId: string): Place {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(marker, 'base64url').toString('utf8'));
  } catch {
    throw apiError(dialect, 'InvalidParameter.Marker');
  }
  if (!Array.isArray(parts)) throw apiError(dialect, 'InvalidParameter.Marker');
  const [field, direction, id, rank, key, fileId]: unknown[] = parts;
  const holds = field === order.field && direction === order.direction && id === sourceId;
  const isPlace = typeof rank === 'number' && typeof fileId === 'string';
  if (!holds || !isPlace || (typeof key !== 'string' && typeof key !== 'number')) {
    throw apiError(dialect, 'InvalidParameter.Marker');
  }
  return { rank, key, fileId };
}

/** Where the first entry behind a place stands: binary search. */
function indexAfter(sorted: readonly StoredEntry[], place: Place, order: Order): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = sorted[middle];
    if (entry && comparePlaces(toPlace(entry, order), place, order) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
