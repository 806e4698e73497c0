import type { Page } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import type { ApiClient } from './api-client.ts';
import type { Dialect } from './dialect.ts';
import { ApiError } from './errors.ts';
import { type JsonObject, readText, toObject } from './json.ts';
import { LiveStreamFinder } from './live-streams.ts';
import type { Oddities } from './oddities.ts';
import { isListed, parseEntry, parseItems } from './wire.ts';

/** The open API documents 100 and takes 200; older services refuse it. */
const LIMITS = [200, 100] as const;

/** Reads folders page by page. */
export class PageReader {
  readonly #api: ApiClient;
  readonly #dialect: Dialect;
  readonly #oddities: Oddities;
  readonly #liveStreams: LiveStreamFinder;
  #limit: number = LIMITS[0];

  constructor(api: ApiClient, dialect: Dialect, oddities: Oddities) {
    this.#api = api;
    this.#dialect = dialect;
    this.#oddities = oddities;
    this.#liveStreams = new LiveStreamFinder(api, dialect, oddities);
  }

  async fetchPage(folder: EntryKey, marker: string, signal?: AbortSignal): Promise<Page> {
    const json = await this.#ask(folder, marker, signal);
    const context = { driveId: folder.driveId, parentId: folder.id };
    const entries: Entry[] = [];
    for (const item of parseItems(json)) {
      if (isListed(item)) entries.push(parseEntry(item, context, this.#oddities));
    }
    const nextMarker = readText(json, 'next_marker') ?? '';
    if (nextMarker !== '' && nextMarker === marker) {
      throw new DriveError('unavailable', 'AliyunDrive repeats a page for ever.');
    }
    return { entries: await this.#liveStreams.complete(entries, signal), nextMarker };
  }

  async #ask(folder: EntryKey, marker: string, signal?: AbortSignal): Promise<JsonObject> {
    const limit = this.#limit;
    try {
      return toObject(await this.#api.call(this.#dialect.list, listBody(folder, marker, limit), signal));
    } catch (error) {
      if (error instanceof ApiError && error.apiCode === 'InvalidParameter.Limit' && limit !== LIMITS[1]) {
        this.#limit = LIMITS[1];
        return this.#ask(folder, marker, signal);
      }
      // The same question was good for the first page: it is the marker that is refused, and the listing is not over.
      if (marker !== '' && isDriveError(error, 'invalid-request')) {
        throw new DriveError('unavailable', 'AliyunDrive lost the place in a listing.', { cause: error });
      }
      throw error;
    }
  }
}

/** By creation, ascending: an entry touched while we page then moves no other across a page border. */
function listBody(folder: EntryKey, marker: string, limit: number): object {
  return {
    drive_id: folder.driveId,
    parent_file_id: folder.id,
    limit,
    marker,
    order_by: 'created_at',
    order_direction: 'ASC',
    fields: '*',
  };
}
