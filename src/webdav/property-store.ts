import type { Change } from '../drive/change.ts';
import { type Entry, type EntryKey, ROOT_ID } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import type { StateKey, StateStore, StateValue } from '../state/store.ts';
import { DavError } from './errors.ts';
import {
  applyChanges,
  EMPTY_RECORD,
  inheritRecord,
  modifiedAtOf,
  type PropertyChange,
  type PropertyRecord,
} from './properties.ts';

export interface PropertyStoreDeps {
  readonly store: StateStore;
  /** Whose drives; rejects with a `DriveError` while nobody has signed in. */
  readonly userId: () => Promise<string>;
  readonly now: () => number;
}

/** By what of an entry its record is found: it moves with its folder, and not when that is renamed. */
type EntryPlace = Pick<Entry, 'driveId' | 'parentId' | 'id'>;

/** Each is read with every listing of its folder. */
const MAX_RECORD_CHARS = 64 * 1024;

/** A record of something that a listing lacks may be of something newer than the listing. */
const SWEEP_AGE_MS = 3_600_000;

const MAX_TRIES = 20;

/**
 * Dead properties and remembered modification times, by entry. Every method rejects with what `userId` rejects with, besides
 * what it says itself.
 */
export class PropertyStore {
  readonly #store: StateStore;
  readonly #userId: () => Promise<string>;
  readonly #now: () => number;

  constructor({ store, userId, now }: PropertyStoreDeps) {
    this.#store = store;
    this.#userId = userId;
    this.#now = now;
  }

  /** The records of what is in a folder, by `recordIdOf`, in one look. */
  async ofFolder({ driveId, id }: EntryKey): Promise<ReadonlyMap<string, PropertyRecord>> {
    const records = new Map<string, PropertyRecord>();
    for await (const { key, value } of this.#store.range([...(await this.#drive(driveId)), id])) {
      const record = parseRecord(value);
      if (record) records.set(String(key.at(-1)), record);
    }
    return records;
  }

