import type { Change, Origin } from '../../../src/drive/change.ts';
import type { Target } from '../../../src/drive/drive.ts';
import type { Entry, EntryKey } from '../../../src/drive/entry.ts';
import { createLogger } from '../../../src/log.ts';
import type { Journal } from '../../../src/state/journal.ts';
import type { OperationRecord } from '../../../src/tree/operation-record.ts';
import { Operations } from '../../../src/tree/operations.ts';
import { DRIVE_ID } from './fake-drive.ts';
import { createOperationDrive, type Dialect, Life, Service } from './operations-service.ts';

export const ROOT: EntryKey = { driveId: DRIVE_ID, id: 'root' };
export const OTHER: EntryKey = { driveId: 'd2', id: 'root' };

/** `d1/a=1`, `d1/b=2`, a folder `d1/in` with `c=3` and `a=4`, a folder `d1/full` with `x=5` and `y=6`, and `d2/a=7`. */
export function furnish() {
  const service = new Service();
  const a = service.add('a', '1');
  const b = service.add('b', '2');
  const into = service.addFolder('in');
  const inside = { parentId: into.id };
  const c = service.add('c', '3', inside);
  const sameName = service.add('a', '4', inside);
  const full = service.addFolder('full');
  service.add('x', '5', { parentId: full.id });
  service.add('y', '6', { parentId: full.id });
  const far = service.add('a', '7', { driveId: 'd2' });
  return { service, a, b, into, c, sameName, full, far };
}

interface GuardedView {
  readonly folder: EntryKey;
  readonly name: string;
  readonly visibleId: string | undefined;
}

/** A journal on a disk that outlives the process. */
export type Disk = Map<string, OperationRecord>;

export interface Process {
  readonly operations: Operations;
  readonly life: Life;
  readonly guards: Set<GuardedView>;
  /** Names of which the next reader is to ask the service. */
  readonly doubts: string[];
  /** What was told of where entries come from. */
  readonly origins: Origin[];
  /** Paths at which the recovery has left nothing. */
  readonly vacated: Set<string>;
  /** What readers see of the service's folder now. */
  visible(folder: EntryKey): Entry[];
}

export interface ProcessOptions {
  readonly toTrash?: boolean;
  /** Ids that were removed for readers, as the overlay keeps them over a restart. */
  readonly hidden?: Set<string>;
  /** What clients have said of entries, by id; outlives the process, too. */
  readonly said?: Map<string, string>;
  /** Paths whose locks have ended. */
  readonly vacated?: Set<string>;
  readonly claim?: () => Promise<() => void>;
}

/** A process that works on a service and a disk. */
export function startProcess(service: Service, disk: Disk, dialect: Dialect, options: ProcessOptions = {}): Process {
  const { toTrash = true, hidden = new Set<string>(), said = new Map(), vacated = new Set<string>() } = options;
  const life = new Life();
  const guards = new Set<GuardedView>();
  const doubts: string[] = [];
  const origins: Origin[] = [];
  let nextRecord = disk.size;
  const own = new Set<string>();
  const journal: Journal<OperationRecord> = {
    add: (value) =>
      life.step(
        'journal add',
        () => {
          const id = `r${++nextRecord}-${Math.random()}`;
          own.add(id);
          disk.set(id, structuredClone(value));
          return id;
        },
        false,
      ),
    update: (id, value) => life.step('journal update', () => void disk.set(id, structuredClone(value)), false),
    remove: (id) => life.step('journal remove', () => void disk.delete(id), false),
    list: async () => [...disk].map(([id, value]) => ({ id, value: structuredClone(value), isOwn: own.has(id) })),
  };
  const onChanged = ({ removed, placed, origins: told = [] }: Change) => {
    origins.push(...told);
    for (const { id } of removed) hidden.add(id);
    for (const { id } of placed) hidden.delete(id);
    return life.step('overlay', () => follow(said, { removed, placed, origins: told }), false);
  };
  const visible = (folder: EntryKey) =>
    service
      .list(folder)
      .filter(({ id }) => !hidden.has(id))
      .filter(({ id, name, parentId }) =>
        [...guards].every((guard) => guard.folder.id !== parentId || guard.name !== name || guard.visibleId === id),
      );
  const operations = new Operations({
    drive: createOperationDrive(service, life, dialect),
    journal: async () => journal,
    onChanged,
    guard: (folder, name, visibleId) => {
      const guard = { folder, name, visibleId };
      guards.add(guard);
      return (isUnsure = false) => {
        guards.delete(guard);
        if (isUnsure) doubts.push(name);
      };
    },
    claim: options.claim ?? (async () => () => {}),
    namesakes: (folder, name) =>
      visible(folder)
        .filter((entry) => entry.name === name)
        .map(({ id }) => id),
    listFresh: (folder) =>
      life.step('list', () => {
        if (service.hiddenLooks === 0) return service.list(folder);
        service.hiddenLooks -= 1;
        return [];
      }),
    relay: (entry: Entry, { parent, name, replaces }: Target) =>
      life.step('relay', () => {
        if (replaces) service.take(replaces.id, true);
        const to = service.copyInto(entry, parent, name);
        const told: Origin[] = [{ how: 'copied', from: entry, to }];
        follow(said, { removed: replaces ? [replaces] : [], placed: [to], origins: told });
        return to;
      }),
    onVacated: (path, what) => life.step('vacate', () => void vacated.add(`${what} at ${path}`), false),
    toTrash,
    now: Date.now,
    random: () => 0.5,
    log: createLogger({ log_level: 'silent', log_format: 'json' }),
  });
  return { operations, life, guards, doubts, origins, vacated, visible };
}

function follow(said: Map<string, string>, { removed, placed, origins = [] }: Change): void {
  for (const { how, from, to } of origins) {
    const saying = said.get(from.id);
    if (saying !== undefined) said.set(to.id, saying);
    if (!how.startsWith('copied') && from.id !== to.id) said.delete(from.id);
  }
  for (const { id } of removed) if (!placed.some((entry) => entry.id === id)) said.delete(id);
}

/** Lets everything run that waits for no timer. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
}
