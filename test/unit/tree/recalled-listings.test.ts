import { afterEach, describe, expect, it, vi } from 'vitest';
import { isBackground } from '../../../src/drive/call-signal.ts';
import type { Change } from '../../../src/drive/change.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import { makeLocalEntry } from '../../../src/drive/local-entry.ts';
import type { ReadOptions } from '../../../src/tree/node.ts';
import { StoredListings } from '../../../src/tree/stored-listings.ts';
import { DRIVE_ID, makeEntry, makeFiles, makeFolder, settle } from './fake-drive.ts';
import { FRESH_MS, makeTree, makeWorld, silentLog, type TestTree, type World } from './make-tree.ts';

const ROOT = { driveId: DRIVE_ID, id: 'root' };
const MINUTE_MS = 60_000;
const DOWN = new DriveError('unavailable', 'down');
const LOOKING: ReadOptions = { mayBeStale: true };

interface Process extends TestTree {
  readonly stored: StoredListings;
}

/** A process on what the last one has left. */
async function start(world: World, maxEntries = 200_000): Promise<Process> {
  const { store, clock } = world;
  const stored = new StoredListings({ store, userId: async () => 'u1', now: () => clock.now, log: silentLog });
  const made = makeTree({ stored, maxEntries }, world);
  await made.overlay.load();
  return { ...made, stored };
}

/** All is on the disk as after some quiet time. */
async function rest({ stored, overlay }: Process): Promise<void> {
  await settle();
  await stored.idle();
  await settle();
  await overlay.idle();
}

