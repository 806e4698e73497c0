import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isDriveError } from '../../../src/drive/errors.ts';
import type { Operations } from '../../../src/tree/operations.ts';
import { DRIVE_ID } from './fake-drive.ts';
import {
  type Disk,
  furnish,
  OTHER,
  type Process,
  type ProcessOptions,
  ROOT,
  settle,
  startProcess,
} from './operations-rig.ts';
import type { Dialect, Service, Trouble } from './operations-service.ts';

interface Scene {
  readonly service: Service;
  run(operations: Operations): Promise<unknown>;
}

interface Scenario {
  readonly title: string;
  readonly dialects: readonly Dialect[];
  readonly options?: ProcessOptions;
  set(): Scene;
}

const BOTH = ['web', 'open'] as const;
const WEB = ['web'] as const;
const OPEN = ['open'] as const;

type Furnished = ReturnType<typeof furnish>;

function scenario(
  title: string,
  dialects: readonly Dialect[],
  run: (operations: Operations, scene: Furnished) => Promise<unknown>,
  options?: ProcessOptions,
): Scenario {
  return {
    title,
    dialects,
    ...(options && { options }),
    set() {
      const scene = furnish();
      return { service: scene.service, run: (operations) => run(operations, scene) };
    },
  };
}

const PATHS = { path: '/source', targetPath: '/target' };

const SCENARIOS: readonly Scenario[] = [
  scenario('rename', BOTH, (o, { a }) => o.move(a, { parent: ROOT, name: 'new' }, PATHS)),
  scenario('move', BOTH, (o, { b, into }) => o.move(b, { parent: into, name: 'b' }, PATHS)),
  scenario('move and rename', BOTH, (o, { a, into }) => o.move(a, { parent: into, name: 'new' }, PATHS)),
  scenario('rename over', BOTH, (o, { a, b }) => o.move(a, { parent: ROOT, name: 'b', replaces: b }, PATHS)),
  scenario('move over', BOTH, (o, { a, into, sameName }) =>
    o.move(a, { parent: into, name: 'a', replaces: sameName }, PATHS),
  ),
  scenario('move and rename over', BOTH, (o, { a, into, c }) =>
    o.move(a, { parent: into, name: 'c', replaces: c }, PATHS),
  ),
  scenario('move of a folder over a file', BOTH, (o, { full, into, c }) =>
    o.move(full, { parent: into, name: 'c', replaces: c }, PATHS),
  ),
  scenario('copy', BOTH, (o, { b, into }) => o.copy(b, { parent: into, name: 'b' }, 'infinity', '/target')),
  scenario('copy beside itself', BOTH, (o, { a }) => o.copy(a, { parent: ROOT, name: 'new' }, 'infinity', '/target')),
  scenario('copy and rename', BOTH, (o, { a, into }) =>
    o.copy(a, { parent: into, name: 'new' }, 'infinity', '/target'),
  ),
  scenario('copy over', BOTH, (o, { a, into, c }) =>
    o.copy(a, { parent: into, name: 'c', replaces: c }, 'infinity', '/target'),
  ),
  scenario('copy over its like', BOTH, (o, { a, into, sameName }) =>
    o.copy(a, { parent: into, name: 'a', replaces: sameName }, 'infinity', '/target'),
  ),
  scenario('copy of a folder', BOTH, (o, { full, into }) =>
    o.copy(full, { parent: into, name: 'full' }, 'infinity', '/target'),
  ),
  scenario('copy of a folder over a file', BOTH, (o, { full, into, c }) =>
    o.copy(full, { parent: into, name: 'c', replaces: c }, 'infinity', '/target'),
  ),
  scenario('copy of a folder alone', BOTH, (o, { full, into }) =>
    o.copy(full, { parent: into, name: 'new' }, '0', '/target'),
  ),
  scenario('copy of a folder alone over a file', BOTH, (o, { full, into, c }) =>
    o.copy(full, { parent: into, name: 'c', replaces: c }, '0', '/target'),
  ),
  scenario('removal of a file', BOTH, (o, { a }) => o.remove(a, '/source')),
  scenario('removal of a folder for good', BOTH, (o, { full }) => o.remove(full, '/source'), {
    toTrash: false,
  }),
  scenario('move across', WEB, (o, { b }) => o.move(b, { parent: OTHER, name: 'b' }, PATHS)),
  scenario('move across and rename over', WEB, (o, { b, far }) =>
    o.move(b, { parent: OTHER, name: 'a', replaces: far }, PATHS),
  ),
  scenario('move of a folder across', WEB, (o, { full }) => o.move(full, { parent: OTHER, name: 'new' }, PATHS)),
  scenario('move through us', OPEN, (o, { b }) => o.move(b, { parent: OTHER, name: 'b' }, PATHS)),
  scenario('move through us over', OPEN, (o, { b, far }) =>
    o.move(b, { parent: OTHER, name: 'a', replaces: far }, { path: '/source' }),
  ),
  scenario('copy across', WEB, (o, { a }) => o.copy(a, { parent: OTHER, name: 'new' }, 'infinity', '/target')),
  scenario('copy across over', WEB, (o, { b, far }) =>
    o.copy(b, { parent: OTHER, name: 'a', replaces: far }, 'infinity', '/target'),
  ),
  scenario('copy of a folder across', WEB, (o, { full }) =>
    o.copy(full, { parent: OTHER, name: 'full' }, 'infinity', '/target'),
  ),
  scenario('copy through us', OPEN, (o, { b, far }) =>
    o.copy(b, { parent: OTHER, name: 'a', replaces: far }, 'infinity'),
  ),
];

