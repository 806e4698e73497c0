import { isBackground } from '../../../src/drive/call-signal.ts';
import type { CreatedFolder, StartedCopy, Target } from '../../../src/drive/drive.ts';
import type { Entry, EntryKey } from '../../../src/drive/entry.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import type { OperationDrive } from '../../../src/tree/operation-steps.ts';
import { makeEntry } from './fake-drive.ts';

export type Dialect = 'web' | 'open';

/** What befalls one step of a process: it dies before or after it, or hears that it failed although it was done or not. */
export type Trouble = 'kill-before' | 'kill-after' | 'not-done' | 'lost-answer' | 'refused';

/** The entries of two drives, as they outlive a process. */
export class Service {
  readonly entries = new Map<string, Entry>();
  readonly bin = new Set<string>();
  readonly tasks = new Map<string, { finish: () => void; fails: boolean }>();
  /** Listings show nothing that is younger than so many further listings. */
  hiddenLooks = 0;
  failsTasks = false;
  /** Of every look at an entry: whether it gave way to other calls. */
  readonly backgroundLooks: boolean[] = [];
  /** While set, every call is counted here and fails. */
  away: number[] | undefined;
  #nextId = 1;

  add(name: string, content: string, changes: Partial<Entry> = {}): Entry {
    const hash = content.padStart(40, '0');
    const entry = makeEntry(name, {
      id: `e${this.#nextId++}`,
      contentHash: hash,
      sizeBytes: content.length,
      ...changes,
    });
    this.entries.set(entry.id, entry);
    return entry;
  }

  addFolder(name: string, changes: Partial<Entry> = {}): Entry {
    return this.add(name, '', { kind: 'folder', contentHash: undefined, sizeBytes: 0, ...changes });
  }

  list({ driveId, id }: EntryKey): Entry[] {
    return [...this.entries.values()].filter((entry) => entry.driveId === driveId && entry.parentId === id);
  }

  /** Every file and folder as `drive/parent/name=content`, by the folders' names. */
  view(): string[] {
    return [...this.entries.values()].map((entry) => this.#toLine(entry)).sort();
  }

  /** What is said of entries, by their paths. */
  viewSaid(said: ReadonlyMap<string, string>): string[] {
    return [...this.entries.values()].map((entry) => `${this.#toPath(entry)}: ${said.get(entry.id)}`).sort();
  }

  #toLine(entry: Entry): string {
    const content = entry.kind === 'folder' ? '/' : `=${entry.contentHash?.replace(/^0+/, '')}`;
    return `${this.#toPath(entry)}${content}`;
  }

  #toPath({ driveId, parentId, name }: Entry): string {
    const parent = this.entries.get(parentId);
    return `${parent ? this.#toPath(parent) : driveId}/${name}`;
  }

  change(id: string, changes: Partial<Entry>): Entry {
    const entry = this.entries.get(id);
    if (!entry) throw new DriveError('not-found', `no ${id}`);
    const changed = { ...entry, ...changes };
    this.entries.set(id, changed);
    return changed;
  }

  take(id: string, toBin: boolean): void {
    if (!this.entries.has(id)) return;
    const entry = this.entries.get(id);
    for (const child of this.list({ driveId: entry?.driveId ?? '', id })) this.take(child.id, false);
    this.entries.delete(id);
    if (toBin) this.bin.add(id);
  }

  copyInto(entry: Entry, parent: EntryKey, name: string): Entry {
    const made = { parentId: parent.id, driveId: parent.driveId, kind: entry.kind, contentHash: entry.contentHash };
    return this.add(name, '', { ...made, sizeBytes: entry.sizeBytes });
  }
}

/** One process: its steps towards the service and the disk are counted, and one of them goes wrong. */
export class Life {
  steps: string[] = [];
  trouble: { readonly at: number; readonly what: Trouble } | undefined;
  isDead = false;
  /** After each step, whoever looks on. */
  onStep = (_step: string): void => {};

  async step<T>(name: string, effect: () => T, isRemote = true): Promise<T> {
    if (this.isDead) return this.#silence();
    this.steps.push(name);
    const what = this.trouble?.at === this.steps.length ? this.trouble.what : undefined;
    if (what === 'kill-before') return this.#die();
    if (isRemote && what === 'not-done') throw new DriveError('unavailable', `${name}: the service is away`);
    if (isRemote && what === 'refused') throw new DriveError('forbidden', `${name} is refused`);
    const result = effect();
    if (what === 'kill-after') return this.#die();
    this.onStep(name);
    if (isRemote && what === 'lost-answer') throw new DriveError('unavailable', `${name}: no answer`);
    return result;
  }