/** The root was listed and is stored; the next process has asked for nothing yet. */
async function restarted(count: number, pageSize = 100): Promise<{ world: World; process: Process }> {
  const world = makeWorld();
  world.drive.pageSize = pageSize;
  world.drive.setFolder('root', makeFiles(count));
  const before = await start(world);
  await before.names('/');
  await rest(before);
  world.drive.calls.length = 0;
  return { world, process: await start(world) };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('after a restart', () => {
  it('a fresh listing costs no call, for what is there and for what is not', async () => {
    const { world, process } = await restarted(250);
    world.clock.now += FRESH_MS - 1;
    expect(await process.names('/')).toHaveLength(250);
    expect((await process.tree.get('/file-000249', {})).name).toBe('file-000249');
    await expect(process.tree.get('/absent', {})).rejects.toMatchObject({ code: 'not-found' });
    expect((await process.tree.locate('/absent')).node).toBeUndefined();
    expect(world.drive.calls).toEqual([]);
  });

  it('is as old as it was, and after the clock was put back not to be trusted', async () => {
    for (const passed of [FRESH_MS, -1]) {
      const { world, process } = await restarted(3);
      world.clock.now += passed;
      world.drive.setFolder('root', [makeEntry('new')]);
      expect(await process.names('/', LOOKING)).toEqual(['new']);
    }
  });

  it('the tree is there without a network, but nothing is proven absent', async () => {
    const { world, process } = await restarted(250);
    world.clock.now += 24 * 60 * MINUTE_MS;
    world.drive.failure = DOWN;
    expect(await process.names('/', LOOKING)).toHaveLength(250);
    expect((await process.tree.get('/file-000001', LOOKING)).name).toBe('file-000001');
    await expect(process.tree.get('/absent', LOOKING)).rejects.toBe(DOWN);
    await expect(process.names('/', { fresh: true })).rejects.toBe(DOWN);
  });

  it('nobody waits long for a service of which nothing was heard', async () => {
    const { world, process } = await restarted(3);
    world.clock.now += 24 * 60 * MINUTE_MS;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    world.drive.holding = true;
    const all = Promise.all([process.names('/', LOOKING), process.tree.get('/file-000001', LOOKING)]);
    const waiting = vi.fn();
    // Who writes, and who would rather wait.
    void process.tree.locate('/file-000001').then(waiting, waiting);
    void process.tree.get('/file-000001', {}).then(waiting, waiting);
    void process.names('/').then(waiting, waiting);
    await settle();
    await vi.advanceTimersByTimeAsync(1_000);
    const [names, node] = await all;
    expect([names.length, node.name]).toEqual([3, 'file-000001']);
    expect(waiting).not.toHaveBeenCalled();
    world.drive.setFolder('root', [makeEntry('new')]);
    await world.drive.releaseAll();
    expect(world.drive.aborted).toEqual([]);
    expect(await process.names('/')).toEqual(['new']);
  });

  it('what memory has no room for comes from the disk', async () => {
    const world = makeWorld();
    const folders = ['a', 'b', 'c'].map((name) => makeFolder(name));
    world.drive.setFolder('root', folders);
    for (const { id } of folders) world.drive.setFolder(id, makeFiles(40));
    const process = await start(world, 50);
    for (const { name } of folders) await process.names(`/${name}`);
    world.drive.calls.length = 0;
    for (const { name } of folders) expect(await process.names(`/${name}`)).toHaveLength(40);
    expect(world.drive.calls).toEqual([]);
  });

  it('a folder that is proven to be gone is gone on the disk, too', async () => {
    const { world, process } = await restarted(3);
    world.clock.now += FRESH_MS;
    world.drive.removeFolder('root');
    await expect(process.names('/')).rejects.toMatchObject({ code: 'not-found' });
    await rest(process);
    expect(world.store.values.size).toBe(0);
  });

  it('a damaged listing is asked for again', async () => {
    const { world, process } = await restarted(250);
    for (const key of world.store.values.keys()) if (key.includes('listing-page')) world.store.values.set(key, [[]]);
    expect(await process.names('/')).toHaveLength(250);
    expect(world.drive.calls).toHaveLength(3);
  });

  it('the oldest of equal names still is the plain one, where the service breaks its order across pages', async () => {
    const world = makeWorld();
    world.drive.pageSize = 1;
    world.drive.setFolder('root', [
      makeFolder('x', { id: 'folder', createdAt: 5 }),
      makeEntry('x', { id: 'file', createdAt: 1 }),
    ]);
    const before = await start(world);
    const told = (await before.list('/')).map(({ name, entry }) => [name, entry.id]);
    await rest(before);
    const after = await start(world);
    expect((await after.list('/')).map(({ name, entry }) => [name, entry.id])).toEqual(told);
  });
});

describe('a listing that is no longer fresh', () => {
  async function stale(count: number, age: number): Promise<{ world: World; process: Process }> {
    const made = await restarted(count);
    await made.process.names('/');
    made.world.clock.now += age;
    made.world.drive.setFolder('root', [makeEntry('new'), makeEntry('file-000001')]);
    made.world.drive.calls.length = 0;
    return made;
  }

  it('of one page is revalidated first', async () => {
    const { process } = await stale(100, FRESH_MS);
    expect(await process.names('/', LOOKING)).toEqual(['file-000001', 'new']);
  });

  it('of several pages is told at once to those who look, and revalidated behind', async () => {
    const { world, process } = await stale(101, 10 * MINUTE_MS - 1);
    expect(await process.names('/', LOOKING)).toHaveLength(101);
    await settle();
    expect(world.drive.calls).toEqual(['root@0']);
    expect(await process.names('/', LOOKING)).toEqual(['file-000001', 'new']);
    expect(world.drive.calls).toHaveLength(1);
  });

  it.each([
    ['for ten minutes at most', 10 * MINUTE_MS, LOOKING],
    ['not to those who would rather wait', FRESH_MS, {}],
    ['not to those who want the service’s word', FRESH_MS, { ...LOOKING, fresh: true }],
    ['not to writers', FRESH_MS, { ...LOOKING, forWriting: true }],
  ] as const)('of several pages is so told %s', async (_, age, options) => {
    const { process } = await stale(101, age);
    expect(await process.names('/', options)).toEqual(['file-000001', 'new']);
  });

  it('of several pages tells a look-up what is there, and never what is not', async () => {
    const { world, process } = await stale(101, FRESH_MS);
    world.drive.holding = true;
    expect((await process.tree.get('/file-000100', LOOKING)).name).toBe('file-000100');
    const absent = process.tree.get('/new', LOOKING);
    await settle();
    await world.drive.releaseAll();
    expect((await absent).name).toBe('new');
    world.clock.now += FRESH_MS;
    await expect(process.tree.get('/file-000100', LOOKING)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('of several pages does not hide what another folder of that name has by now', async () => {
    const { world, process } = await restarted(101);
    const files = makeFiles(101);
    world.drive.setFolder('root', [makeFolder('f', { id: 'old' }), ...files]);
    world.drive.setFolder('old', []);
    world.drive.setFolder('new', [makeEntry('file', { parentId: 'new' })]);
    await process.names('/', { fresh: true });
    world.clock.now += FRESH_MS;
    world.drive.setFolder('root', [...files, makeFolder('f', { id: 'new', createdAt: 200 })]);
    expect((await process.tree.get('/f/file', LOOKING)).entry.parentId).toBe('new');
    world.drive.calls.length = 0;
    await expect(process.tree.get('/f/absent', LOOKING)).rejects.toMatchObject({ code: 'not-found' });
    expect(world.drive.calls).toEqual([]);
  });

  it('goes on being revalidated when the reader has left, and not when the program stops', async () => {
    const { world, process } = await stale(101, FRESH_MS);
    world.drive.holding = true;
    await process.names('/', LOOKING);
    await settle();
    const reader = new AbortController();
    const joined = process.list('/', {}, reader.signal).catch((error) => error.code);
    await settle();
    reader.abort();
    expect(await joined).toBe('aborted');
    expect(world.drive.aborted).toEqual([]);
    await process.tree.stop();
    expect(world.drive.aborted).toEqual(['root@0']);
  });

  it('that had no turn behind the answer is asked for by those who wait', async () => {
    const { world, process } = await stale(101, FRESH_MS);
    const listPage = world.drive.listPage.bind(world.drive);
    world.drive.listPage = async (folder, marker, signal) => {
      await settle();
      if (isBackground(signal)) throw new DriveError('throttled', 'too many', { retryAfterMs: 61_000 });
      return listPage(folder, marker, signal);
    };
    expect(await process.names('/', LOOKING)).toHaveLength(101);
    await settle();
    expect(await process.names('/', LOOKING)).toHaveLength(101);
    await settle();
    await expect(process.tree.get('/absent', LOOKING)).rejects.toMatchObject({ code: 'not-found' });
    expect((await process.tree.locate('/new')).node?.name).toBe('new');
  });

  it('is no ground for a write when it cannot be revalidated', async () => {
    const { world, process } = await stale(101, FRESH_MS);
    world.drive.failure = DOWN;
    for (const name of ['file-000001', 'absent']) {
      await expect(process.tree.locate(`/${name}`)).rejects.toBe(DOWN);
      await expect(process.tree.locate(`/${name}`), 'while it is not asked again').rejects.toBe(DOWN);
    }
    expect(await process.names('/')).toHaveLength(101);
  });
});

const a = makeEntry('a');
const CHANGES: Readonly<Record<string, { readonly change: Change; readonly after: readonly string[] }>> = {
  creation: { change: { removed: [], placed: [makeEntry('b')] }, after: ['a', 'b'] },
  removal: { change: { removed: [a], placed: [] }, after: [] },
  renaming: { change: { removed: [a], placed: [{ ...a, name: 'c', updatedAt: 5 }] }, after: ['c'] },
  replacement: {
    change: { removed: [a], placed: [makeEntry('a', { id: 'other', sizeBytes: 9, createdAt: 5 })] },
    after: ['a'],
  },
};

describe.each(Object.entries(CHANGES))('our own %s', (_, { change, after }) => {
  const present = (): readonly ReturnType<typeof makeEntry>[] => [
    ...[a].filter(({ id }) => ![...change.removed, ...change.placed].some((entry) => entry.id === id)),
    ...change.placed,
  ];

  async function check(process: Process, label?: string): Promise<void> {
    const nodes = await process.list('/');
    expect(nodes.map(({ name }) => name).toSorted(), label).toEqual(after);
    for (const entry of change.placed)
      expect(
        nodes.map((node) => node.entry),
        label,
      ).toContainEqual(entry);
  }

  async function written(): Promise<{ world: World; process: Process }> {
    const world = makeWorld();
    world.drive.setFolder('root', [a]);
    const process = await start(world);
    await process.names('/');
    await rest(process);
    await process.overlay.apply(change);
    return { world, process };
  }

  it('is seen in a listing from before it that comes from the disk, without a call', async () => {
    const { world } = await written();
    world.drive.calls.length = 0;
    await check(await start(world));
    expect([...world.drive.calls, ...world.drive.entryCalls]).toEqual([]);
  });

  it('is seen in a listing that is just coming from the disk', async () => {
    const world = makeWorld();
    world.drive.setFolder('root', [a]);
    const before = await start(world);
    await before.names('/');
    await rest(before);
    for (let ticks = 0; ticks < 30; ticks++) {
      const process = await start({ ...world, store: Object.assign(Object.create(world.store), {}) });
      const listed = process.names('/');
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      if (ticks === 29) await settle();
      void process.overlay.apply(change);
      await listed;
      await check(process, `after ${ticks} ticks`);
      await process.overlay.idle();
      for (const key of world.store.values.keys()) if (key.includes('overlay')) world.store.values.delete(key);
    }
  });

  it('is not forgotten before a listing that shows it is on the disk, whenever the process is killed', async () => {
    for (let steps = 0; ; steps++) {
      const { world, process } = await written();
      world.drive.setFolder('root', present());
      world.clock.now += MINUTE_MS;
      let left = steps;
      const { store } = world;
      const [put, remove] = [store.put.bind(store), store.remove.bind(store)];
      // What comes after the kill never happens, and nobody hears of it.
      const never = new Promise<void>(() => {});
      store.put = (...args) => (left-- > 0 ? put(...args) : never);
      store.remove = (...args) => (left-- > 0 ? remove(...args) : never);
      await process.names('/');
      void process.stored.idle();
      for (let turn = 0; turn < 30; turn++) await settle();
      Object.assign(store, { put, remove });
      // As if it were still fresh, and nobody could be asked.
      world.clock.now -= MINUTE_MS;
      world.drive.failure = DOWN;
      const next = await start(world);
      const names = await next.names('/').catch(() => undefined);
      if (names) expect(names.toSorted(), `killed after ${steps} steps`).toEqual(after);
      if (left > 0) {
        expect([...store.values.keys()].filter((key) => key.includes('overlay'))).toEqual([]);
        expect(names).toBeDefined();
        break;
      }
    }
  });

  it('that was overtaken elsewhere is not undone by a listing from before it', async () => {
    const { world, process } = await written();
    for (const entry of [...change.removed, ...change.placed]) {
      world.drive.setEntry(entry.id, { ...entry, name: 'elsewhere', updatedAt: 9 });
    }
    world.clock.now += MINUTE_MS;
    world.drive.setFolder('root', [makeEntry('elsewhere', { id: a.id, updatedAt: 9 })]);
    const told = await process.names('/');
    await rest(process);
    world.drive.failure = DOWN;
    const next = await start(world);
    expect([[DOWN.message], told]).toContainEqual(await next.names('/').catch((error) => [error.message]));
  });

  it('that was overtaken elsewhere is not undone either when nothing more is heard', async () => {
    const { world, process } = await written();
    for (const { id } of change.placed) world.drive.setEntry(id, undefined);
    world.clock.now += MINUTE_MS;
    world.drive.setFolder('root', [a, makeEntry('z', { createdAt: 2 })]);
    world.drive.setEntry(a.id, { ...a, name: 'elsewhere', updatedAt: 9 });
    world.drive.pageSize = 1;
    const listPage = world.drive.listPage.bind(world.drive);
    world.drive.listPage = (folder, marker, signal) =>
      marker === '' ? listPage(folder, marker, signal) : Promise.reject(DOWN);
    await process.names('/').catch(() => {});
    const peeked = process.tree.peek('/elsewhere')?.entry.id;
    await rest(process);
    world.drive.failure = DOWN;
    const next = await start(world);
    const names = await next.names('/').catch(() => undefined);
    if (names && peeked !== undefined) expect(names).toContain('elsewhere');
  });

  it('that no listing has ever confirmed goes after a day together with the listing from before it', async () => {
    const { world } = await written();
    world.clock.now += 25 * 60 * MINUTE_MS;
    const process = await start(world);
    await rest(process);
    expect(world.store.values.size).toBe(0);
  });

  it('that cannot be recorded leaves no listing from before it', async () => {
    const world = makeWorld();
    world.drive.setFolder('root', [a]);
    const process = await start(world);
    await process.names('/');
    await rest(process);
    world.store.put = () => Promise.reject(new Error('disk full'));
    void process.overlay.apply(change);
    await rest(process);
    await rest(process);
    expect([...world.store.values.keys()].filter((key) => key.includes('listing'))).toEqual([]);
  });
});

describe('what a listing from the disk leaves out', () => {
  it('is the time of a write that is newer, and not of one that is older', async () => {
    for (const passed of [1, -1]) {
      const world = makeWorld();
      world.drive.setFolder('root', [{ ...a, updatedAt: 5 }]);
      const before = await start(world);
      world.clock.now -= passed;
      const listing = { folder: ROOT, pages: [[{ ...a, updatedAt: 5 }]], begunAt: world.clock.now };
      void before.stored.save({ ...listing, fetchedAt: world.clock.now });
      await rest(before);
      world.clock.now += passed;
      await before.overlay.apply({ removed: [], placed: [{ ...a, updatedAt: 7 }] });
      world.clock.now = listing.begunAt;
      world.drive.failure = DOWN;
      const [node] = await (await start({ ...world, clock: { now: world.clock.now + 10 } })).list('/');
      expect(node?.entry.updatedAt).toBe(passed > 0 ? 7 : 5);
    }
  });
});

describe('what is not the service’s', () => {
  it('lives with us alone is never stored, and laid over what comes from the disk', async () => {
    const world = makeWorld();
    world.drive.setFolder('root', [a]);
    const before = await start(world);
    const junk = makeLocalEntry('junk', ROOT, '.DS_Store', { kind: 'file', at: 1 });
    await before.overlay.apply({ removed: [], placed: [junk] });
    expect(await before.names('/')).toHaveLength(2);
    await rest(before);
    expect(JSON.stringify([...world.store.values])).not.toContain('.DS_Store');
    const after = await start(world);
    expect(await after.names('/')).toEqual(['a']);
    const again = await start(world);
    await again.overlay.apply({ removed: [], placed: [junk] });
    expect((await again.names('/')).toSorted()).toEqual(['.DS_Store', 'a']);
  });

  it('passes at a guarded name is not stored, and hidden where an earlier process stored it', async () => {
    const world = makeWorld();
    world.drive.setFolder('root', [a]);
    const before = await start(world);
    await before.names('/');
    await rest(before);
    const lift = before.overlay.guard(ROOT, 'x', undefined);
    world.drive.setFolder('root', [a, makeEntry('x')]);
    expect(await before.names('/', { fresh: true })).toEqual(['a']);
    await rest(before);
    // Whoever is killed now leaves neither a listing that has it nor an older one.
    expect(world.store.values.size).toBe(0);
    lift();
    expect(await before.names('/')).toEqual(['a', 'x']);
    await rest(before);
    const after = await start(world);
    after.overlay.guard(ROOT, 'x', undefined);
    expect(await after.names('/')).toEqual(['a']);
  });

  it('was hidden, and what nobody knows anything about, is not left out of a long listing either', async () => {
    for (const isUnsure of [false, true]) {
      const world = makeWorld();
      world.drive.setFolder('root', makeFiles(101));
      const process = await start(world);
      await process.names('/');
      const lift = process.overlay.guard(ROOT, 'x', undefined);
      world.drive.setFolder('root', [...makeFiles(101), makeEntry('x')]);
      if (!isUnsure) await process.names('/', { fresh: true });
      lift(isUnsure);
      expect(await process.names('/', LOOKING)).toContain('x');
    }
  });

  it('was hidden while it came from the disk, is there when nothing hides it any more', async () => {
    for (let turns = 0; turns < 8; turns++) {
      const world = makeWorld();
      world.drive.pageSize = 1;
      world.drive.setFolder('root', [
        makeEntry('x'),
        makeEntry('y', { createdAt: 2 }),
        makeEntry('z', { createdAt: 3 }),
      ]);
      const before = await start(world);
      await before.names('/');
      await rest(before);
      const after = await start(world);
      const lift = after.overlay.guard(ROOT, 'x', undefined);
      const listed = after.names('/');
      for (let turn = 0; turn < turns; turn++) await settle();
      lift();
      await listed;
      expect(await after.names('/'), `lifted after ${turns} turns`).toEqual(['x', 'y', 'z']);
    }
  });

  it('became of a name that nobody knows anything about is asked for, also after a restart', async () => {
    const world = makeWorld();
    world.drive.setFolder('root', [a]);
    const before = await start(world);
    await before.names('/');
    await rest(before);
    before.overlay.guard(ROOT, 'x', undefined)(true);
    await rest(before);
    world.drive.setFolder('root', [a, makeEntry('x')]);
    expect(await (await start(world)).names('/')).toEqual(['a', 'x']);
  });
});
