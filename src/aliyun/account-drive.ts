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
import type { TokenKind } from '../state/account-status.ts';
import type { Account } from './account.ts';

/**
 * The drives of an account whose dialect shows only once somebody is signed in. Until then every call waits for the login,
 * or fails as it did, so that a server can start before the network does.
 */
export class AccountDrive implements Drive {
  readonly #account: Pick<Account, 'getIdentity'>;
  readonly #create: (kind: TokenKind) => Drive;
  #drive: Drive | undefined;

  constructor(account: Pick<Account, 'getIdentity'>, create: (kind: TokenKind) => Drive) {
    this.#account = account;
    this.#create = create;
  }

  async listPage(folder: EntryKey, marker: string, signal?: AbortSignal): Promise<Page> {
    return (await this.#get(signal)).listPage(folder, marker, signal);
  }

  async fetchEntry(key: EntryKey, signal?: AbortSignal): Promise<Entry> {
    return (await this.#get(signal)).fetchEntry(key, signal);
  }

  async fetchAccount(signal?: AbortSignal): Promise<AccountInfo> {
    return (await this.#get(signal)).fetchAccount(signal);
  }

  async fetchQuota(signal?: AbortSignal): Promise<Quota> {
    return (await this.#get(signal)).fetchQuota(signal);
  }

  async fetchDownload(entry: Entry, signal?: AbortSignal): Promise<Download> {
    return (await this.#get(signal)).fetchDownload(entry, signal);
  }

  async openRange(link: DownloadLink, range: ByteRange, signal?: AbortSignal): Promise<Readable> {
    return (await this.#get(signal)).openRange(link, range, signal);
  }

  async createFolder(parent: EntryKey, name: string, signal?: AbortSignal): Promise<CreatedFolder> {
    return (await this.#get(signal)).createFolder(parent, name, signal);
  }

  async createFile(request: CreateFileRequest, signal?: AbortSignal): Promise<CreatedFile> {
    return (await this.#get(signal)).createFile(request, signal);
  }

  async putPart(session: UploadSession, part: UploadPart, open: () => Readable, signal?: AbortSignal): Promise<void> {
    return (await this.#get(signal)).putPart(session, part, open, signal);
  }

  async listUploadedParts(session: UploadSession, signal?: AbortSignal): Promise<readonly UploadedPart[]> {
    return (await this.#get(signal)).listUploadedParts(session, signal);
  }

  async completeUpload(session: UploadSession, signal?: AbortSignal): Promise<Entry> {
    return (await this.#get(signal)).completeUpload(session, signal);
  }

  async abandonUpload(session: UploadSession, signal?: AbortSignal): Promise<void> {
    return (await this.#get(signal)).abandonUpload(session, signal);
  }

  async swapsInPlace(signal?: AbortSignal): Promise<boolean> {
    return (await this.#get(signal)).swapsInPlace(signal);
  }

  async settleReplaced(replaced: Entry, successor: Entry, signal?: AbortSignal): Promise<void> {
    return (await this.#get(signal)).settleReplaced(replaced, successor, signal);
  }

  async move(entry: Entry, target: Target, signal?: AbortSignal): Promise<Entry> {
    return (await this.#get(signal)).move(entry, target, signal);
  }

  async startCopy(entry: Entry, parent: EntryKey, name: string, signal?: AbortSignal): Promise<StartedCopy> {
    return (await this.#get(signal)).startCopy(entry, parent, name, signal);
  }

  async copyAcross(entry: Entry, parent: EntryKey, signal?: AbortSignal): Promise<StartedCopy> {
    return (await this.#get(signal)).copyAcross(entry, parent, signal);
  }

  async moveAcross(entry: Entry, parent: EntryKey, signal?: AbortSignal): Promise<StartedCopy> {
    return (await this.#get(signal)).moveAcross(entry, parent, signal);
  }

  async awaitTask(taskId: string, signal?: AbortSignal): Promise<void> {
    return (await this.#get(signal)).awaitTask(taskId, signal);
  }

  async trash(entry: EntryKey, signal?: AbortSignal): Promise<void> {
    return (await this.#get(signal)).trash(entry, signal);
  }

  async deleteForGood(entry: EntryKey, signal?: AbortSignal): Promise<void> {
    return (await this.#get(signal)).deleteForGood(entry, signal);
  }

  async #get(signal?: AbortSignal): Promise<Drive> {
    if (this.#drive) return this.#drive;
    const { kind } = await this.#account.getIdentity(signal);
    this.#drive ??= this.#create(kind);
    return this.#drive;
  }
}
