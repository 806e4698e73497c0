import type { CreatedFolder, StartedCopy } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import type { ApiClient, Endpoint } from './api-client.ts';
import type { WriteDialect } from './dialect.ts';
import { ApiError } from './errors.ts';
import { isObject, type JsonObject, readId, readNumber, readText, toObject } from './json.ts';
import type { Lookup } from './lookup.ts';
import { checkName } from './names.ts';
import { type BackOff, settleWrite } from './settle-write.ts';
import type { Tasks } from './tasks.ts';
import { parseNewEntry, toWireKey } from './wire.ts';

export interface EntryWritesDeps {
  readonly api: ApiClient;
  readonly dialect: WriteDialect;
  readonly lookup: Lookup;
  readonly tasks: Tasks;
  readonly now: () => number;
  readonly backOff: BackOff;
}

/** Creates folders, begins copies, and takes entries away. */
export class EntryWrites {
  readonly #deps: EntryWritesDeps;

  constructor(deps: EntryWritesDeps) {
    this.#deps = deps;
  }

  /** See `WriteDrive.createFolder`. */
  async createFolder(parent: EntryKey, name: string, signal?: AbortSignal): Promise<CreatedFolder> {
    checkName(name);
    const { api, dialect, backOff, now } = this.#deps;
    const body = {
      drive_id: parent.driveId,
      parent_file_id: parent.id,
      name,
      type: 'folder',
      check_name_mode: 'refuse',
    };
    const attempt = async (isRepeat: boolean): Promise<CreatedFolder> => {
      try {
        const answer = toObject(await api.call(dialect.create, body, signal));
        if (answer.exist === true) return await this.#toExisting(answer, parent, isRepeat, signal);
        return { outcome: 'created', entry: parseNewEntry(answer, parent, { name, kind: 'folder' }, now()) };
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'already-exists' || !error.existingId) throw error;
        return this.#toExisting({ file_id: error.existingId }, parent, isRepeat, signal);
      }
    };
    return settleWrite({ attempt, lookUp: async () => undefined }, { backOff, signal });
  }

  /** What has the name need not be a folder. After a lost answer, a folder is taken for the one that was created then. */
  async #toExisting(answer: JsonObject, parent: EntryKey, isRepeat: boolean, signal?: AbortSignal) {
    const id = readId(answer, 'file_id');
    if (id === undefined) throw new DriveError('already-exists', 'AliyunDrive already has an entry of this name.');
    const key: EntryKey = { driveId: parent.driveId, id };
    const told = answer.type === 'file' || answer.type === 'folder' ? answer.type : undefined;
    if (told && !isRepeat) return { outcome: 'exists', key, kind: told } as const;
    const entry = await this.#deps.lookup.fetchEntry(key, signal);
    if (isRepeat && entry.kind === 'folder') return { outcome: 'created', entry } as const;
    return { outcome: 'exists', key, kind: entry.kind } as const;
  }

  /** See `WriteDrive.startCopy`: not repeated, as only its caller can tell a stray copy from another entry. */
  async startCopy(entry: Entry, parent: EntryKey, name: string, signal?: AbortSignal): Promise<StartedCopy> {
    if (name !== entry.name) checkName(name);
    const { api, dialect } = this.#deps;
    const fields = { to_parent_file_id: parent.id, auto_rename: false, ...dialect.toCopyFields(name) };
    const answer = toObject(await api.call(dialect.copy, { ...toWireKey(entry), ...fields }, signal));
    if (answer.exist === true) {
      throw new DriveError('already-exists', 'AliyunDrive already has an entry of this name.');
    }
    return toStartedCopy(answer, parent, readText(answer, 'async_task_id'));
  }

  copyAcross(entry: Entry, parent: EntryKey, signal?: AbortSignal): Promise<StartedCopy> {
    return this.#across(this.#deps.dialect.across?.copy, entry, parent, signal);
  }

  moveAcross(entry: Entry, parent: EntryKey, signal?: AbortSignal): Promise<StartedCopy> {
    return this.#across(this.#deps.dialect.across?.move, entry, parent, signal);
  }

  /** See `WriteDrive.trash`. */
  trash(entry: EntryKey, signal?: AbortSignal): Promise<void> {
    return this.#remove(this.#deps.dialect.trash, {}, entry, (found) => found.trashed, signal);
  }

  /** See `WriteDrive.deleteForGood`. */
  deleteForGood(entry: EntryKey, signal?: AbortSignal): Promise<void> {
    const { delete: endpoint, deleteFields } = this.#deps.dialect;
    return this.#remove(endpoint, deleteFields, entry, () => false, signal);
  }

  async #across(endpoint: Endpoint | undefined, entry: Entry, parent: EntryKey, signal?: AbortSignal) {
    if (!endpoint) throw new DriveError('unsupported', 'The open API moves and copies nothing between drives.');
    const body = {
      from_drive_id: entry.driveId,
      from_file_ids: [entry.id],
      to_drive_id: parent.driveId,
      // Spelled so by the service.
      to_parent_fileId: parent.id,
    };
    const answer = toObject(await this.#deps.api.call(endpoint, body, signal));
    const item = toObject(Array.isArray(answer.items) ? answer.items.find(isObject) : undefined);
    const status = readNumber(item, 'status');
    if (status !== undefined && (status < 200 || status > 299)) {
      throw new DriveError('task-failed', `AliyunDrive could not bring this into the other drive (HTTP ${status}).`);
    }
    return toStartedCopy(item, parent, readText(item, 'async_task_id') ?? readText(answer, 'async_task_id'));
  }

  /** To be done again where the answer was lost: it has the same end. */
  async #remove(
    endpoint: Endpoint,
    fields: object,
    entry: EntryKey,
    isGone: (found: Entry) => boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    const { api, tasks, backOff } = this.#deps;
    const attempt = async () => {
      try {
        await tasks.settle(toObject(await api.call(endpoint, { ...toWireKey(entry), ...fields }, signal)), signal);
      } catch (error) {
        if (isDriveError(error, 'not-found')) return;
        if (!(await this.#isGoneAfter(error, entry, isGone, signal))) throw error;
      }
    };
    await settleWrite<void>({ attempt, lookUp: async () => undefined }, { backOff, signal });
  }

  /** What is gone already was also seen to be answered with a 400 of some kind: only a look tells. */
  async #isGoneAfter(error: unknown, entry: EntryKey, isGone: (found: Entry) => boolean, signal?: AbortSignal) {
    if (!(error instanceof ApiError) || error.status !== 400) return false;
    const found = await this.#deps.lookup.findEntry(entry, signal);
    return !found || isGone(found);
  }
}

function toStartedCopy(answer: JsonObject, parent: EntryKey, taskId: string | undefined): StartedCopy {
  const id = readId(answer, 'file_id');
  if (id === undefined) throw new DriveError('unavailable', 'AliyunDrive did not name the copy.');
  return { key: { driveId: parent.driveId, id }, taskId };
}
