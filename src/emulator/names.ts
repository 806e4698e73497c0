import { apiError, type Dialect, invalidField } from './errors.ts';
import type { StoredEntry } from './store/entry.ts';
import type { Store } from './store/store.ts';

const MOST_NAME_BYTES = 1024;

/** @throws ApiError for a name that the service does not take. */
export function checkName(field: string, name: string): string {
  if (name.includes('/')) throw invalidField(field, `${field} should not contain "/"`);
  if (Buffer.byteLength(name) > MOST_NAME_BYTES) {
    throw invalidField(field, `${field} should be less or equal than ${MOST_NAME_BYTES} bytes`);
  }
  return name;
}

/** Another child of that name, the oldest where there are several. */
export function findOther(
  store: Store,
  parent: StoredEntry,
  name: string,
  self: StoredEntry | undefined,
): StoredEntry | undefined {
  const child = store.findChild(parent, name);
  if (child?.fileId !== self?.fileId || !child) return child;
  for (const other of store.children(parent)) if (other.name === name && other.fileId !== child.fileId) return other;
  return undefined;
}

/** `a(1).txt`, or the next number that nobody has. */
export function freeName(store: Store, parent: StoredEntry, name: string): string {
  const dot = name.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  const taken = new Set([...store.children(parent)].map((child) => child.name));
  let candidate = name;
  for (let number = 1; taken.has(candidate); number++) candidate = `${stem}(${number})${extension}`;
  return candidate;
}

/** Clients read the id from the end of the text. */
export function nameTaken(dialect: Dialect, existing: StoredEntry): Error {
  return apiError(
    dialect,
    'AlreadyExist.File',
    `The resource file has already exists. drive has the same file, can't update, file_id ${existing.fileId}`,
  );
}
