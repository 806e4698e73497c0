import type { AccountInfo, Page, Quota, ReadDrive } from '../../../src/drive/drive.ts';
import type { Entry, EntryKey } from '../../../src/drive/entry.ts';
import { DriveError } from '../../../src/drive/errors.ts';

export const DRIVE_ID = 'd1';

export function makeEntry(name: string, changes: Partial<Entry> = {}): Entry {
  return {
    driveId: DRIVE_ID,
    id: `id-${name}`,
    parentId: 'root',
    name,
    kind: 'file',
    sizeBytes: 3,
    createdAt: 1,
    updatedAt: 1,
    contentHash: undefined,
    mimeType: undefined,
    liveStreams: undefined,
    blockedReason: undefined,
    trashed: false,
    ...changes,
  };
}

export function makeFolder(name: string, changes: Partial<Entry> = {}): Entry {
  return makeEntry(name, { kind: 'folder', sizeBytes: 0, ...changes });
}

export function makeFiles(count: number, from = 0): Entry[] {
  return Array.from({ length: count }, (_, index) => {
    const number = String(from + index).padStart(6, '0');
    return makeEntry(`file-${number}`, { createdAt: from + index });
  });
}

/** A page call that waits for the test to answer it. */
export interface HeldCall {
  readonly call: string;
  answer(): void;
  refuse(error: DriveError): void;
}

/** Folders in memory, served in pages; counts calls, fails and waits as told. */
export class FakeDrive implements ReadDrive {
  pageSize = 100;
  /** Every page call as `folderId@offset`. */
  readonly calls: string[] = [];
  readonly aborted: string[] = [];
  readonly held: HeldCall[] = [];
  account: AccountInfo = {
    userId: 'u1',
    nickName: 'n',
    drives: [{ driveId: DRIVE_ID, role: 'backup' }],
  };
  accountCalls = 0;
  quota: Quota = { usedBytes: 1, totalBytes: 10 };
  quotaCalls = 0;
  /** Fails every call while set. */
  failure: DriveError | undefined;
  /** Page calls wait in `held` while set. */
  holding = false;
  /** Fails single look-ups while set. */
  entryFailure: DriveError | undefined;
  /** Ids of single look-ups. */
  readonly entryCalls: string[] = [];
  readonly #entries = new Map<string, Entry | undefined>();
  readonly #folders = new Map<string, readonly Entry[]>();

  setFolder(id: string, entries: readonly Entry[], driveId = DRIVE_ID): void {
    this.#folders.set(`${driveId}/${id}`, entries);
  }

  removeFolder(id: string, driveId = DRIVE_ID): void {
    this.#folders.delete(`${driveId}/${id}`);
  }

  async listPage(folder: EntryKey, marker: string, signal?: AbortSignal): Promise<Page> {
    const call = `${folder.id}@${marker || '0'}`;
    this.calls.push(call);
    if (this.holding) await this.#hold(call, signal);
    if (this.failure) throw this.failure;
    const entries = this.#folders.get(`${folder.driveId}/${folder.id}`);
    if (!entries) throw new DriveError('not-found', 'no such folder');
    const end = Number(marker) + this.pageSize;
    return { entries: entries.slice(Number(marker), end), nextMarker: end < entries.length ? String(end) : '' };
  }

  /** Answers the page calls that wait now and those that follow from them. */
  async releaseAll(): Promise<void> {
    this.holding = false;
    for (const call of this.held.splice(0)) call.answer();
    await settle();
  }

  async fetchAccount(): Promise<AccountInfo> {
    this.accountCalls++;
    if (this.failure) throw this.failure;
    return this.account;
  }

  async fetchQuota(): Promise<Quota> {
    this.quotaCalls++;
    if (this.failure) throw this.failure;
    return this.quota;
  }

  /** What a single look-up finds where that is not what listings show; undefined: it is no more. */
  setEntry(id: string, entry: Entry | undefined): void {
    this.#entries.set(id, entry);
  }

  async fetchEntry({ driveId, id }: EntryKey, signal?: AbortSignal): Promise<Entry> {
    this.entryCalls.push(id);
    if (this.holding) await this.#hold(`get ${id}`, signal);
    if (this.failure ?? this.entryFailure) throw this.failure ?? this.entryFailure;
    const listed = [...this.#folders].flatMap(([key, entries]) => (key.startsWith(`${driveId}/`) ? entries : []));
    const entry = this.#entries.has(id) ? this.#entries.get(id) : listed.find((candidate) => candidate.id === id);
    if (!entry) throw new DriveError('not-found', 'no such entry');
    return entry;
  }

  fetchDownload(): Promise<never> {
    return Promise.reject(new Error('the tree asks for no link'));
  }

  openRange(): Promise<never> {
    return Promise.reject(new Error('the tree reads no bytes'));
  }

  #hold(call: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.aborted.push(call);
        reject(new DriveError('aborted', 'aborted'));
      };
      signal?.addEventListener('abort', leave);
      const settleWith =
        <T extends unknown[]>(outcome: (...args: T) => void) =>
        (...args: T): void => {
          signal?.removeEventListener('abort', leave);
          outcome(...args);
        };
      this.held.push({ call, answer: settleWith(resolve), refuse: settleWith(reject) });
    });
  }
}

/** Lets everything that waits for no timer and no held call run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
