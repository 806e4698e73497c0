import { ROOT_ID, type StoredEntry } from './entry.ts';
import type { Store } from './store.ts';
import { findByPath } from './tree.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Changes that the account's owner makes in another program. An entry is named by `drive_id` with `file_id` or `path`.
 * Each answers the entry's `file_id` and throws an Error naming what is missing.
 */
export function elsewhereActions(store: Store, endUploads: (entry: StoredEntry) => void) {
  const gone = (json: Json, act: (entry: StoredEntry) => unknown) => {
    const entry = entryOf(store, json);
    if (entry.fileId === ROOT_ID) throw new Error('The root stays.');
    endUploads(entry);
    act(entry);
    return { file_id: entry.fileId };
  };
  return {
    rename: (json: Json) => ({ file_id: store.rename(entryOf(store, json), textOf(json, 'name')).fileId }),
    move: (json: Json) => {
      const entry = entryOf(store, json);
      const parent = store.find(entry.driveId, textOf(json, 'to_parent_file_id'));
      if (parent?.type !== 'folder') throw new Error('There is no such folder.');
      return { file_id: store.move(entry, parent).fileId };
    },
    trash: (json: Json) => gone(json, (entry) => store.trash(entry)),
    delete: (json: Json) => gone(json, (entry) => store.delete(entry)),
    /** Creates the file `name` in `parent_file_id` (or the root), or gives the one that is there another content. */
    write: (json: Json) => {
      const data = dataOf(json);
      if (json.file_id !== undefined) return { file_id: store.replaceContent(entryOf(store, json), data).fileId };
      const parent = store.find(textOf(json, 'drive_id'), String(json.parent_file_id ?? ROOT_ID));
      if (parent?.type !== 'folder') throw new Error('There is no such folder.');
      const name = textOf(json, 'name');
      const known = store.findChild(parent, name);
      if (known?.type === 'folder') throw new Error('There is a folder of that name.');
      return { file_id: (known ? store.replaceContent(known, data) : store.addFile(parent, name, data)).fileId };
    },
  };
}

/** The bytes of `base64` or `text`. */
export function dataOf({ text, base64 }: Json): Buffer {
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
  if (typeof text === 'string') return Buffer.from(text);
  throw new Error('text or base64 is required.');
}

function entryOf(store: Store, json: Json): StoredEntry {
  const driveId = textOf(json, 'drive_id');
  const entry =
    json.path === undefined
      ? store.find(driveId, textOf(json, 'file_id'))
      : findByPath(store, driveId, textOf(json, 'path'));
  if (!entry) throw new Error('There is no such entry.');
  return entry;
}

function textOf(json: Json, name: string): string {
  const value = json[name];
  if (typeof value !== 'string' || value === '') throw new Error(`${name} is required.`);
  return value;
}
