import type { Readable } from 'node:stream';
import type {
  AccountInfo,
  ByteRange,
  CreatedFile,
  CreatedFolder,
  CreateFileRequest,
  Download,
  DownloadLink,
  Drive,
  Page,
  Quota,
  StartedCopy,
  Target,
  UploadedPart,
  UploadPart,
  UploadSession,
} from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import type { Logger } from '../log.ts';
import type { AccessTokenSource, ApiClient, UpstreamCall } from './api-client.ts';
import type { Dialect } from './dialect.ts';
import { blocked, differsFrom, parseLinkAnswer, toLivePhotoDownload } from './download.ts';
import { EntryWrites } from './entry-writes.ts';
import { FileCreation } from './file-creation.ts';
import type { JsonHttp } from './http.ts';
import { type JsonObject, toObject } from './json.ts';
import { Lookup } from './lookup.ts';
import type { Moves } from './moves.ts';
import { Oddities } from './oddities.ts';
import type { OnWait, Rates } from './pacer.ts';
import { PageReader } from './page-reader.ts';
import { PartUrls } from './part-urls.ts';
import { Placement } from './placement.ts';
import { backOffMs } from './retry.ts';
import type { BackOff } from './settle-write.ts';
import type { StorageHost } from './storage.ts';
import { Tasks } from './tasks.ts';
import { Uploads } from './uploads.ts';
import { parseQuota, toWireKey } from './wire.ts';

/** What a drive of either dialect needs. */
export interface DriveDependencies {
  readonly http: JsonHttp;
  /** Base URL of the API, without a trailing slash. */
  readonly apiUrl: string;
  readonly tokens: AccessTokenSource;
  readonly storage: Pick<StorageHost, 'openRange' | 'putPart'>;
  readonly log: Logger;
  readonly onCall?: ((call: UpstreamCall) => void) | undefined;
  readonly onWait?: OnWait | undefined;
  /** Default: what the dialect's service bears. */
  readonly rates?: Rates;
  /** Epoch ms. */
  readonly now?: () => number;
  /** Between the tries of a write whose answer was lost. */
  readonly backOff?: BackOff;
}

const randomBackOff: BackOff = (tries) => backOffMs(tries, Math.random());

/** The port over either dialect. */
export class DialectDrive implements Drive {
  readonly #api: ApiClient;
  readonly #dialect: Dialect;
  readonly #storage: DriveDependencies['storage'];
  readonly #pages: PageReader;
  readonly #lookup: Lookup;
  readonly #now: () => number;
  readonly #creation: FileCreation;
  readonly #uploads: Uploads;
  readonly #writes: EntryWrites;
  readonly #moves: Moves;
  readonly #tasks: Tasks;

  constructor(api: ApiClient, dialect: Dialect, dependencies: DriveDependencies) {
    const { storage, log, now = Date.now, backOff = randomBackOff } = dependencies;
    const oddities = new Oddities(log);
    this.#api = api;
    this.#dialect = dialect;
    this.#storage = storage;
    this.#pages = new PageReader(api, dialect, oddities);
    this.#lookup = new Lookup(api, dialect.get, oddities);
    this.#now = now;
    // A read that somebody else began before a write took effect proves nothing about it.
    const lookup = new Lookup(api, { ...dialect.get, isUnshared: true }, oddities);
    const pages = new PageReader(api, { ...dialect, list: { ...dialect.list, isUnshared: true } }, oddities);
    const tasks = new Tasks(api, dialect.writing.task);
    const urls = new PartUrls(api, dialect.writing.uploadUrls, now);
    const writing = { api, dialect: dialect.writing, lookup, tasks, now, backOff };
    const writes = new EntryWrites(writing);
    this.#tasks = tasks;
    this.#writes = writes;
    this.#creation = new FileCreation({ ...writing, pages, urls });
    this.#uploads = new Uploads({
      ...writing,
      urls,
      storage,
      oddities,
      deleteForGood: (session, signal) => writes.deleteForGood(session, signal),
    });
    this.#moves = dialect.writing.createMoves({
      placement: new Placement(writing),
      lookup,
      trash: (entry, signal) => writes.trash(entry, signal),
    });
  }

  listPage(folder: EntryKey, marker: string, signal?: AbortSignal): Promise<Page> {
    return this.#pages.fetchPage(folder, marker, signal);
  }

  fetchEntry(key: EntryKey, signal?: AbortSignal): Promise<Entry> {
    return this.#lookup.fetchEntry(key, signal);
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

  createFolder(parent: EntryKey, name: string, signal?: AbortSignal): Promise<CreatedFolder> {
    return this.#writes.createFolder(parent, name, signal);
  }

  createFile(request: CreateFileRequest, signal?: AbortSignal): Promise<CreatedFile> {
    return this.#creation.create(request, signal);
  }

  putPart(session: UploadSession, part: UploadPart, open: () => Readable, signal?: AbortSignal): Promise<void> {
    return this.#uploads.putPart(session, part, open, signal);
  }

  listUploadedParts(session: UploadSession, signal?: AbortSignal): Promise<readonly UploadedPart[]> {
    return this.#uploads.listUploadedParts(session, signal);
  }

  completeUpload(session: UploadSession, signal?: AbortSignal): Promise<Entry> {
    return this.#uploads.complete(session, signal);
  }

  abandonUpload(session: UploadSession, signal?: AbortSignal): Promise<void> {
    return this.#uploads.abandon(session, signal);
  }

  async swapsInPlace(): Promise<boolean> {
    return this.#dialect.writing.replacingMode === 'overwrite';
  }

  settleReplaced(replaced: Entry, successor: Entry, signal?: AbortSignal): Promise<void> {
    return this.#moves.settleReplaced(replaced, successor, signal);
  }

  move(entry: Entry, target: Target, signal?: AbortSignal): Promise<Entry> {
    return this.#moves.move(entry, target, signal);
  }

  startCopy(entry: Entry, parent: EntryKey, name: string, signal?: AbortSignal): Promise<StartedCopy> {
    return this.#writes.startCopy(entry, parent, name, signal);
  }

  copyAcross(entry: Entry, parent: EntryKey, signal?: AbortSignal): Promise<StartedCopy> {
    return this.#writes.copyAcross(entry, parent, signal);
  }

  moveAcross(entry: Entry, parent: EntryKey, signal?: AbortSignal): Promise<StartedCopy> {
    return this.#writes.moveAcross(entry, parent, signal);
  }

  awaitTask(taskId: string, signal?: AbortSignal): Promise<void> {
    return this.#tasks.await(taskId, signal);
  }

  trash(entry: EntryKey, signal?: AbortSignal): Promise<void> {
    return this.#writes.trash(entry, signal);
  }

  deleteForGood(entry: EntryKey, signal?: AbortSignal): Promise<void> {
    return this.#writes.deleteForGood(entry, signal);
  }

  /** The link's content is not what was listed: either the file was changed since, or a stand-in took its place. */
  async #explainDifference(answer: JsonObject, entry: Entry, signal?: AbortSignal): Promise<DriveError> {
    const current = await this.fetchEntry(entry, signal);
    if (current.blockedReason !== undefined) return new DriveError('blocked', current.blockedReason);
    if (differsFrom(answer, current)) return blocked();
    return new DriveError('content-mismatch', 'The file has changed since its folder was listed.');
  }
}
