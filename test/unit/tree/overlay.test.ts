import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import { makeLocalEntry } from '../../../src/drive/local-entry.ts';
import { DRIVE_ID, makeEntry, makeFiles, makeFolder, settle } from './fake-drive.ts';
import { FRESH_MS, fixedLayout, makeTree, makeWorld, type TestTree, type World } from './make-tree.ts';

const ROOT = { driveId: DRIVE_ID, id: 'root' };
const MINUTE_MS = 60_000;
const DOWN = new DriveError('unavailable', 'down');
const HASH = ['A'.repeat(40), 'B'.repeat(40)] as const;

/** The root holds `before`, known to readers; then nothing is asked until the test says so. */
async function known(before: readonly Entry[], world?: World): Promise<TestTree> {
  const made = makeTree({}, world);
  made.drive.setFolder('root', before);
  await made.names('/');
  made.drive.calls.length = 0;
  return made;
}

async function sorted({ names }: TestTree, options = {}): Promise<string[]> {
  return (await names('/', options)).toSorted();
}

interface Write {
  readonly before: readonly Entry[];
  readonly removed: readonly Entry[];
  readonly placed: readonly Entry[];
  readonly after: readonly string[];
}

const old = makeEntry('a');
const WRITES: Readonly<Record<string, Write>> = {
  create: { before: [old], removed: [], placed: [makeEntry('b', { updatedAt: 5 })], after: ['a', 'b'] },
  rename: {
    before: [old, makeEntry('z')],
    removed: [old],
    placed: [{ ...old, name: 'b', updatedAt: 5 }],
    after: ['b', 'z'],
  },
  delete: { before: [old, makeEntry('z')], removed: [old], placed: [], after: ['z'] },
  'overwrite in place': {
    before: [{ ...old, contentHash: HASH[0] }],
    removed: [],
    placed: [{ ...old, contentHash: HASH[1], sizeBytes: 9, updatedAt: 5 }],
    after: ['a'],
  },
  'overwrite beside': {
    before: [old],
    removed: [old],
    placed: [{ ...old, id: 'new', sizeBytes: 9, createdAt: 5, updatedAt: 5 }],
    after: ['a'],
  },
  'move in': {
    before: [],
    removed: [makeEntry('m', { parentId: 'elsewhere' })],
    placed: [makeEntry('m', { updatedAt: 5 })],
    after: ['m'],
  },
  'move away': {
    before: [old],
    removed: [old],
    placed: [{ ...old, parentId: 'elsewhere', updatedAt: 5 }],
    after: [],
  },
  'move over': {
    before: [old, makeEntry('b', { createdAt: 2 })],
    removed: [makeEntry('b', { createdAt: 2 }), old],
    placed: [makeEntry('a', { id: 'id-b', createdAt: 2, updatedAt: 5 })],
    after: ['a'],
  },
};

/** The truth at the service after a write; its listing stays as it was. */
function tellEntries({ drive }: Pick<World, 'drive'>, { removed, placed }: Write): void {
  for (const entry of removed) drive.setEntry(entry.id, undefined);
  for (const entry of placed) drive.setEntry(entry.id, entry);
}

