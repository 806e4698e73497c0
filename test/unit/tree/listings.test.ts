import { describe, expect, it } from 'vitest';
import { isBackground } from '../../../src/drive/call-signal.ts';
import { DriveError, type DriveErrorCode } from '../../../src/drive/errors.ts';
import type { TreeNode } from '../../../src/tree/node.ts';
import { makeEntry, makeFiles, makeFolder, settle } from './fake-drive.ts';
import { FRESH_MS, makeTree, type TestTree } from './make-tree.ts';

const COULD_NOT_ASK = [
  'unavailable',
  'throttled',
  'login-required',
  'invalid-request',
] as const satisfies DriveErrorCode[];
const DOWN = new DriveError('unavailable', 'down');

/** Collects a listing's arrays apart; `error` is what ended it. */
function read({ tree }: TestTree, folder: TreeNode, fresh = false, signal?: AbortSignal) {
  const reading = { parts: [] as number[], names: [] as string[], error: undefined as unknown, done: false };
  const run = async (): Promise<void> => {
    try {
      for await (const nodes of tree.list(folder, { fresh }, signal)) {
        reading.parts.push(nodes.length);
        reading.names.push(...nodes.map((node) => node.name));
      }
      reading.done = true;
    } catch (error) {
      reading.error = error;
    }
  };
  return Object.assign(reading, { ended: run() });
}

async function makeBig(entries: number, pageSize = 100): Promise<TestTree & { root: TreeNode }> {
  const made = makeTree();
  made.drive.pageSize = pageSize;
  made.drive.setFolder('root', makeFiles(entries));
  return { ...made, root: await made.tree.get('/', {}) };
}

