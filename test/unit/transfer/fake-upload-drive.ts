import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { isBackground } from '../../../src/drive/call-signal.ts';
import type { Change } from '../../../src/drive/change.ts';
import type {
  CreatedFile,
  CreateFileRequest,
  Drive,
  UploadedPart,
  UploadPart,
  UploadSession,
} from '../../../src/drive/drive.ts';
import type { Entry, EntryKey } from '../../../src/drive/entry.ts';
import { DriveError, type DriveErrorCode } from '../../../src/drive/errors.ts';
import type { Journal, JournalRecord } from '../../../src/state/journal.ts';

export const ROOT = { driveId: '1', id: 'root' } as const;

export function sha1(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex').toUpperCase();
}

export async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What happens to the next call of a kind: before it has its effect, or after, when only the answer is lost. */
export interface Fault {
  readonly call: string;
  readonly when?: 'before' | 'after';
  readonly code?: DriveErrorCode;
  readonly how?: 'hang';
  /** Calls of the kind that go well first. */
  skip?: number;
}

/** What a process does outside itself, one step after another; killed, it never takes another step. */
export class FakeProcess {
  readonly steps: string[] = [];
  killAt: number | undefined;
  isDead = false;
  onKilled = (): void => {};
  onStep = (): void => {};

  async step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    if (this.isDead) return new Promise<never>(() => {});
    const result = await work();
    // To die before a step is to die after the one before.
    this.#mark(name);
    if (this.isDead) return new Promise<never>(() => {});
    return result;
  }

  #mark(name: string): void {
    if (this.isDead) return;
    this.steps.push(name);
    this.onStep();
    if (this.steps.length !== this.killAt) return;
    this.isDead = true;
    this.onKilled();
  }
}

interface Stored {
  entry: Entry;
  bytes: Buffer;
}

interface OpenSession {
  readonly session: UploadSession;
  readonly parts: Buffer[];
}

/** The service as the contract tells it, with its memory, its rules and its faults; it outlives the processes that call it. */
export class FakeService {
  readonly files = new Map<string, Stored>();
  readonly sessions = new Map<string, OpenSession>();
  /** Content that somebody has uploaded before. */
  readonly known = new Map<string, Buffer>();
  readonly faults: Fault[] = [];
  readonly calls: string[] = [];
  /** Of them, those that gave way to others. */
  readonly backgroundCalls: string[] = [];
  readonly partSizes: number[] = [];
  readonly deletedForGood: string[] = [];
  /** Between two parts of the storage host. */
  partDelay: (() => Promise<void>) | undefined;
  /** The web API swaps the content of one entry, the open API knows only equal names. */
  readonly swaps: boolean;
  /** A listing that has not heard of anything yet. */
  listsNothing = false;
  /** Whether it receives other bytes than were sent. */
  corrupts = false;
  clock = Date.UTC(2024, 2, 1);
  readonly #folders = new Set(['root']);
  #lastId = 0;

  constructor(swaps = false) {
    this.swaps = swaps;
  }

  addFile(name: string, bytes: Buffer, overrides: Partial<Entry> = {}): Entry {
    const id = `f${++this.#lastId}`;
    const entry: Entry = {
      driveId: ROOT.driveId,
      id,
      parentId: ROOT.id,
      name,
      kind: 'file',
      sizeBytes: bytes.length,
      createdAt: this.clock,
      updatedAt: ++this.clock,
      contentHash: sha1(bytes),
      mimeType: undefined,
      liveStreams: undefined,
      blockedReason: undefined,
      trashed: false,
      ...overrides,
    };
    this.files.set(id, { entry, bytes });
    return entry;
  }

  /** What stands in the folder under a name, the recycle bin left out. */
  named(name: string): Stored[] {
    return [...this.files.values()].filter(({ entry }) => entry.name === name && !entry.trashed);
  }

  contentsOf(name: string): string[] {
    return this.named(name).map(({ bytes }) => bytes.toString('latin1'));
  }

  trash(id: string): void {
    const file = this.files.get(id);
    if (file) file.entry = { ...file.entry, trashed: true, updatedAt: ++this.clock };
  }

  count(call: string): number {
    return this.calls.filter((name) => name === call).length;
  }