describe.each(Object.entries(WRITES))('%s', (_, write) => {
  const { before, removed, placed, after } = write;

  async function apply(made: TestTree): Promise<void> {
    const durable = made.overlay.apply({ removed, placed });
    for (const { name, id } of placed.filter(({ parentId }) => parentId === 'root')) {
      expect(made.tree.peek(`/${name}`)?.entry.id).toBe(id);
    }
    await durable;
  }

  /** The names, and that the entries are those that were written. */
  async function check(made: TestTree, options = {}): Promise<void> {
    const nodes = await made.list('/', options);
    expect(nodes.map(({ name }) => name).toSorted()).toEqual(after);
    for (const entry of placed.filter(({ parentId }) => parentId === 'root')) {
      expect(nodes.map((node) => node.entry)).toContainEqual(entry);
    }
  }

  it('is seen at once, without a call', async () => {
    const made = await known(before);
    await apply(made);
    await check(made);
    expect([...made.drive.calls, ...made.drive.entryCalls]).toEqual([]);
  });

  it('is seen in a listing that lags, at the cost of one look-up an entry', async () => {
    const made = await known(before);
    await apply(made);
    tellEntries(made, write);
    await check(made, { fresh: true });
    expect(new Set(made.drive.entryCalls).size).toBe(made.drive.entryCalls.length);
    expect(made.drive.entryCalls.length).toBeLessThanOrEqual(2);
    expect(made.drive.calls).toHaveLength(1);
  });

  it('is seen in a listing that lags when nobody can be asked', async () => {
    const made = await known(before);
    await apply(made);
    made.drive.entryFailure = DOWN;
    await check(made, { fresh: true });
    await check(made, { fresh: true });
  });

  it('is seen after a restart', async () => {
    const world = makeWorld();
    await apply(await known(before, world));
    tellEntries(world, write);
    const made = makeTree({}, world);
    await made.overlay.load();
    await check(made);
  });

  it('costs nothing once the listing shows it, and is forgotten half a minute later', async () => {
    const world = makeWorld();
    const made = await known(before, world);
    await apply(made);
    const gone = new Set(removed.map(({ id }) => id));
    const kept = before.filter(({ id }) => !gone.has(id) && !placed.some((entry) => entry.id === id));
    made.drive.setFolder('root', [...kept, ...placed.filter(({ parentId }) => parentId === 'root')]);
    made.drive.setFolder('elsewhere', [...placed.filter(({ parentId }) => parentId === 'elsewhere')]);
    await check(made, { fresh: true });
    expect(world.store.values.size).toBeGreaterThan(0);
    made.clock.now += 30_000;
    await check(made, { fresh: true });
    const elsewhere = { name: 'elsewhere', entry: makeFolder('elsewhere', { id: 'elsewhere' }) };
    for await (const _nodes of made.tree.list(elsewhere, { fresh: true }));
    await made.overlay.idle();
    expect([...world.store.values.keys()]).toEqual([]);
    expect(made.drive.entryCalls).toEqual([]);
  });

  it('is seen by readers of a fetch under way, whichever page is on its way', async () => {
    for (const page of [0, 1, 2]) {
      const world = makeWorld();
      const made = makeTree({}, world);
      made.drive.pageSize = 1;
      made.drive.setFolder('root', [...before, makeEntry('~', { createdAt: 9 })]);
      made.drive.holding = true;
      const reading = made.names('/');
      await settle();
      for (let answered = 0; answered < page; answered++) {
        made.drive.held.shift()?.answer();
        await settle();
      }
      await apply(made);
      await made.drive.releaseAll();
      await reading;
      await check({ ...made, list: async (path) => (await made.list(path)).filter(({ name }) => name !== '~') });
    }
  });
});

describe('a reader of a fetch under way', () => {
  it('is told no name and no entry twice, whatever is written meanwhile', async () => {
    const made = makeTree();
    made.drive.pageSize = 2;
    made.drive.setFolder('root', makeFiles(6));
    made.drive.holding = true;
    const told: { name: string; id: string }[] = [];
    const reading = (async () => {
      for await (const nodes of made.tree.list(await made.tree.get('/', {}), {})) {
        told.push(...nodes.map(({ name, entry }) => ({ name, id: entry.id })));
      }
    })();
    await settle();
    made.drive.held.shift()?.answer();
    await settle();
    expect(told).toHaveLength(2);
    const [first, second, third, , , last] = makeFiles(6);
    if (!first || !second || !third || !last) throw new Error('six files');
    await made.overlay.apply({ removed: [first], placed: [{ ...first, name: 'renamed', updatedAt: 9 }] });
    await made.overlay.apply({ removed: [second], placed: [{ ...second, id: 'other', updatedAt: 9 }] });
    await made.overlay.apply({ removed: [third, last], placed: [makeEntry('new', { updatedAt: 9 })] });
    await made.drive.releaseAll();
    await reading;
    expect(new Set(told.map(({ name }) => name)).size).toBe(told.length);
    expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
    expect(told.map(({ name }) => name).toSorted()).toEqual([
      'file-000000',
      'file-000001',
      'file-000003',
      'file-000004',
      'new',
    ]);
    const seen = await sorted(made);
    expect(seen).toEqual(['file-000001', 'file-000003', 'file-000004', 'new', 'renamed']);
  });

  it('keeps an array that was handed out as it was', async () => {
    const made = await known([old, makeEntry('b')]);
    const listed = await made.tree.list(await made.tree.get('/', {}), {}).next();
    const copy = [...(listed.value ?? [])];
    await made.overlay.apply({ removed: [old], placed: [makeEntry('c')] });
    expect(listed.value).toEqual(copy);
    expect(await sorted(made)).toEqual(['b', 'c']);
  });
});

