import type { Punishment, StoredEntry } from './entry.ts';
import type { EntryOptions, Store } from './store.ts';

const MOST_COPIES = 100_000;
const PUNISHMENTS: readonly Punishment[] = ['no-link', 'placeholder', 'substitute'];

/**
 * Puts an entry into a drive as JSON tells: `{drive_id, parent_file_id?, name, …}` with one of `text`, `base64`,
 * `sparse_size`, `streams` (extension to base64) for a file, or none for a folder; `count` makes copies, numbered where the name has `#`.
 * @returns the last entry's `file_id`.
 * @throws Error naming what is missing.
 */
export function plant(store: Store, json: Readonly<Record<string, unknown>>): { readonly file_id: string } {
  const driveId = textOf(json, 'drive_id');
  const parent = store.find(driveId, json.parent_file_id === undefined ? 'root' : textOf(json, 'parent_file_id'));
  if (parent?.type !== 'folder') throw new Error('There is no such folder.');
  const name = textOf(json, 'name');
  const count = json.count === undefined ? 1 : Number(json.count);
  if (!Number.isInteger(count) || count < 1 || count > MOST_COPIES) {
    throw new Error(`count must be a whole number from 1 to ${MOST_COPIES}.`);
  }
  let entry: StoredEntry | undefined;
  for (let index = 1; index <= count; index++) {
    entry = plantOne(store, parent, count === 1 ? name : name.replace('#', String(index).padStart(5, '0')), json);
  }
  return { file_id: entry?.fileId ?? '' };
}

function plantOne(
  store: Store,
  parent: StoredEntry,
  name: string,
  json: Readonly<Record<string, unknown>>,
): StoredEntry {
  const options = readOptions(json);
  if (json.streams !== undefined) {
    const streams = Object.entries(Object(json.streams)).map(([extension, data]) => [
      extension,
      Buffer.from(String(data), 'base64'),
    ]);
    return store.addLivePhoto(parent, name, Object.fromEntries(streams), options);
  }
  if (json.sparse_size !== undefined) {
    const size = Number(json.sparse_size);
    if (!Number.isSafeInteger(size) || size < 0) throw new Error('sparse_size must be a number of bytes.');
    return store.addSparseFile(parent, name, size, options);
  }
  if (json.base64 !== undefined) {
    return store.addFile(parent, name, Buffer.from(textOf(json, 'base64'), 'base64'), options);
  }
  if (json.text !== undefined) return store.addFile(parent, name, String(json.text), options);
  return store.addFolder(parent, name, options);
}

function readOptions(json: Readonly<Record<string, unknown>>): EntryOptions {
  const punishment = PUNISHMENTS.find((word) => word === json.punishment);
  if (json.punishment !== undefined && !punishment) {
    throw new Error(`punishment must be one of ${PUNISHMENTS.join(', ')}.`);
  }
  const [createdAt, updatedAt] = [json.created_at, json.updated_at].map((value) =>
    value === undefined ? undefined : Date.parse(String(value)),
  );
  if (Number.isNaN(createdAt) || Number.isNaN(updatedAt)) throw new Error('created_at and updated_at must be times.');
  return {
    ...(punishment && { punishment }),
    ...(createdAt !== undefined && { createdAt }),
    ...(updatedAt !== undefined && { updatedAt }),
  };
}

function textOf(json: Readonly<Record<string, unknown>>, name: string): string {
  const value = json[name];
  if (typeof value !== 'string' || value === '') throw new Error(`${name} is required.`);
  return value;
}