  connect(process = new FakeProcess()): Drive {
    const ask = <T>(name: string, signal: AbortSignal | undefined, work: () => T | Promise<T>): Promise<T> =>
      process.step(name, () => this.#call(name, signal, work));
    const drive: Partial<Drive> = {
      fetchEntry: (key, signal) => ask('fetchEntry', signal, () => this.#find(key).entry),
      createFile: (request, signal) => ask('createFile', signal, () => this.#create(request)),
      putPart: (session, part, open, signal) => ask('putPart', signal, () => this.#put(session, part, open, signal)),
      listUploadedParts: (session, signal) => ask('listUploadedParts', signal, () => this.#listParts(session)),
      completeUpload: (session, signal) => ask('completeUpload', signal, () => this.#complete(session)),
      abandonUpload: (session, signal) => ask('abandonUpload', signal, () => this.#abandon(session)),
      swapsInPlace: async () => this.swaps,
      settleReplaced: (replaced, _successor, signal) => ask('settleReplaced', signal, () => this.trash(replaced.id)),
      deleteForGood: (key, signal) => ask('deleteForGood', signal, () => this.#delete(key)),
    };
    return drive as Drive;
  }

  listFresh(process = new FakeProcess()): (folder: EntryKey, signal?: AbortSignal) => Promise<readonly Entry[]> {
    return (folder, signal) =>
      process.step('listFresh', () =>
        this.#call('listFresh', signal, () =>
          [...this.files.values()]
            .filter(({ entry }) => !this.listsNothing && entry.parentId === folder.id && !entry.trashed)
            .map(({ entry }) => entry),
        ),
      );
  }

  async #call<T>(name: string, signal: AbortSignal | undefined, work: () => T | Promise<T>): Promise<T> {
    this.calls.push(name);
    if (isBackground(signal)) this.backgroundCalls.push(name);
    const fault = this.#takeFault(name);
    if (signal?.aborted) throw new DriveError('aborted', 'aborted');
    if (fault?.how === 'hang') {
      if (fault.when === 'after') await work();
      return new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () => reject(new DriveError('aborted', 'aborted')));
      });
    }
    if (fault && fault.when !== 'after') throw new DriveError(fault.code ?? 'unavailable', `${name} failed`);
    const result = await work();
    if (fault) throw new DriveError(fault.code ?? 'unavailable', `${name}: no answer`);
    return result;
  }

  #takeFault(name: string): Fault | undefined {
    const fault = this.faults.find(({ call }) => call === name);
    if (!fault) return undefined;
    if (fault.skip) {
      fault.skip--;
      return undefined;
    }
    this.faults.splice(this.faults.indexOf(fault), 1);
    return fault;
  }

  #find(key: EntryKey): Stored {
    const file = this.files.get(key.id);
    if (!file) throw new DriveError('not-found', 'no such file');
    return file;
  }

  async #create(request: CreateFileRequest): Promise<CreatedFile> {
    const { parent, name, replaces, sizeBytes, partSizeBytes, fingerprint } = request;
    if (!this.#folders.has(parent.id)) throw new DriveError('not-found', 'no such folder');
    const [standing] = this.named(name);
    if (standing && !replaces) return { outcome: 'exists', key: standing.entry };
    if (fingerprint?.kind === 'pre-hash') {
      for (const bytes of this.known.values()) {
        if (sha1(bytes.subarray(0, 1024)) === fingerprint.preHash) return { outcome: 'pre-hash-matched' };
      }
    }
    const swapped = this.swaps ? replaces?.id : undefined;
    if (fingerprint?.kind === 'content-hash') {
      const bytes = this.known.get(fingerprint.contentHash);
      if (bytes && bytes.length === sizeBytes) {
        const first = Math.floor(sizeBytes / 3);
        const last = Math.min(first + 8, sizeBytes) - 1;
        const proof = sizeBytes === 0 ? Buffer.alloc(0) : await fingerprint.readProof({ first, last });
        if (!bytes.subarray(first, last + 1).equals(proof)) throw new Error('a false proof');
        return { outcome: 'instant', entry: this.#place(name, bytes, parent, swapped) };
      }
    }
    const session: UploadSession = {
      driveId: parent.driveId,
      id: swapped ?? `f${++this.#lastId}`,
      parentId: parent.id,
      name,
      uploadId: `u${++this.#lastId}`,
      sizeBytes,
      partSizeBytes,
      replaces,
    };
    this.sessions.set(session.uploadId, { session, parts: [] });
    return { outcome: 'upload', session };
  }

  #place(name: string, bytes: Buffer, parent: EntryKey, id: string | undefined): Entry {
    const entry = this.addFile(name, bytes, { parentId: parent.id, ...(id !== undefined && { id }) });
    const made = [...this.files].find(([, stored]) => stored.entry === entry);
    if (made && made[0] !== entry.id) {
      this.files.delete(made[0]);
      this.files.set(entry.id, made[1]);
    }
    return entry;
  }

  #session({ uploadId }: UploadSession): OpenSession {
    const open = this.sessions.get(uploadId);
    if (!open) throw new DriveError('upload-session-gone', 'no such upload');
    return open;
  }