describe('changes elsewhere', () => {
  const written = makeEntry('a', { updatedAt: 100, contentHash: HASH[0] });

  it.each([
    ['deleted for good', undefined, []],
    ['binned', { ...written, trashed: true }, []],
    ['moved away', { ...written, parentId: 'elsewhere', updatedAt: 101 }, []],
    ['renamed', { ...written, name: 'b', updatedAt: 101 }, ['b']],
    ['overwritten', { ...written, contentHash: HASH[1], updatedAt: 101 }, ['a']],
  ])('%s: what was written is believed no longer', async (_, truth, expected) => {
    const world = makeWorld();
    const made = await known([], world);
    await made.overlay.apply({ removed: [], placed: [written] });
    made.drive.setEntry('id-a', truth);
    made.drive.setFolder('root', expected.length > 0 && truth ? [truth] : []);
    const nodes = await made.list('/', { fresh: true });
    expect(nodes.map(({ name }) => name)).toEqual(expected);
    if (expected.length > 0) expect(nodes[0]?.entry).toEqual(truth);
    expect(made.drive.entryCalls).toEqual(['id-a']);
    expect(await made.names('/')).toEqual(expected);
    await made.overlay.idle();
    expect(world.store.values.size).toBe(0);
    expect(await made.names('/', { fresh: true })).toEqual(expected);
    expect(made.drive.entryCalls).toEqual(['id-a']);
  });

  it('that the service dates before our write are none, unless it says so past all lag', async () => {
    const made = await known([]);
    await made.overlay.apply({ removed: [], placed: [written] });
    const truth = { ...written, name: 'b', updatedAt: 99 };
    made.drive.setFolder('root', [truth]);
    expect(await made.names('/', { fresh: true })).toEqual(['a']);
    made.clock.now += 30_000;
    expect(await made.names('/', { fresh: true })).toEqual(['b']);
  });

  it('are not taken from a newer date alone, for ours may be a guess', async () => {
    const made = await known([]);
    await made.overlay.apply({ removed: [], placed: [written] });
    made.drive.setEntry('id-a', { ...written, updatedAt: 200 });
    for (let time = 0; time < 2; time++) {
      const [node] = await made.list('/', { fresh: true });
      expect(node?.entry).toMatchObject({ name: 'a', updatedAt: 200 });
    }
    made.drive.setFolder('root', [{ ...written, name: 'b', updatedAt: 201 }]);
    made.drive.setEntry('id-a', { ...written, name: 'b', updatedAt: 201 });
    expect(await made.names('/', { fresh: true })).toEqual(['b']);
  });

  it('that the service tells of in no other way are believed of a listing after ten minutes', async () => {
    const made = await known([]);
    await made.overlay.apply({ removed: [], placed: [written] });
    made.drive.setEntry('id-a', written);
    made.clock.now += 10 * MINUTE_MS - 1;
    expect(await made.names('/', { fresh: true })).toEqual(['a']);
    made.clock.now += 1;
    expect(await made.names('/', { fresh: true })).toEqual([]);
  });

  it.each([
    ['live photo', makeEntry('IMG.livp', { updatedAt: 5, sizeBytes: 0, contentHash: undefined })],
    ['folder', makeFolder('IMG', { updatedAt: 5, sizeBytes: 7 })],
    ['file whose hash is not told', makeEntry('IMG', { updatedAt: 5, contentHash: undefined })],
  ])('are none where the listing merely tells less: a %s', async (_, listed) => {
    const made = await known([]);
    const contentHash = listed.kind === 'file' && listed.name === 'IMG' ? HASH[0] : undefined;
    const sizeBytes = listed.name === 'IMG' && listed.kind === 'file' ? listed.sizeBytes : 99;
    await made.overlay.apply({ removed: [], placed: [{ ...listed, contentHash, sizeBytes }] });
    made.drive.setFolder('root', [listed]);
    await made.names('/', { fresh: true });
    expect(made.drive.entryCalls).toEqual([]);
  });
});

