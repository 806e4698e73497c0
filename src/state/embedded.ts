import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Database, open, type RootDatabase } from 'lmdb';
import { encodeKey, endOf, mayBeFolded, startsWith } from './embedded-key.ts';
import { watchDatabase } from './embedded-watch.ts';
import { acquireLease, type LeaseRecord, thisProcess } from './lease.ts';
import type { Lease, StateEntry, StateKey, StateStore, StateValue } from './store.ts';

/** What is stored under a key: `key` only where the encoded one cannot be read back. */
interface StoredRecord {
  readonly value: StateValue;
  readonly key?: StateKey;
}

export interface EmbeddedStoreOptions {
  readonly now?: () => number;
  /** How often changes of other processes are looked for, while somebody watches. */
  readonly watchIntervalMs?: number;
}

/** A range is read in pieces, because a reader that stays open across awaits pins old pages of the file. */
const ENTRIES_A_PIECE = 256;

/**
 * Opens the state folder's database, which several processes may share; each change is on disk when its promise resolves.
 * @throws Error naming the folder when it cannot be written.
 */
export async function openEmbeddedStore(dir: string, options: EmbeddedStoreOptions = {}): Promise<StateStore> {
  const { now = Date.now, watchIntervalMs = 500 } = options;
  const folder = path.join(dir, 'state');
  let root: RootDatabase<StoredRecord, (string | number)[]>;
  let leases: Database<LeaseRecord, (string | number)[]>;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Without overlapping sync a write's promise means "flushed", not merely "visible". JSON, unlike the default
    // encoding, keeps lone surrogates, which names of the drive may have.
    root = open({ path: folder, encoding: 'json', useVersions: true, cache: false, overlappingSync: false });
    leases = root.openDB({ name: 'leases', encoding: 'json', useVersions: true, cache: false });
    // A process that was killed while it read leaves a mark that would keep the file growing.
    root.readerCheck();
  } catch (cause) {
    throw new Error(`The state folder ${folder} cannot be opened: ${(cause as Error).message}`, { cause });
  }
  const unwatchers = new Set<() => void>();
  let closing: Promise<void> | undefined;

  /** A read while the library closes would make it throw later, in a timer of its own, which ends the process. */
  function use<D>(database: D): D {
    if (closing) throw new Error('The state folder has been closed.');
    return database;
  }

  return {
    async get(key) {
      return use(root).get(encodeKey(key).parts)?.value;
    },

    async put(key, value) {
      const { parts, record } = toStored(key, value);
      await use(root).put(parts, record, newVersion());
    },

    async remove(key) {
      await use(root).remove(encodeKey(key).parts);
    },

    async compareAndSet(key, expected, value) {
      const { parts, record } = toStored(key, value);
      const before = use(root).getEntry(parts);
      if (!isDeepStrictEqual(before?.value.value, toJson(expected))) return false;
      return putIfUnchanged(use(root), parts, record, before?.version);
    },

    async *range(prefix): AsyncGenerator<StateEntry> {
      const { parts } = encodeKey(prefix);
      let start: { start: (string | number)[]; exclusiveStart?: boolean } | undefined = { start: parts };
      while (start) {
        const piece = readPiece(use(root), start, parts);
        yield* piece.entries;
        start = piece.last && { start: piece.last, exclusiveStart: true };
      }
    },

    async *keys(prefix): AsyncGenerator<StateKey> {
      const { parts } = encodeKey(prefix);
      let start: { start: (string | number)[]; exclusiveStart?: boolean } | undefined = { start: parts };
      while (start) {
        const piece = readKeys(use(root), start, parts);
        yield* piece.keys;
        start = piece.last && { start: piece.last, exclusiveStart: true };
      }
    },

    async acquireLease(name, ttlMs): Promise<Lease | undefined> {
      const { parts } = encodeKey(name);
      return acquireLease(
        {
          read() {
            const entry = use(leases).getEntry(parts);
            return entry && { record: entry.value, version: entry.version ?? 0 };
          },
          write: (record, version) => putIfUnchanged(use(leases), parts, record, version),
          remove: (version) => use(leases).remove(parts, version),
        },
        { ttlMs, now, holder: thisProcess() },
      );
    },

    watch(prefix, onChange) {
      const stop = watchDatabase(use(root), encodeKey(prefix).parts, watchIntervalMs, onChange);
      unwatchers.add(stop);
      return () => {
        unwatchers.delete(stop);
        stop();
      };
    },

    close() {
      for (const stop of unwatchers) stop();
      unwatchers.clear();
      closing ??= root.close();
      return closing;
    },
  };
}

/** A value as it comes back from the database: without the fields that are undefined. */
function toJson(value: StateValue | undefined): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Random, so that two processes never give a key the same version for different values. */
function newVersion(): number {
  return 1 + Math.floor(Math.random() * (Number.MAX_SAFE_INTEGER - 1));
}

function toStored(key: StateKey, value: StateValue): { parts: (string | number)[]; record: StoredRecord } {
  const { parts, folded } = encodeKey(key);
  return { parts, record: folded ? { value, key } : { value } };
}

/** The library's transactions with a callback never run it on Node 20, so writes are made conditional on versions. */
async function putIfUnchanged<V>(
  database: Database<V, (string | number)[]>,
  parts: (string | number)[],
  record: V,
  version: number | undefined,
): Promise<boolean> {
  if (version !== undefined) return database.put(parts, record, newVersion(), version);
  return database.ifNoExists(parts, () => {
    void database.put(parts, record, newVersion());
  });
}

function readPiece(
  root: RootDatabase<StoredRecord, (string | number)[]>,
  start: { start: (string | number)[]; exclusiveStart?: boolean },
  prefix: readonly (string | number)[],
): { entries: StateEntry[]; last: (string | number)[] | undefined } {
  const entries: StateEntry[] = [];
  let last: (string | number)[] | undefined;
  for (const { key, value } of root.getRange({ ...start, end: endOf(prefix), limit: ENTRIES_A_PIECE })) {
    // A key of one part is read back without its array.
    const parts = Array.isArray(key) ? key : [key];
    if (!startsWith(parts, prefix)) return { entries, last: undefined };
    last = parts;
    if (parts.length > prefix.length) entries.push({ key: value.key ?? parts, value: value.value });
  }
  return { entries, last };
}

function readKeys(
  root: RootDatabase<StoredRecord, (string | number)[]>,
  start: { start: (string | number)[]; exclusiveStart?: boolean },
  prefix: readonly (string | number)[],
): { keys: StateKey[]; last: (string | number)[] | undefined } {
  const keys: StateKey[] = [];
  let last: (string | number)[] | undefined;
  for (const key of root.getKeys({ ...start, end: endOf(prefix), limit: ENTRIES_A_PIECE })) {
    const parts = Array.isArray(key) ? key : [key];
    if (!startsWith(parts, prefix)) return { keys, last: undefined };
    last = parts;
    // A folded key is told by its value alone.
    if (parts.length > prefix.length) keys.push(mayBeFolded(parts) ? (root.get(parts)?.key ?? parts) : parts);
  }
  return { keys, last };
}
