import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import type { ApiClient, Endpoint } from './api-client.ts';
import { readText, toObject } from './json.ts';
import type { Oddities } from './oddities.ts';
import { parseEntry, toWireKey } from './wire.ts';

/** An entry as the service has it, also while it is no more than an upload under way. */
export interface EntryState {
  readonly entry: Entry;
  /** `available` or `uploading`; the open API leaves it out of some answers. */
  readonly status: string | undefined;
}

/** Looks entries up by their ids, one call each. */
export class Lookup {
  readonly #api: ApiClient;
  readonly #endpoint: Endpoint;
  readonly #oddities: Oddities;

  constructor(api: ApiClient, endpoint: Endpoint, oddities: Oddities) {
    this.#api = api;
    this.#endpoint = endpoint;
    this.#oddities = oddities;
  }

  async fetchState(key: EntryKey, signal?: AbortSignal): Promise<EntryState> {
    const json = toObject(await this.#api.call(this.#endpoint, toWireKey(key), signal));
    const entry = parseEntry(json, { driveId: key.driveId, parentId: '' }, this.#oddities);
    return { entry, status: readText(json, 'status') };
  }

  /** See `ReadDrive.fetchEntry`: an upload under way is no entry yet. */
  async fetchEntry(key: EntryKey, signal?: AbortSignal): Promise<Entry> {
    const { entry, status } = await this.fetchState(key, signal);
    if (entry.kind === 'file' && status === 'uploading') {
      throw new DriveError('not-found', 'This file is still being uploaded.');
    }
    return entry;
  }

  /** @returns undefined when it is proven absent */
  async findEntry(key: EntryKey, signal?: AbortSignal): Promise<Entry | undefined> {
    try {
      return await this.fetchEntry(key, signal);
    } catch (error) {
      if (isDriveError(error, 'not-found')) return undefined;
      throw error;
    }
  }
}
