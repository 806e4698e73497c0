import type { Readable } from 'node:stream';
import type { AccountInfo, ByteRange, Download, DownloadLink, Page, Quota, ReadDrive } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import type { TokenKind } from '../state/account-status.ts';
import type { Account } from './account.ts';

/**
 * The drives of an account whose dialect shows only once somebody is signed in. Until then every call waits for the login,
 * or fails as it did, so that a server can start before the network does.
 */
export class AccountDrive implements ReadDrive {
  readonly #account: Pick<Account, 'getIdentity'>;
  readonly #create: (kind: TokenKind) => ReadDrive;
  #drive: ReadDrive | undefined;

  constructor(account: Pick<Account, 'getIdentity'>, create: (kind: TokenKind) => ReadDrive) {
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

  async #get(signal?: AbortSignal): Promise<ReadDrive> {
    if (this.#drive) return this.#drive;
    const { kind } = await this.#account.getIdentity(signal);
    this.#drive ??= this.#create(kind);
    return this.#drive;
  }
}