describe('upstream calls', () => {
  it.each([
    [0, 1],
    [1, 1],
    [100, 1],
    [101, 2],
    [1000, 10],
  ])('a cold folder of %i entries costs %i, however many ask for whatever', async (entries, calls) => {
    const { drive, tree, list } = await makeBig(entries);
    const asked = Array.from({ length: 50 }, (_, n) =>
      n % 2 ? list('/').then((nodes) => nodes.length) : tree.get(`/absent-${n}`, {}).catch((error) => error.code),
    );
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['not-found', entries]));
    expect(drive.calls).toHaveLength(calls);
  });

  it('a warm folder costs none, for what is there and for what is not', async () => {
    const { drive, tree, list, clock } = await makeBig(250);
    await list('/');
    drive.calls.length = 0;
    clock.now += FRESH_MS - 1;
    expect(await list('/')).toHaveLength(250);
    expect((await tree.get('/file-000249', {})).name).toBe('file-000249');
    await expect(tree.get('/absent', {})).rejects.toMatchObject({ code: 'not-found' });
    expect(drive.calls).toEqual([]);
  });

  it('a warm listing is one array, the same for all', async () => {
    const { tree, root, list } = await makeBig(250);
    await list('/');
    const [one, other] = await Promise.all([tree.list(root, {}).next(), tree.list(root, {}).next()]);
    expect(one.value).toHaveLength(250);
    expect(other.value).toBe(one.value);
  });

  it('a look-up in a stale folder shows what has changed', async () => {
    const { drive, tree, names, clock } = await makeBig(3);
    await names('/');
    drive.setFolder('root', [makeEntry('new', { id: 'id-file-000001', createdAt: 1 })]);
    expect(await names('/')).toHaveLength(3);
    clock.now += FRESH_MS;
    expect((await tree.get('/new', {})).entry.id).toBe('id-file-000001');
    expect(await names('/')).toEqual(['new']);
    expect(drive.calls).toHaveLength(2);
  });

  it('after the clock was put back nothing is taken for fresh, and an outage is not asked about again and again', async () => {
    const { drive, names, clock } = await makeBig(3);
    await names('/');
    clock.now -= 3_600_000;
    drive.failure = DOWN;
    drive.calls.length = 0;
    for (let time = 0; time < 3; time++) expect(await names('/')).toHaveLength(3);
    expect(drive.calls).toHaveLength(1);
    drive.failure = undefined;
    drive.setFolder('root', [makeEntry('new')]);
    clock.now += 5_000;
    expect(await names('/')).toEqual(['new']);
  });

  it('moved folders keep their listings', async () => {
    const { drive, names, clock } = makeTree();
    drive.setFolder('root', [makeFolder('old', { id: 'f' })]);
    drive.setFolder('f', [makeEntry('a')]);
    await names('/old');
    drive.setFolder('root', [makeFolder('new', { id: 'f' })]);
    clock.now += FRESH_MS - 1;
    await names('/', { fresh: true });
    drive.calls.length = 0;
    expect(await names('/new')).toEqual(['a']);
    expect(drive.calls).toEqual([]);
  });

  it('end with an empty marker alone, but not by going round in circles', async () => {
    const { drive, names } = makeTree();
    const pages = [
      { entries: [], nextMarker: 'm1' },
      { entries: [makeEntry('a')], nextMarker: 'm2' },
      { entries: [], nextMarker: '' },
    ];
    drive.listPage = async (_, marker) => pages[Number(marker.slice(1))] ?? { entries: [], nextMarker: '' };
    expect(await names('/')).toEqual(['a']);
    drive.listPage = async () => ({ entries: [], nextMarker: 'again' });
    await expect(names('/', { fresh: true })).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('when the service cannot be asked', () => {
  it.each(COULD_NOT_ASK)('%s: the last known listing is served, and absences are not believed', async (code) => {
    const { drive, tree, names, clock } = await makeBig(3);
    await names('/');
    clock.now += FRESH_MS;
    drive.failure = new DriveError(code, 'no answer');
    expect(await names('/')).toHaveLength(3);
    expect((await tree.get('/file-000001', {})).name).toBe('file-000001');
    await expect(tree.get('/absent', {})).rejects.toMatchObject({ code });
    drive.failure = undefined;
    drive.setFolder('root', [makeEntry('new')]);
    clock.now += FRESH_MS;
    expect(await names('/')).toEqual(['new']);
  });

  it.each(COULD_NOT_ASK)('%s: with nothing known it is what the reader hears', async (code) => {
    const { drive, tree, names } = await makeBig(3);
    drive.failure = new DriveError(code, 'no answer');
    await expect(names('/')).rejects.toMatchObject({ code });
    await expect(tree.get('/file-000001', {})).rejects.toMatchObject({ code });
    drive.failure = undefined;
    expect(await names('/')).toHaveLength(3);
  });

  it('a look-up that runs into it finds what was known, and only that', async () => {
    const { drive, tree, names, clock } = await makeBig(3);
    await names('/');
    clock.now += FRESH_MS;
    drive.failure = DOWN;
    const both = await Promise.allSettled([tree.get('/file-000001', {}), tree.get('/absent', {})]);
    expect(both).toMatchObject([{ value: { name: 'file-000001' } }, { reason: DOWN }]);
    expect(drive.calls).toHaveLength(2);
  });

  it('it is not asked again for every request', async () => {
    const { drive, tree, names, clock } = await makeBig(3);
    await names('/');
    clock.now += FRESH_MS;
    drive.failure = DOWN;
    drive.calls.length = 0;
    for (let request = 0; request < 10; request++) await names('/');
    await expect(tree.get('/absent', {})).rejects.toMatchObject({ code: 'unavailable' });
    expect(drive.calls).toHaveLength(1);
    clock.now += 5_000;
    await names('/');
    expect(drive.calls).toHaveLength(2);
  });

  it('a time it names is respected, as far as listings are fresh', async () => {
    const { drive, names, clock } = await makeBig(3);
    await names('/');
    clock.now += FRESH_MS;
    drive.failure = new DriveError('throttled', 'slowly', { retryAfterMs: 20_000 });
    await names('/');
    drive.calls.length = 0;
    clock.now += 19_999;
    await names('/');
    expect(drive.calls).toEqual([]);
    clock.now += 1;
    await names('/');
    expect(drive.calls).toHaveLength(1);
  });

  it('a listing is never served short: a later page that fails fails the reader', async () => {
    const made = await makeBig(300);
    made.drive.holding = true;
    const early = read(made, made.root);
    await settle();
    made.drive.held.shift()?.answer();
    await settle();
    const late = read(made, made.root);
    await settle();
    made.drive.held.shift()?.refuse(DOWN);
    await Promise.all([early.ended, late.ended]);
    expect(early).toMatchObject({ parts: [100], done: false, error: DOWN });
    expect(late).toMatchObject({ parts: [100], done: false, error: DOWN });
    await made.drive.releaseAll();
    expect(await made.names('/')).toHaveLength(300);
  });

  it('a stale listing stands in for a first page, not for a later one', async () => {
    const made = await makeBig(300);
    await made.names('/');
    made.clock.now += FRESH_MS;
    made.drive.holding = true;
    const midway = read(made, made.root);
    await settle();
    made.drive.held.shift()?.answer();
    await settle();
    made.drive.held.shift()?.refuse(DOWN);
    await midway.ended;
    expect(midway).toMatchObject({ parts: [100], error: DOWN });
    made.clock.now += FRESH_MS;
    const atOnce = read(made, made.root);
    await settle();
    made.drive.held.shift()?.refuse(DOWN);
    await atOnce.ended;
    expect(atOnce).toMatchObject({ parts: [300], done: true });
  });

  it('an old listing is replaced only by a complete one', async () => {
    const made = await makeBig(300);
    await made.names('/');
    made.drive.setFolder('root', makeFiles(300, 1000));
    made.clock.now += FRESH_MS;
    made.drive.holding = true;
    const reading = read(made, made.root);
    await settle();
    made.drive.held.shift()?.answer();
    await settle();
    expect(made.tree.peek('/file-000000')).toBeDefined();
    expect(made.tree.peek('/file-001000')).toBeUndefined();
    await made.drive.releaseAll();
    await reading.ended;
    expect(made.tree.peek('/file-000000')).toBeUndefined();
    expect(made.tree.peek('/file-001000')).toBeDefined();
  });
});

describe('a definitive answer', () => {
  it('that the folder is gone drops its listing', async () => {
    const { drive, tree, names, clock } = await makeBig(3);
    await names('/');
    clock.now += FRESH_MS;
    drive.removeFolder('root');
    await expect(names('/')).rejects.toMatchObject({ code: 'not-found' });
    expect(tree.peek('/file-000001')).toBeUndefined();
  });

  it('of refusal is passed on, and the listing kept', async () => {
    const { drive, tree, names, clock } = await makeBig(3);
    await names('/');
    clock.now += FRESH_MS;
    drive.failure = new DriveError('forbidden', 'no');
    await expect(names('/')).rejects.toMatchObject({ code: 'forbidden' });
    expect(tree.peek('/file-000001')).toBeDefined();
  });
});

describe('streaming', () => {
  it('hands out pages as they arrive, to whoever joins whenever', async () => {
    const made = await makeBig(350);
    made.drive.holding = true;
    const readers = [];
    for (let page = 0; page < 4; page++) {
      readers.push(read(made, made.root));
      await settle();
      expect(readers.map((reader) => reader.names.length)).toEqual(readers.map(() => page * 100));
      made.drive.held.shift()?.answer();
      await settle();
    }
    await Promise.all(readers.map((reader) => reader.ended));
    expect(readers.map((reader) => reader.parts)).toEqual([
      [100, 100, 100, 50],
      [100, 100, 100, 50],
      [200, 100, 50],
      [300, 50],
    ]);
    for (const reader of readers) expect(new Set(reader.names).size).toBe(350);
    expect(made.drive.calls).toHaveLength(4);
  });

  it('answers a look-up from the page that holds it, and goes on for what is asked next', async () => {
    const made = await makeBig(300);
    made.drive.holding = true;
    let found: TreeNode | undefined;
    const looking = made.tree.get('/file-000150', {}).then((node) => {
      found = node;
    });
    await settle();
    made.drive.held.shift()?.answer();
    await settle();
    expect(found).toBeUndefined();
    made.drive.held.shift()?.answer();
    await looking;
    expect(found?.name).toBe('file-000150');
    await made.drive.releaseAll();
    expect(made.drive.aborted).toEqual([]);
    expect(await made.names('/')).toHaveLength(300);
    expect(made.drive.calls).toHaveLength(3);
  });

  it('survives that what goes on for nobody fails', async () => {
    const made = await makeBig(300);
    made.drive.holding = true;
    const looking = made.tree.get('/file-000050', {});
    await settle();
    made.drive.held.shift()?.answer();
    await looking;
    await settle();
    made.drive.held.shift()?.refuse(DOWN);
    await settle();
    await made.drive.releaseAll();
    expect(await made.names('/')).toHaveLength(300);
  });
});

describe('readers that leave', () => {
  it('leave the others alone; the last one takes the fetch along', async () => {
    const made = await makeBig(300);
    made.drive.holding = true;
    const [first, second] = [new AbortController(), new AbortController()];
    const reader = read(made, made.root, false, first.signal);
    const looking = made.tree.get('/file-000299', {}, second.signal).catch((error) => error.code);
    await settle();
    first.abort();
    await reader.ended;
    expect(reader.error).toMatchObject({ code: 'aborted' });
    expect(made.drive.aborted).toEqual([]);
    second.abort();
    expect(await looking).toBe('aborted');
    expect(made.drive.aborted).toEqual(['root@0']);
    await made.drive.releaseAll();
    expect(await made.names('/')).toHaveLength(300);
  });

  it('by breaking off their loop count as gone', async () => {
    const made = await makeBig(300);
    made.drive.holding = true;
    const pages = made.tree.list(made.root, {});
    const first = pages.next();
    await settle();
    made.drive.held.shift()?.answer();
    await first;
    await settle();
    await pages.return(undefined);
    expect(made.drive.aborted).toEqual(['root@100']);
  });

  it('at once begin nothing', async () => {
    const made = await makeBig(3);
    const gone = AbortSignal.abort();
    await expect(made.list('/', {}, gone)).rejects.toMatchObject({ code: 'aborted' });
    expect(made.drive.calls).toEqual([]);
  });

  it('do not take along whoever comes while they go', async () => {
    for (let ticks = 0; ticks < 20; ticks++) {
      const made = await makeBig(3);
      made.drive.holding = true;
      const controller = new AbortController();
      const leaving = read(made, made.root, false, controller.signal);
      await settle();
      controller.abort();
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      const staying = read(made, made.root);
      await leaving.ended;
      await settle();
      await made.drive.releaseAll();
      await staying.ended;
      expect(staying).toMatchObject({ parts: [3], done: true });
    }
  });
});

describe('fresh: true', () => {
  it('asks though the listing is fresh, and what it learns serves all', async () => {
    const { drive, names } = await makeBig(3);
    await names('/');
    drive.setFolder('root', [makeEntry('new')]);
    expect(await names('/', { fresh: true })).toEqual(['new']);
    expect(await names('/')).toEqual(['new']);
    expect(drive.calls).toHaveLength(2);
  });

  it('shares no fetch that began before, and a burst shares the next one', async () => {
    const made = await makeBig(3);
    made.drive.holding = true;
    const before = read(made, made.root);
    await settle();
    const burst = Array.from({ length: 20 }, () => read(made, made.root, true));
    const plain = read(made, made.root);
    await settle();
    expect(made.drive.calls).toHaveLength(1);
    made.drive.held.shift()?.answer();
    await before.ended;
    await plain.ended;
    made.drive.setFolder('root', [makeEntry('new')]);
    await settle();
    expect(made.drive.calls).toHaveLength(2);
    const later = read(made, made.root, true);
    await settle();
    expect(made.drive.held).toHaveLength(1);
    made.drive.held.shift()?.answer();
    await Promise.all(burst.map((reader) => reader.ended));
    await settle();
    expect(made.drive.calls).toHaveLength(3);
    await made.drive.releaseAll();
    await later.ended;
    expect(before.names).toHaveLength(3);
    expect(plain.names).toHaveLength(3);
    for (const reader of [...burst, later]) expect(reader.names).toEqual(['new']);
  });

  it('moves up what is asked for behind an answer and has to end first', async () => {
    const { drive, names, clock } = await makeBig(300);
    await names('/');
    clock.now += FRESH_MS;
    const signals: (AbortSignal | undefined)[] = [];
    const listPage = drive.listPage.bind(drive);
    drive.listPage = (folder, marker, signal) => {
      signals.push(signal);
      return listPage(folder, marker, signal);
    };
    drive.holding = true;
    await names('/', { mayBeStale: true });
    await settle();
    expect(signals.map(isBackground)).toEqual([true]);
    const reloaded = names('/', { fresh: true });
    await settle();
    expect(signals.map(isBackground)).toEqual([false]);
    await drive.releaseAll();
    expect(await reloaded).toHaveLength(300);
  });

  it('waits for nobody when all of a burst have left', async () => {
    const made = await makeBig(3);
    made.drive.holding = true;
    const before = read(made, made.root);
    const controller = new AbortController();
    await settle();
    const waiting = read(made, made.root, true, controller.signal);
    await settle();
    controller.abort();
    await waiting.ended;
    await made.drive.releaseAll();
    await before.ended;
    expect(waiting.error).toMatchObject({ code: 'aborted' });
    expect(made.drive.calls).toHaveLength(1);
  });

  it('fails rather than answer from memory, and leaves the memory to others', async () => {
    const { drive, tree, names } = await makeBig(3);
    await names('/');
    drive.failure = DOWN;
    await expect(names('/', { fresh: true })).rejects.toBe(DOWN);
    await expect(tree.get('/file-000001', { fresh: true })).rejects.toBe(DOWN);
    expect(await names('/')).toHaveLength(3);
    await expect(tree.get('/absent', {})).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('memory', () => {
  it('is bounded by entries, and the folder longest unused goes first', async () => {
    const { drive, names } = makeTree({ maxEntries: 100 });
    drive.setFolder(
      'root',
      ['a', 'b', 'c'].map((name) => makeFolder(name)),
    );
    for (const name of ['a', 'b', 'c']) drive.setFolder(`id-${name}`, makeFiles(40));
    await names('/a');
    await names('/b');
    await names('/a');
    await names('/c');
    drive.calls.length = 0;
    await names('/a');
    await names('/c');
    expect(drive.calls).toEqual([]);
    await names('/b');
    expect(drive.calls).toEqual(['id-b@0']);
  });

  it('too small for a folder keeps that folder alone', async () => {
    const { drive, tree, names } = makeTree({ maxEntries: 10 });
    drive.setFolder('root', [...makeFiles(250), makeFolder('small')]);
    drive.setFolder('id-small', makeFiles(3));
    expect(await names('/')).toHaveLength(251);
    const listed = drive.calls.length;
    expect((await tree.get('/file-000249', {})).name).toBe('file-000249');
    expect(drive.calls).toHaveLength(listed);
    await names('/small');
    await names('/');
    expect(drive.calls).toHaveLength(2 * listed + 1);
  });
});