describe('what was deleted and is listed again', () => {
  const deleted = makeEntry('a', { updatedAt: 100 });

  async function deletedThenListed(truth: Entry | undefined, afterMs: number): Promise<string[]> {
    const made = await known([deleted]);
    await made.overlay.apply({ removed: [deleted], placed: [] });
    if (truth) made.drive.setFolder('root', [truth]);
    made.drive.setEntry('id-a', truth);
    made.clock.now += afterMs;
    return made.names('/', { fresh: true });
  }

  it.each([
    ['gone', undefined, 0],
    ['gone, however late', undefined, 20 * MINUTE_MS],
    ['in the bin', { ...deleted, trashed: true, updatedAt: 200 }, 20 * MINUTE_MS],
    ['in another folder', { ...deleted, parentId: 'elsewhere', updatedAt: 200 }, 20 * MINUTE_MS],
    ['as it was, where nobody says what is in the bin', deleted, 10 * MINUTE_MS - 1],
    ['dated by its deletion', { ...deleted, updatedAt: 200 }, 0],
  ])('stays hidden when it is %s', async (_, truth, afterMs) => {
    expect(await deletedThenListed(truth, afterMs)).toEqual([]);
  });

  it.each([
    ['restored, says its date', { ...deleted, updatedAt: 200 }, 30_000],
    ['restored and renamed', { ...deleted, name: 'b', updatedAt: 200 }, 30_000],
    ['restored, says the listing after ten minutes', deleted, 10 * MINUTE_MS],
  ])('is seen when it was %s', async (_, truth, afterMs) => {
    expect(await deletedThenListed(truth, afterMs)).toEqual([truth.name]);
  });

  it('stays hidden for as long as it waits for the bin beside what replaced it', async () => {
    const world = makeWorld();
    const made = await known([deleted], world);
    const successor = makeEntry('a', { id: 'new', createdAt: 2, updatedAt: 200 });
    await made.overlay.apply({ removed: [deleted], placed: [successor] });
    made.drive.setFolder('root', [deleted, successor]);
    for (const afterMs of [0, 20 * MINUTE_MS]) {
      made.clock.now += afterMs;
      const nodes = await made.list('/', { fresh: true });
      expect(nodes).toEqual([{ name: 'a', entry: successor }]);
    }
    const next = makeTree({}, world);
    await next.overlay.load();
    // As whoever settles it says after a restart.
    await next.overlay.apply({ removed: [deleted], placed: [] });
    made.clock.now += 20 * MINUTE_MS;
    expect(await next.list('/')).toEqual([{ name: 'a', entry: successor }]);
  });
});

describe('thousands of own writes', () => {
  const files = makeFiles(10_000).map((file) => ({ ...file, updatedAt: 5 }));

  it('are seen at once, cost few look-ups in a listing that lags, and none in one that does not', async () => {
    const made = await known([]);
    for (const file of files) await made.overlay.apply({ removed: [], placed: [file] });
    expect(await made.names('/')).toHaveLength(10_000);
    for (const file of files) made.drive.setEntry(file.id, file);
    expect(await made.names('/', { fresh: true })).toHaveLength(10_000);
    expect(made.drive.entryCalls.length).toBeLessThanOrEqual(50);
    made.drive.entryCalls.length = 0;
    made.drive.setFolder('root', files);
    made.clock.now += 30_000;
    expect(await made.names('/', { fresh: true })).toHaveLength(10_000);
    expect(made.drive.entryCalls).toEqual([]);
  });

  it('are looked up by turns', async () => {
    const made = await known([]);
    await made.overlay.apply({ removed: [], placed: files.slice(0, 120) });
    for (const file of files.slice(0, 120)) made.drive.setEntry(file.id, undefined);
    for (const left of [70, 20, 0]) expect(await made.names('/', { fresh: true })).toHaveLength(left);
  });

  it('are not asked about one by one while the service cannot be asked', async () => {
    const made = await known([]);
    await made.overlay.apply({ removed: [], placed: files.slice(0, 120) });
    made.drive.entryFailure = DOWN;
    expect(await made.names('/', { fresh: true })).toHaveLength(120);
    expect(made.drive.entryCalls.length).toBeLessThanOrEqual(4);
  });

  it('hold up no listing when nobody answers', async () => {
    const made = await known([]);
    await made.overlay.apply({ removed: [], placed: files.slice(0, 120) });
    const patience = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(patience.signal);
    onTestFinished(() => timeout.mockRestore());
    made.drive.holding = true;
    const reading = made.names('/', { fresh: true });
    await settle();
    made.drive.held.shift()?.answer();
    await settle();
    expect(made.drive.held).toHaveLength(4);
    patience.abort();
    expect(await reading).toHaveLength(120);
    expect(timeout).toHaveBeenCalledWith(10_000);
  });

  it('leave room in memory and on disk', async () => {
    const world = makeWorld();
    const made = await known([], world);
    await made.overlay.apply({ removed: [], placed: makeFiles(20_000) });
    await made.overlay.apply({ removed: [], placed: makeFiles(5, 20_000) });
    await made.overlay.idle();
    expect(world.store.values.size).toBe(20_000);
    made.clock.now += 25 * 60 * MINUTE_MS;
    await made.overlay.apply({ removed: [], placed: [makeEntry('last')] });
    await made.overlay.idle();
    expect(world.store.values.size).toBe(1);
  });
});

