import type { Readable } from 'node:stream';
import type { AccountInfo, ByteRange, Download, DownloadLink, Page, Quota, ReadDrive } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import type { Logger } from '../log.ts';
import type { AccessTokenSource, ApiClient, UpstreamCall } from './api-client.ts';
import type { Dialect } from './dialect.ts';
import { blocked, differsFrom, parseLinkAnswer, toLivePhotoDownload } from './download.ts';
import type { JsonHttp } from './http.ts';
import { type JsonObject, toObject } from './json.ts';
import { Oddities } from './oddities.ts';
import type { Rates } from './pacer.ts';
import { PageReader } from './page-reader.ts';
import type { StorageHost } from './storage.ts';
import { parseEntry, parseQuota, toWireKey } from './wire.ts';

/** What a drive of either dialect needs. */
export interface DriveDependencies {
  readonly http: JsonHttp;
  /** Base URL of the API, without a trailing slash. */
  readonly apiUrl: string;
  readonly tokens: AccessTokenSource;
  readonly storage: Pick<StorageHost, 'openRange'>;
  readonly log: Logger;
  readonly onCall?: ((call: UpstreamCall) => void) | undefined;
  /** Default: what the dialect's service bears. */
  readonly rates?: Rates;
  /** Epoch ms. */
  readonly now?: () => number;
}

/** The reading half of the port over either dialect. */
export class DialectDrive implements ReadDrive {
  readonly #api: ApiClient;
  readonly #dialect: Dialect;
  readonly #storage: Pick<StorageHost, 'openRange'>;
  readonly #oddities: Oddities;
  readonly #pages: PageReader;
  readonly #now: () => number;

  constructor(api: ApiClient, dialect: Dialect, { storage, log, now }: DriveDependencies) {
    this.#api = api;
    this.#dialect = dialect;
    this.#storage = storage;
    this.#oddities = new Oddities(log);
    this.#pages = new PageReader(api, dialect, this.#oddities);
    this.#now = now ?? Date.now;
  }

  listPage(folder: EntryKey, marker: string, signal?: AbortSignal): Promise<Page> {
    return this.#pages.fetchPage(folder, marker, signal);
  }

  async fetchEntry(key: EntryKey, signal?: AbortSignal): Promise<Entry> {
    const json = await this.#api.call(this.#dialect.get, toWireKey(key), signal);
    return parseEntry(json, { driveId: key.driveId, parentId: '' }, this.#oddities);
  }

  fetchAccount(signal?: AbortSignal): Promise<AccountInfo> {
    return this.#dialect.fetchAccount(this.#api, signal);
  }

  async fetchQuota(signal?: AbortSignal): Promise<Quota> {
    return parseQuota(await this.#api.call(this.#dialect.quota, {}, signal));
  }

  async fetchDownload(entry: Entry, signal?: AbortSignal): Promise<Download> {
    // The scarcest call of all is not spent on an answer that the listing has given.
    if (entry.blockedReason !== undefined) throw new DriveError('blocked', entry.blockedReason);
    const { link, linkLifeS, streamLinksField } = this.#dialect;
    const body = { ...toWireKey(entry), expire_sec: linkLifeS };
    const answer = toObject(await this.#api.call(link, body, signal));
    const parsed = parseLinkAnswer(answer, streamLinksField, this.#now());
    if (parsed.kind === 'live-photo') {
      const known = entry.liveStreams ? entry : await this.fetchEntry(entry, signal);
      return toLivePhotoDownload(known, parsed.links);
    }
    if (differsFrom(answer, entry)) throw await this.#explainDifference(answer, entry, signal);
    return parsed;
  }

  openRange(link: DownloadLink, range: ByteRange, signal?: AbortSignal): Promise<Readable> {
    return this.#storage.openRange(link, range, signal);
  }

  /** The link's content is not what was listed: either the file was changed since, or a stand-in took its place. */
  async #explainDifference(answer: JsonObject, entry: Entry, signal?: AbortSignal): Promise<DriveError> {
    const current = await this.fetchEntry(entry, signal);
    if (current.blockedReason !== undefined) return new DriveError('blocked', current.blockedReason);
    if (differsFrom(answer, current)) return blocked();
    return new DriveError('content-mismatch', 'The file has changed since its folder was listed.');
  }
}
