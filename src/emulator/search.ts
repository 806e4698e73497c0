import type { Fields } from './api-request.ts';
import { type Dialect, invalidField } from './errors.ts';
import { below, requestedDrive } from './lookup.ts';
import { parseQuery } from './query.ts';
import type { StoredEntry } from './store/entry.ts';
import { ORDER_FIELDS, type Order, sortEntries } from './store/order.ts';
import type { World } from './world.ts';

export interface SearchPage {
  readonly entries: readonly StoredEntry[];
  readonly nextMarker: string;
  readonly totalCount: number;
}

/** Searches one drive; unlike a listing the result is not grouped, and the marker is a mere offset with the query. */
export function searchPage(world: World, dialect: Dialect, fields: Fields, mostEntries: number): SearchPage {
  const driveId = requestedDrive(world, dialect, fields);
  const limit = fields.integer('limit', 50);
  if (limit < 1 || limit > mostEntries) throw invalidField('limit', `limit should be 1 to ${mostEntries}`);
  const { query, order, offset } = readPosition(fields);
  const matches = parseQuery(query);
  const found = [...below(world, world.store.root(driveId))].filter(matches);
  const [field = 'updated_at', direction = 'DESC'] = (order.split(',')[0] ?? '').trim().split(/\s+/);
  const sorting: Order = {
    field: ORDER_FIELDS.find((name) => name === field) ?? 'updated_at',
    direction: direction.toUpperCase() === 'ASC' ? 'ASC' : 'DESC',
    foldersFirst: false,
  };
  const sorted = sortEntries(found, sorting);
  const next = offset + limit;
  return {
    entries: sorted.slice(offset, next),
    nextMarker: next < found.length ? encode({ query, order, offset: next }) : '',
    totalCount: found.length,
  };
}

interface Position {
  readonly query: string;
  readonly order: string;
  readonly offset: number;
}

/** The query is ignored when a marker is sent: the marker carries it. */
function readPosition(fields: Fields): Position {
  const marker = fields.optionalText('marker');
  if (marker === undefined) {
    return { query: fields.optionalText('query') ?? '', order: fields.optionalText('order_by') ?? '', offset: 0 };
  }
  try {
    const [query, order, offset]: unknown[] = JSON.parse(Buffer.from(marker, 'base64url').toString('utf8'));
    return { query: String(query), order: String(order), offset: Number(offset) };
  } catch {
    throw invalidField('marker', '');
  }
}

function encode({ query, order, offset }: Position): string {
  return Buffer.from(JSON.stringify([query, order, offset])).toString('base64url');
}