  async #put(session: UploadSession, part: UploadPart, open: () => Readable, signal?: AbortSignal): Promise<void> {
    const { parts } = this.#session(session);
    const body = open();
    const bytes = await collect(body);
    if (bytes.length !== part.sizeBytes) throw new DriveError('content-mismatch', 'a part of another length');
    await this.partDelay?.();
    if (signal?.aborted) throw new DriveError('aborted', 'aborted');
    if (part.number <= parts.length) return;
    if (part.number > parts.length + 1) throw new DriveError('part-out-of-order', 'PartNotSequential');
    parts.push(bytes);
    this.partSizes.push(bytes.length);
  }

  #listParts(session: UploadSession): UploadedPart[] {
    return this.#session(session).parts.map((bytes, index) => ({
      number: index + 1,
      sizeBytes: bytes.length,
      etag: sha1(bytes),
    }));
  }

  #complete(session: UploadSession): Entry {
    const open = this.sessions.get(session.uploadId);
    if (!open) {
      const done = this.files.get(session.id);
      if (done && done.entry.id !== session.replaces?.id) return done.entry;
      throw new DriveError('upload-session-gone', 'no such upload');
    }
    const bytes = Buffer.concat(open.parts);
    if (bytes.length !== session.sizeBytes) throw new DriveError('part-out-of-order', 'a part is missing');
    this.sessions.delete(session.uploadId);
    if (this.corrupts) bytes.fill(0);
    return this.#place(session.name, bytes, { driveId: session.driveId, id: session.parentId }, session.id);
  }

  #abandon(session: UploadSession): void {
    this.sessions.delete(session.uploadId);
    if (session.id !== session.replaces?.id) this.files.delete(session.id);
  }

  #delete(key: EntryKey): void {
    this.deletedForGood.push(key.id);
    this.files.delete(key.id);
  }
}

/** The journal of all processes. */
export class FakeJournal<T> {
  readonly records = new Map<string, string>();
  failure: Error | undefined;
  readonly #own = new WeakMap<FakeProcess, Set<string>>();
  #lastId = 0;

  connect(process = new FakeProcess()): Journal<T> {
    const own = this.#ownOf(process);
    const write = (name: string, work: () => void) =>
      process.step(name, () => {
        if (this.failure) throw this.failure;
        work();
      });
    return {
      add: async (value) => {
        const id = `r${++this.#lastId}`;
        own.add(id);
        await write('journal.add', () => this.records.set(id, JSON.stringify(value)));
        return id;
      },
      update: (id, value) => write('journal.update', () => this.records.set(id, JSON.stringify(value))),
      remove: (id) => write('journal.remove', () => this.records.delete(id)),
      list: async (): Promise<JournalRecord<T>[]> =>
        [...this.records].map(([id, value]) => ({ id, value: JSON.parse(value) as T, isOwn: own.has(id) })),
    };
  }

  #ownOf(process: FakeProcess): Set<string> {
    const own = this.#own.get(process) ?? new Set();
    this.#own.set(process, own);
    return own;
  }

  get values(): T[] {
    return [...this.records.values()].map((value) => JSON.parse(value) as T);
  }
}

interface Guarded {
  readonly folder: EntryKey;
  readonly name: string;
  readonly visibleId: string | undefined;
}

/** What readers see: the service's folder, our own changes over it, and guards over names. */
export class FakeReaders {
  readonly guards = new Set<Guarded>();
  readonly changes: Change[] = [];
  readonly #gone = new Set<string>();
  readonly #local = new Map<string, Entry>();
  readonly #service: FakeService;

  constructor(service: FakeService) {
    this.#service = service;
  }

  readonly guard = (folder: EntryKey, name: string, visibleId: string | undefined): (() => void) => {
    const guarded = { folder, name, visibleId };
    this.guards.add(guarded);
    return () => this.guards.delete(guarded);
  };

  apply(change: Change): void {
    this.changes.push(change);
    for (const { id } of change.removed) {
      this.#gone.add(id);
      this.#local.delete(id);
    }
    for (const entry of change.placed) {
      this.#gone.delete(entry.id);
      if (entry.id.startsWith('alidav:')) this.#local.set(entry.id, entry);
    }
  }

  /** Guards and local entries are of a process; what else was noted survives it. */
  restart(): void {
    this.guards.clear();
    this.#local.clear();
  }

  see(name: string): Entry[] {
    const local = [...this.#local.values()].filter((entry) => entry.name === name);
    return [...this.#service.named(name).map(({ entry }) => entry), ...local]
      .filter(({ id }) => !this.#gone.has(id))
      .filter(({ id }) => [...this.guards].every((guard) => guard.name !== name || guard.visibleId === id));
  }
}