describe('a new folder', () => {
  it('is known to be empty, so that what is put into it costs no listing', async () => {
    const made = await known([]);
    const folder = makeFolder('docs');
    const durable = made.overlay.apply({ removed: [], placed: [folder] });
    made.overlay.created(folder);
    await durable;
    expect(await made.names('/docs')).toEqual([]);
    await expect(made.tree.get('/docs/a', {})).rejects.toMatchObject({ code: 'not-found' });
    await made.overlay.apply({ removed: [], placed: [makeEntry('a', { parentId: folder.id })] });
    expect(await made.names('/docs')).toEqual(['a']);
    expect(made.drive.calls).toEqual([]);
    made.clock.now += FRESH_MS;
    made.drive.setFolder('root', [folder]);
    made.drive.setFolder(folder.id, [makeEntry('b', { parentId: folder.id })]);
    made.drive.setEntry('id-a', makeEntry('a', { parentId: folder.id }));
    expect((await made.names('/docs')).toSorted()).toEqual(['a', 'b']);
  });
});

describe('what lives with us', () => {
  const junk = makeLocalEntry('junk', ROOT, '._a', { kind: 'file', at: 5, sizeBytes: 3 });

  it('is listed last, in every listing, and never asked for', async () => {
    const made = makeTree();
    made.drive.pageSize = 1;
    made.drive.setFolder('root', [old, makeEntry('b', { createdAt: 2 })]);
    await made.overlay.apply({ removed: [], placed: [junk] });
    for (const options of [{}, { fresh: true }]) {
      expect(await made.names('/', options)).toEqual(['a', 'b', '._a']);
      expect(await made.tree.get('/._a', options)).toEqual({ name: '._a', entry: junk });
    }
    await made.overlay.apply({ removed: [junk], placed: [] });
    expect(await made.names('/')).toEqual(['a', 'b']);
    expect(await made.names('/', { fresh: true })).toEqual(['a', 'b']);
    expect(made.drive.entryCalls).toEqual([]);
  });

  it('is stored by its owners alone', async () => {
    const world = makeWorld();
    const made = await known([], world);
    await made.overlay.apply({ removed: [], placed: [junk] });
    expect(world.store.values.size).toBe(0);
    expect(made.overlay.localEntries(ROOT)).toEqual([junk]);
  });

  it('may be folders, which the service is not asked for either', async () => {
    const made = await known([]);
    const folder = makeLocalEntry('junk', ROOT, '.Trashes', { kind: 'folder', at: 5 });
    const inside = makeLocalEntry('junk', folder, '501', { kind: 'file', at: 6 });
    await made.overlay.apply({ removed: [], placed: [folder, inside] });
    expect(await made.names('/.Trashes', { fresh: true })).toEqual(['501']);
    expect((await made.tree.get('/.Trashes/501', { fresh: true })).entry).toEqual(inside);
    expect(made.tree.peek('/.Trashes/501')?.entry).toEqual(inside);
    await expect(made.tree.get('/.Trashes/502', {})).rejects.toMatchObject({ code: 'not-found' });
    expect(made.drive.calls.filter((call) => call.includes('alidav'))).toEqual([]);
  });

  it('stands above several drives, too', async () => {
    const made = makeTree({
      layout: fixedLayout([
        { driveId: 'd1', name: '备份盘' },
        { driveId: 'd2', name: '资源库' },
      ]),
    });
    const top = { driveId: '', id: '' };
    const entry = makeLocalEntry('junk', top, '.DS_Store', { kind: 'file', at: 5 });
    const folder = makeLocalEntry('junk', top, '.Trashes', { kind: 'folder', at: 5 });
    const inside = makeLocalEntry('junk', folder, '501', { kind: 'file', at: 6 });
    await made.overlay.apply({ removed: [], placed: [entry, folder, inside] });
    expect(await made.names('/')).toEqual(['备份盘', '资源库', '.DS_Store', '.Trashes']);
    expect((await made.tree.get('/.DS_Store', { fresh: true })).entry).toEqual(entry);
    expect(made.tree.peek('/.DS_Store')?.entry).toEqual(entry);
    expect(await made.names('/.Trashes')).toEqual(['501']);
    expect(made.drive.calls).toEqual([]);
  });

  it('gives way to what comes to the drive under its name, which keeps the name', async () => {
    const made = await known([]);
    const held = makeLocalEntry('held', ROOT, 'a', { kind: 'file', at: 5 });
    await made.overlay.apply({ removed: [], placed: [held] });
    await made.overlay.apply({ removed: [], placed: [old] });
    expect(await made.list('/')).toEqual([{ name: 'a', entry: old }]);
    await made.overlay.apply({ removed: [held], placed: [] });
    expect(await made.list('/')).toEqual([{ name: 'a', entry: old }]);
    expect(made.overlay.localEntries(ROOT)).toEqual([]);
  });
});