  #die(): Promise<never> {
    this.isDead = true;
    return this.#silence();
  }

  #silence(): Promise<never> {
    return new Promise(() => {});
  }
}

/** The port as a dialect fulfils it, one call of the service a step. */
export function createOperationDrive(service: Service, life: Life, dialect: Dialect): OperationDrive {
  const call = <T>(name: string, effect: () => T): Promise<T> => {
    if (!service.away) return life.step(name, effect);
    service.away.push(Date.now());
    return Promise.reject(new DriveError('unavailable', 'the service is away'));
  };

  function requireFree(parent: EntryKey, name: string, ids: readonly (string | undefined)[]): void {
    if (service.list(parent).some((entry) => entry.name === name && !ids.includes(entry.id))) {
      throw new DriveError('already-exists', `${name} is there`);
    }
  }

  async function move(entry: Entry, { parent, name, replaces }: Target): Promise<Entry> {
    let now = service.entries.get(entry.id);
    if (!now) throw new DriveError('not-found', 'the entry is gone');
    const { id } = now;
    const allowed = [id, replaces?.id];
    if (dialect === 'web') {
      if (now.parentId === parent.id && now.name === name) return now;
      return call('move', () => {
        requireFree(parent, name, allowed);
        for (const other of service.list(parent))
          if (other.name === name && other.id !== id) service.take(other.id, true);
        return service.change(id, { parentId: parent.id, name });
      });
    }
    const before = now.parentId;
    if (before !== parent.id) now = await call('move', () => service.change(id, { parentId: parent.id }));
    if (now.name === name) return now;
    try {
      return await call('rename', () => {
        if (!replaces) requireFree(parent, name, allowed);
        return service.change(id, { name });
      });
    } catch (error) {
      if (error instanceof DriveError && error.code !== 'unavailable') service.change(id, { parentId: before });
      throw error;
    }
  }

  function startTask(finish: () => void): string {
    const taskId = `task${service.tasks.size + 1}`;
    service.tasks.set(taskId, { finish, fails: service.failsTasks });
    return taskId;
  }

  function copy(entry: Entry, parent: EntryKey, name: string): StartedCopy {
    const made = service.copyInto(entry, parent, name);
    const key = { driveId: made.driveId, id: made.id };
    if (entry.kind === 'file') return { key, taskId: undefined };
    const [first, ...others] = service.list(entry);
    if (first) service.copyInto(first, key, first.name);
    return {
      key,
      taskId: startTask(() => {
        for (const child of others) service.copyInto(child, key, child.name);
      }),
    };
  }

  function requireAcross(): void {
    if (dialect === 'open') throw new DriveError('unsupported', 'no such call');
  }

  return {
    fetchEntry: ({ id }, signal) =>
      call('get', () => {
        service.backgroundLooks.push(isBackground(signal));
        const entry = service.entries.get(id);
        if (!entry) throw new DriveError('not-found', 'gone');
        return entry;
      }),
    createFolder: (parent, name) =>
      call('create', (): CreatedFolder => {
        const there = service.list(parent).find((entry) => entry.name === name);
        if (there) return { outcome: 'exists', key: there, kind: there.kind };
        return { outcome: 'created', entry: service.addFolder(name, { driveId: parent.driveId, parentId: parent.id }) };
      }),
    move,
    settleReplaced: (replaced, successor) =>
      call('settle', () => {
        if (replaced.id !== successor.id) service.take(replaced.id, true);
      }),
    startCopy: (entry, parent, name) => call('copy', () => copy(entry, parent, dialect === 'web' ? name : entry.name)),
    copyAcross: async (entry, parent) => {
      requireAcross();
      return call('copy-across', () => copy(entry, parent, entry.name));
    },
    moveAcross: async (entry, parent) => {
      requireAcross();
      return call('move-across', (): StartedCopy => {
        const made = service.copyInto(entry, parent, entry.name);
        for (const child of service.list(entry)) service.copyInto(child, made, child.name);
        service.take(entry.id, false);
        return { key: { driveId: made.driveId, id: made.id }, taskId: undefined };
      });
    },
    awaitTask: (taskId) =>
      call('await', () => {
        const task = service.tasks.get(taskId);
        if (task?.fails) throw new DriveError('task-failed', 'not all was copied');
        task?.finish();
        if (task) task.finish = () => {};
      }),
    trash: ({ id }) => call('trash', () => service.take(id, true)),
    deleteForGood: ({ id }) => call('delete', () => service.take(id, false)),
  };
}