  async of(entry: EntryPlace): Promise<PropertyRecord | undefined> {
    return parseRecord(await this.#store.get(await this.#keyOf(entry)));
  }

  /** The ids of a drive's folders that something with a record is directly in. Looks through all of the drive's records. */
  async foldersWithRecords(driveId: string): Promise<Set<string>> {
    const folders = new Set<string>();
    for await (const { key, value } of this.#store.range(await this.#drive(driveId))) {
      if (parseRecord(value)) folders.add(String(key.at(-2)));
    }
    return folders;
  }

  /** All changes at once, or none. @throws DavError 507 when there would be too much to keep */
  async update(entry: Entry, changes: readonly PropertyChange[]): Promise<void> {
    await this.#change(entry, (record) => {
      const changed = applyChanges(entry, record, changes);
      const isGrowing = changes.some(({ kind }) => kind === 'set');
      if (isGrowing && lengthOf(changed) > MAX_RECORD_CHARS) {
        throw new DavError(507, `The properties of a resource may have ${MAX_RECORD_CHARS / 1024} KiB at most.`);
      }
      return changed;
    });
  }

  /** The content that an entry has now was last modified then. @param atMs epoch ms */
  async rememberModifiedAt(entry: Entry, atMs: number): Promise<void> {
    await this.update(entry, [{ kind: 'modified-at', at: atMs }]);
  }

  /** Epoch ms: the remembered time while the content is the one that it was given for, else the service's. */
  modifiedAtOf(entry: Entry, record: PropertyRecord | undefined): number {
    return modifiedAtOf(entry, record);
  }

  /**
   * Follows what was moved, copied, written over or removed (RFC 4918 §9.8.2, §9.9.1), in whatever order this and
   * `rememberModifiedAt` are called. Doing it again is harmless.
   */
  async follow({ removed, placed, origins = [] }: Change): Promise<void> {
    const isKept = (gone: Entry) =>
      placed.some((entry) => isSamePlace(entry, gone)) ||
      origins.some(({ how, from }) => !how.startsWith('copied') && isSamePlace(from, gone));
    for (const gone of removed) {
      const moved = placed.find(({ id }) => id === gone.id);
      if (isKept(gone)) continue;
      if (moved) await this.#move(gone, moved);
      else await this.#remove(gone);
    }
    for (const { how, from, to } of origins) {
      if (how === 'copied' || how === 'copied-alone') await this.copied(from, to);
      else await this.#move(from, to);
    }
  }

  /** Of what lies in a copied folder. */
  async copied(from: Entry, to: Entry): Promise<void> {
    if (!isSamePlace(from, to)) await this.#inherit(from, to, from.sizeBytes === to.sizeBytes);
  }

  async #move(from: Entry, to: Entry): Promise<void> {
    if (isSamePlace(from, to)) return;
    if (await this.#inherit(from, to, from.id === to.id)) await this.#remove(from);
  }

  async #remove(entry: EntryPlace): Promise<void> {
    await this.#store.remove(await this.#keyOf(entry));
  }

  /** Drops the records of what a folder no longer has. @param presentIds all that a whole listing has told, within the hour */
  async sweep(folder: EntryKey, presentIds: ReadonlySet<string>): Promise<void> {
    const strays: StateKey[] = [];
    for await (const { key, value } of this.#store.range([...(await this.#drive(folder.driveId)), folder.id])) {
      if (!presentIds.has(String(key.at(-1))) && this.#now() - writtenAtOf(value) > SWEEP_AGE_MS) strays.push(key);
    }
    for (const key of strays) await this.#store.remove(key);
  }

  async #inherit(from: Entry, to: Entry, isSameContent: boolean): Promise<boolean> {
    const inherited = await this.of(from);
    if (!inherited) return false;
    await this.#change(to, (own) => inheritRecord(from, to, inherited, own, isSameContent));
    return true;
  }

  /** Two requests, or two processes, may change one record at the same time. */
  async #change(entry: Entry, toChanged: (record: PropertyRecord | undefined) => PropertyRecord): Promise<void> {
    const key = await this.#keyOf(entry);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const stored = await this.#store.get(key);
      const changed = toChanged(parseRecord(stored));
      const { properties, modified } = changed;
      if (stored === undefined && isEmpty(changed)) return;
      const value = { properties, ...(modified && { modified }), writtenAt: this.#now() };
      // An empty record stays for `sweep`: what another writes meanwhile must not be removed.
      if (await this.#store.compareAndSet(key, stored, value)) return;
    }
    throw new DriveError('unavailable', 'The properties of this resource are being changed by others.');
  }

  async #drive(driveId: string): Promise<StateKey> {
    return [await this.#userId(), 'v1', 'properties', driveId];
  }

  async #keyOf(entry: EntryPlace): Promise<StateKey> {
    const [driveId, parentId] = isDriveRoot(entry) ? ['', ''] : [entry.driveId, entry.parentId];
    return [...(await this.#drive(driveId)), parentId, recordIdOf(entry)];
  }
}

/** What tells an entry from the others of its folder: its id; the drive's, of a drive's own folder, for those all have the same id. */
export function recordIdOf(entry: EntryPlace): string {
  return isDriveRoot(entry) ? entry.driveId : entry.id;
}

function isDriveRoot({ id }: EntryPlace): boolean {
  return id === ROOT_ID;
}

function isSamePlace(a: EntryPlace, b: EntryPlace): boolean {
  return a.driveId === b.driveId && a.parentId === b.parentId && a.id === b.id;
}

function isEmpty({ properties, modified }: PropertyRecord): boolean {
  return properties.length === 0 && modified === undefined;
}

function lengthOf({ properties }: PropertyRecord): number {
  return properties.reduce((total, { namespace, name, xml }) => total + namespace.length + name.length + xml.length, 0);
}

/** @returns undefined for an empty record, and for what no known version of this program has stored */
function parseRecord(value: StateValue): PropertyRecord | undefined {
  if (!isObject(value) || !Array.isArray(value.properties)) return undefined;
  const { modified } = value;
  const record: PropertyRecord = {
    properties: value.properties.length === 0 ? EMPTY_RECORD.properties : value.properties,
    modified:
      isObject(modified) && typeof modified.at === 'number' && typeof modified.content === 'string'
        ? { at: modified.at, content: modified.content }
        : undefined,
  };
  return isEmpty(record) ? undefined : record;
}

function writtenAtOf(value: StateValue): number {
  return isObject(value) && typeof value.writtenAt === 'number' ? value.writtenAt : 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