describe('the state', () => {
  it('that cannot be written fails no write: it is in the drive', async () => {
    const world = makeWorld();
    const made = await known([], world);
    world.store.failure = new Error('disk full');
    await made.overlay.apply({ removed: [], placed: [old] });
    expect(await made.names('/')).toEqual(['a']);
  });

  it('ends as the last of many writes to one entry left it', async () => {
    const world = makeWorld();
    const made = await known([], world);
    const put = world.store.put.bind(world.store);
    const delays = [30, 0, 10, 0];
    world.store.put = async (key, value) => {
      await new Promise((resolve) => setTimeout(resolve, delays.shift()));
      await put(key, value);
    };
    const changes = [1, 2, 3, 4].map((sizeBytes) =>
      made.overlay.apply({ removed: [], placed: [{ ...old, sizeBytes }] }),
    );
    await Promise.all(changes);
    expect([...world.store.values.values()]).toMatchObject([{ state: 'present', entry: { sizeBytes: 4 } }]);
  });

  it('is read leniently', async () => {
    const world = makeWorld();
    const good = { state: 'present', writtenAt: world.clock.now + MINUTE_MS, isReplaced: false, entry: old };
    const values = [
      null,
      'x',
      { state: 'present' },
      { ...good, entry: { ...old, name: 3 } },
      { ...good, state: 'gone' },
    ];
    for (const [index, value] of values.entries()) {
      await world.store.put(['u1', 'v1', 'overlay', DRIVE_ID, 'root', String(index)], value);
    }
    await world.store.put(['u1', 'v1', 'overlay', DRIVE_ID, 'root', old.id], good);
    const made = makeTree({}, world);
    made.drive.setFolder('root', []);
    made.drive.setEntry('id-a', old);
    await made.overlay.load();
    expect(await made.list('/')).toEqual([{ name: 'a', entry: old }]);
    made.drive.setFolder('root', [old]);
    // Written in the future, by a clock that was put back: as old as the start.
    made.clock.now += 30_000;
    await made.names('/', { fresh: true });
    await made.overlay.idle();
    expect(world.store.values.size).toBe(values.length);
  });

  it('that cannot be read is no empty one', async () => {
    const world = makeWorld();
    const made = makeTree({}, world);
    world.store.range = () => {
      throw new Error('broken');
    };
    await expect(made.overlay.load()).rejects.toThrow('broken');
  });

  it('knows less than what was written since', async () => {
    const world = makeWorld();
    await (await known([], world)).overlay.apply({ removed: [], placed: [old] });
    const made = makeTree({}, world);
    made.drive.setFolder('root', [old]);
    await made.overlay.apply({ removed: [old], placed: [] });
    await made.overlay.load();
    made.drive.setEntry('id-a', undefined);
    expect(await made.names('/')).toEqual([]);
  });
});