const CASES = SCENARIOS.flatMap((one) => one.dialects.map((dialect) => ({ ...one, dialect })));
/** Where the old file has given way and the source cannot, both stay: there is nothing else that loses neither. */
const KEEPS_BOTH = 'refused at 4 (trash)';
const TROUBLES: readonly Trouble[] = ['kill-before', 'kill-after', 'not-done', 'lost-answer', 'refused'];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

interface Ending {
  readonly error: unknown;
  readonly isDone: boolean;
}

function watch(promise: Promise<unknown>): { ending: Ending | undefined } {
  const watched: { ending: Ending | undefined } = { ending: undefined };
  promise.then(
    () => {
      watched.ending = { error: undefined, isDone: true };
    },
    (error: unknown) => {
      watched.ending = { error, isDone: false };
    },
  );
  return watched;
}

/** What a file or a name may never look like to readers, at whatever step. */
function findTwins(process: Process): string[] {
  return [ROOT, OTHER, { driveId: DRIVE_ID, id: 'e3' }].flatMap((folder) => {
    const names = process.visible(folder).map(({ name }) => name);
    return names.filter((name, index) => names.indexOf(name) !== index || name.startsWith('.alidav-'));
  });
}

/** Something else of each entry, but of what is in a folder that is moved or copied: its new ids nobody tells. */
function sayOfAll({ entries }: Service): Map<string, string> {
  const named = [...entries.values()].filter(({ parentId }) => entries.get(parentId)?.name !== 'full');
  return new Map(named.map(({ id }) => [id, `said of ${id}`]));
}

async function runWell({ set, dialect, options }: (typeof CASES)[number]) {
  const { service, run } = set();
  const before = service.view();
  const disk: Disk = new Map();
  const said = sayOfAll(service);
  const saidBefore = service.viewSaid(said);
  const vacated = new Set<string>();
  const process = startProcess(service, disk, dialect, { ...options, said, vacated });
  const twins: string[] = [];
  process.life.onStep = () => twins.push(...findTwins(process));
  await run(process.operations);
  return {
    before: { drive: before, said: saidBefore, vacated: [] as string[] },
    after: { drive: service.view(), said: service.viewSaid(said), vacated: [...vacated].sort() },
    steps: process.life.steps,
    disk,
    guards: process.guards,
    twins,
  };
}

describe.each(CASES)('$title ($dialect)', (one) => {
  it('shows no twin and nothing half done on its way, and leaves nothing behind', async () => {
    const { before, after, disk, guards, twins } = await runWell(one);

    expect(after.drive).not.toEqual(before.drive);
    expect(twins).toEqual([]);
    expect(disk.size).toBe(0);
    expect(guards.size).toBe(0);
  });

  it('ends with the old or the new state, whatever happens at whichever step', async () => {
    const { before, after, steps } = await runWell(one);
    for (const what of TROUBLES) {
      for (let at = 1; at <= steps.length; at++) {
        const label = `${what} at ${at} (${steps[at - 1]})`;
        if (label === KEEPS_BOTH && one.title === 'move through us over') continue;
        const { service, run } = one.set();
        const disk: Disk = new Map();
        const hidden = new Set<string>();
        const [said, vacated] = [sayOfAll(service), new Set<string>()];
        const view = () => ({
          drive: service.view(),
          said: service.viewSaid(said),
          vacated: [...vacated].sort(),
        });
        const options = { ...one.options, hidden, said, vacated };
        let process = startProcess(service, disk, one.dialect, options);
        process.life.trouble = { at, what };
        const watched = watch(run(process.operations));
        await settle();
        if (process.life.isDead) {
          expect(watched.ending, label).toBeUndefined();
          process = startProcess(service, disk, one.dialect, options);
          await process.operations.restoreGuards();
          expect(findTwins(process), label).toEqual([]);
        }
        const recovered = watch(process.operations.recover());
        await vi.advanceTimersByTimeAsync(120_000);

        expect(recovered.ending?.isDone, label).toBe(true);
        expect([before, after], label).toContainEqual(view());
        expect(disk.size, label).toBe(0);
        expect(process.guards.size, label).toBe(0);
        const { ending } = watched;
        if (ending?.isDone) expect(view(), label).toEqual(after);
        if (ending && isDriveError(ending.error, 'forbidden')) expect(view(), label).toEqual(before);
      }
    }
  });
});

describe('a second kill, in the middle of the recovery', () => {
  it.each(CASES)('changes nothing about the end: $title ($dialect)', async (one) => {
    const { before, after, steps } = await runWell(one);
    for (let at = 2; at <= steps.length; at++) {
      for (let next = 1; next <= 10; next++) {
        const label = `after ${at} (${steps[at - 1]}), then ${next}`;
        const { service, run } = one.set();
        const disk: Disk = new Map();
        const hidden = new Set<string>();
        const [said, vacated] = [sayOfAll(service), new Set<string>()];
        const start = () => startProcess(service, disk, one.dialect, { ...one.options, hidden, said, vacated });
        const first = start();
        first.life.trouble = { at, what: 'kill-after' };
        void run(first.operations);
        await settle();
        const second = start();
        second.life.trouble = { at: next, what: 'kill-after' };
        void second.operations.recover();
        await vi.advanceTimersByTimeAsync(60_000);
        const third = start();
        void third.operations.recover();
        await vi.advanceTimersByTimeAsync(60_000);

        const view = { drive: service.view(), said: service.viewSaid(said), vacated: [...vacated].sort() };
        expect([before, after], label).toContainEqual(view);
        expect(disk.size, label).toBe(0);
        if (!second.life.isDead) break;
      }
    }
  });
});
