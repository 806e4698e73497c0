import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { toServiceName } from '../../../src/tree/names.ts';
import { makeEntry, makeFiles, makeFolder, settle } from './fake-drive.ts';
import { FRESH_MS, fixedLayout, makeTree } from './make-tree.ts';

const TWO_DRIVES = fixedLayout([
  { driveId: 'd1', name: '备份盘' },
  { driveId: 'd2', name: '资源库' },
]);

describe('paths', () => {
  it('lead through folders to entries, one listing a folder and none for the root itself', async () => {
    const { drive, tree } = makeTree();
    drive.setFolder('root', [makeFolder('Films')]);
    drive.setFolder('id-Films', [makeFolder('2024')]);
    drive.setFolder('id-2024', [makeEntry('a.mkv')]);
    expect(await tree.get('/', {})).toMatchObject({ name: '', entry: { driveId: 'd1', id: 'root', kind: 'folder' } });
    expect(drive.calls).toEqual([]);
    expect(await tree.get('/Films/2024/a.mkv', {})).toMatchObject({ name: 'a.mkv', entry: { id: 'id-a.mkv' } });
    expect(drive.calls).toEqual(['root@0', 'id-Films@0', 'id-2024@0']);
  });

  it('find mapped and suffixed names, and those alone', async () => {
    const { drive, tree, names } = makeTree();
    drive.setFolder('root', [
      makeFolder('AC/DC'),
      makeEntry('a.txt', { id: 'xaaaa' }),
      makeEntry('a.txt', { id: 'xbbbb', createdAt: 2 }),
      makeEntry('\uD800 ', { id: 'odd' }),
    ]);
    drive.setFolder('id-AC/DC', [makeEntry('live')]);
    const listed = await names('/');
    expect(listed).toEqual(expect.arrayContaining(['AC／DC', 'a.txt', 'a (bbbb).txt', '‛ED‛A0‛80␠']));
    for (const name of listed) expect((await tree.get(`/${name}`, {})).name).toBe(name);
    expect((await tree.get('/AC／DC/live', {})).entry.id).toBe('id-live');
    expect((await tree.get('/a (bbbb).txt', {})).entry.id).toBe('xbbbb');
    await expect(tree.get('/A.TXT', {})).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are known backwards as far as they were listed', async () => {
    const { drive, tree, names } = makeTree();
    drive.setFolder('root', [makeFolder('Films'), makeEntry('a')]);
    drive.setFolder('id-Films', [makeFolder('2024', { parentId: 'id-Films' })]);
    expect(tree.findParents('d1').size).toBe(0);
    await names('/Films');
    expect([...tree.findParents('d1')]).toEqual([
      ['id-2024', 'id-Films'],
      ['id-Films', 'root'],
    ]);
    expect(tree.findParents('d2').size).toBe(0);
  });

  it('lead through the folder that has a name by now, also where its parent was listed when another one had it', async () => {
    const { drive, tree } = makeTree();
    drive.setFolder('root', [makeFolder('f', { id: 'old' })]);
    drive.setFolder('old', []);
    await expect(tree.get('/f/absent', {})).rejects.toMatchObject({ code: 'not-found' });
    drive.removeFolder('old');
    drive.setFolder('root', [makeFolder('f', { id: 'new' })]);
    drive.setFolder('new', [makeFolder('g', { parentId: 'new' })]);
    drive.setFolder('id-g', [makeEntry('file', { parentId: 'id-g' })]);
    expect((await tree.get('/f/g/file', { fresh: true })).entry.parentId).toBe('id-g');
    drive.setFolder('root', []);
    drive.removeFolder('new');
    drive.removeFolder('id-g');
    drive.calls.length = 0;
    await expect(tree.get('/f/g', { fresh: true })).rejects.toMatchObject({ code: 'not-found' });
    expect(drive.calls).toEqual(['new@0', 'root@0']);
  });

  it('end at files', async () => {
    const { drive, tree } = makeTree();
    drive.setFolder('root', [makeEntry('a')]);
    await expect(tree.get('/a/b', {})).rejects.toMatchObject({ code: 'not-found' });
    const file = await tree.get('/a', {});
    await expect(tree.list(file, {}).next()).rejects.toMatchObject({ code: 'not-a-folder' });
  });

  it('reserve .alidav at the served root and nowhere else', async () => {
    const { drive, tree, names } = makeTree();
    drive.setFolder('root', [makeFolder('.alidav', { id: 'f-1234' })]);
    drive.setFolder('f-1234', [makeEntry('.alidav')]);
    expect(await names('/')).toEqual(['.alidav (1234)']);
    expect(await names('/.alidav (1234)')).toEqual(['.alidav']);
    await expect(tree.get('/.alidav', {})).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('several drives', () => {
  it('are top folders with trees of their own', async () => {
    const { drive, tree, names } = makeTree({ layout: TWO_DRIVES });
    drive.setFolder('root', [makeFolder('same', { id: 's' })], 'd1');
    drive.setFolder('root', [makeFolder('same', { id: 's', driveId: 'd2' })], 'd2');
    drive.setFolder('s', [makeEntry('one')], 'd1');
    drive.setFolder('s', [makeEntry('two', { driveId: 'd2' })], 'd2');
    expect(await names('/')).toEqual(['备份盘', '资源库']);
    expect(drive.calls).toEqual([]);
    expect(await tree.get('/', {})).toMatchObject({ name: '', entry: { kind: 'folder', createdAt: 0, updatedAt: 0 } });
    expect(await names('/备份盘/same')).toEqual(['one']);
    expect(await names('/资源库/same')).toEqual(['two']);
    expect(tree.peek('/资源库/same/two')?.entry.driveId).toBe('d2');
    await expect(tree.get('/other', {})).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('ALIDAV_ROOT', () => {
  it.each([
    ['/资源库', ['.alidav (9999)', 'Films']],
    ['/资源库/Films', ['.alidav (8888)']],
  ])('serves %s as the root', async (root, expected) => {
    const { drive, tree, names } = makeTree({ layout: TWO_DRIVES, root });
    const inDrive = { driveId: 'd2' };
    drive.setFolder('root', [makeFolder('Films', inDrive), makeFolder('.alidav', { ...inDrive, id: 'r-9999' })], 'd2');
    drive.setFolder('id-Films', [makeEntry('.alidav', { ...inDrive, id: 'f-8888' })], 'd2');
    expect((await names('/')).toSorted()).toEqual(expected);
    expect((await tree.get('/', {})).name).toBe('');
    for (const name of expected) expect(tree.peek(`/${name}`)?.name).toBe(name);
  });

  it('that is missing serves nothing, and says so', async () => {
    const { drive, tree } = makeTree({ root: '/Films/New' });
    drive.setFolder('root', [makeFolder('Films')]);
    drive.setFolder('id-Films', []);
    for (const path of ['/', '/a']) {
      await expect(tree.get(path, {})).rejects.toMatchObject({
        code: 'not-found',
        message: expect.stringContaining('ALIDAV_ROOT'),
      });
    }
  });

  it('that is a file is refused', async () => {
    const { drive, tree } = makeTree({ root: '/a.txt' });
    drive.setFolder('root', [makeEntry('a.txt')]);
    await expect(tree.get('/', {})).rejects.toMatchObject({ code: 'not-a-folder' });
    await expect(tree.get('/x', {})).rejects.toMatchObject({ code: 'not-found' });
  });

  it('that could not be looked up is not missing', async () => {
    const { drive, tree } = makeTree({ root: '/Films' });
    drive.failure = new DriveError('unavailable', 'down');
    await expect(tree.get('/', {})).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('getAtOnce', () => {
  it('is what get would answer, while all of it is fresh in memory', async () => {
    const { drive, tree, clock, names } = makeTree();
    drive.setFolder('root', [makeFolder('Films'), makeEntry('AC/DC')]);
    drive.setFolder('id-Films', [makeEntry('a')]);
    expect(tree.getAtOnce('/Films', {})).toBeUndefined();
    await names('/Films');
    clock.now += FRESH_MS - 1;
    for (const path of ['/', '/Films', '/Films/a', '/AC／DC']) {
      expect(tree.getAtOnce(path, {})).toEqual(await tree.get(path, {}));
      expect(tree.getAtOnce(path, { fresh: true })).toBeUndefined();
      expect(tree.getAtOnce(path, { forWriting: true })).toBeUndefined();
    }
    for (const path of ['/x', '/Films/b', '/Films/a/b']) expect(tree.getAtOnce(path, {})).toBeUndefined();
    const calls = drive.calls.length;
    clock.now += 1;
    expect(tree.getAtOnce('/Films/a', { mayBeStale: true })).toBeUndefined();
    expect(tree.getAtOnce('/', {})?.name).toBe('');
    expect(drive.calls).toHaveLength(calls);
  });

  it('waits for what must be known before anything is answered', async () => {
    let prepare = (): void => {};
    const prepared = new Promise<void>((resolve) => {
      prepare = resolve;
    });
    const { drive, tree } = makeTree({ prepare: () => prepared });
    drive.setFolder('root', [makeEntry('a')]);
    const waiting = tree.get('/a', {});
    expect(tree.getAtOnce('/', {})).toBeUndefined();
    prepare();
    await waiting;
    expect(tree.getAtOnce('/a', {})?.name).toBe('a');
  });
});

describe('peek', () => {
  it('answers from memory, however old, and never asks', async () => {
    const { drive, tree, clock, names } = makeTree();
    drive.setFolder('root', [makeFolder('Films')]);
    drive.setFolder('id-Films', [makeEntry('a')]);
    expect(tree.peek('/')?.name).toBe('');
    expect(tree.peek('/Films')).toBeUndefined();
    await names('/Films');
    const calls = drive.calls.length;
    clock.now += 10 * FRESH_MS;
    expect(tree.peek('/Films/a')?.entry.id).toBe('id-a');
    expect(tree.peek('/Films/b')).toBeUndefined();
    expect(tree.peek('/Films/a/b')).toBeUndefined();
    expect(tree.peek('/x/y')).toBeUndefined();
    expect(drive.calls).toHaveLength(calls);
  });

  it('sees the pages that are here of a listing under way', async () => {
    const { drive, tree } = makeTree();
    drive.pageSize = 10;
    drive.setFolder('root', makeFiles(20));
    const pages = tree.list(await tree.get('/', {}), {});
    await pages.next();
    expect(tree.peek('/file-000003')?.entry.name).toBe('file-000003');
  });

  it('knows nothing before the layout is known', () => {
    const { tree } = makeTree({ layout: fixedLayout(undefined) });
    expect(tree.peek('/')).toBeUndefined();
  });
});

describe('fresh: true', () => {
  it('asks for the folder that holds the entry, not for those above it', async () => {
    const { drive, tree } = makeTree();
    drive.setFolder('root', [makeFolder('Films')]);
    drive.setFolder('id-Films', [makeEntry('a')]);
    await tree.get('/Films/a', {});
    drive.setFolder('id-Films', [makeEntry('b')]);
    await expect(tree.get('/Films/b', {})).rejects.toMatchObject({ code: 'not-found' });
    expect((await tree.get('/Films/b', { fresh: true })).name).toBe('b');
    expect(drive.calls).toEqual(['root@0', 'id-Films@0', 'id-Films@0']);
  });

  it('believes no remembered absence of a folder on the way', async () => {
    const { drive, tree } = makeTree();
    drive.setFolder('root', []);
    await expect(tree.get('/New/a', {})).rejects.toMatchObject({ code: 'not-found' });
    drive.setFolder('root', [makeFolder('New')]);
    drive.setFolder('id-New', [makeEntry('a')]);
    await expect(tree.get('/New/a', {})).rejects.toMatchObject({ code: 'not-found' });
    expect((await tree.get('/New/a', { fresh: true })).name).toBe('a');
  });
});

describe('getQuota', () => {
  it("is the account's, whatever is served", async () => {
    const { drive, tree } = makeTree({ layout: TWO_DRIVES });
    expect(await tree.getQuota()).toEqual(drive.quota);
    drive.failure = new DriveError('unavailable', 'down');
    expect(await tree.getQuota()).toEqual(drive.quota);
  });
});

describe('locate', () => {
  it('names the place of what is there, under the name that the service has', async () => {
    const { drive, tree } = makeTree();
    drive.setFolder('root', [makeFolder('AC/DC')]);
    drive.setFolder('id-AC/DC', [makeEntry('a', { id: 'xaaaa' }), makeEntry('a', { id: 'xbbbb', createdAt: 2 })]);
    const slot = await tree.locate('/AC／DC/a (bbbb)');
    expect(slot).toMatchObject({
      path: '/AC／DC/a (bbbb)',
      parent: { name: 'AC／DC', entry: { id: 'id-AC/DC' } },
      name: 'a (bbbb)',
      serviceName: 'a',
      node: { entry: { id: 'xbbbb' } },
    });
    expect(await tree.locate('/AC／DC')).toMatchObject({ parent: { name: '', entry: { id: 'root' } } });
    expect(drive.calls).toEqual(['root@0', 'id-AC/DC@0']);
  });

  it.each([
    ['new.txt', 'new.txt', 'new.txt'],
    ['a (bbbb)', 'a (bbbb)', 'a (bbbb)'],
    ['Icon␍', 'Icon\r', 'Icon␍'],
    ['notes.', 'notes.', 'notes．'],
    ['notes．', 'notes.', 'notes．'],
    [' blank ', ' blank ', '␠blank␠'],
    ['.alidav', '.alidav', '.alidav', '/docs'],
    ['文'.repeat(341), '文'.repeat(341), '文'.repeat(341)],
  ])('%j is free, and called %j by the service', async (asked, serviceName, name, folder = '') => {
    const { drive, tree, overlay } = makeTree();
    drive.setFolder('root', [makeFolder('docs')]);
    drive.setFolder('id-docs', []);
    const path = `${folder}/${asked}`;
    const slot = await tree.locate(path);
    expect(slot).toMatchObject({ path, name, serviceName, node: undefined });
    const placed = makeEntry(serviceName, { id: 'placed', parentId: slot.parent.entry.id });
    await overlay.apply({ removed: [], placed: [placed] });
    // Whatever a client calls it, it finds what it has put there, and as it is listed.
    for (const found of [await tree.get(path, {}), tree.peek(path), (await tree.locate(path)).node]) {
      expect(found).toEqual({ name, entry: placed });
    }
  });

  it.each([
    ['a／b', 'name-refused'],
    ['‛', 'name-refused'],
    ['．', 'name-refused'],
    ['．．', 'name-refused'],
    ['‛ED‛A0‛80', 'name-refused'],
    ['文'.repeat(342), 'name-refused'],
    ['.alidav', 'forbidden'],
    ['', 'forbidden'],
    ['absent/a', 'not-found'],
    ['absent/deeper/a', 'not-found'],
    ['file/a', 'not-a-folder'],
    ['file/a/b', 'not-found'],
  ])('%j is no place: %s', async (asked, code) => {
    const { drive, tree } = makeTree();
    drive.setFolder('root', [makeEntry('file')]);
    await expect(tree.locate(`/${asked}`)).rejects.toMatchObject({ code });
  });

  it('is a place whatever its name, where something of it is', async () => {
    const { drive, tree } = makeTree();
    drive.setFolder('root', [makeEntry('a/b'), makeEntry('.')]);
    expect(await tree.locate('/a／b')).toMatchObject({ serviceName: 'a/b', node: { name: 'a／b' } });
    expect(await tree.locate('/．')).toMatchObject({ serviceName: '.', node: { name: '．' } });
  });

  it('could not be asked for is no absence', async () => {
    const { drive, tree } = makeTree();
    drive.failure = new DriveError('unavailable', 'down');
    await expect(tree.locate('/a')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('knows the folder above several drives by its empty keys', async () => {
    const { tree } = makeTree({ layout: TWO_DRIVES });
    const free = await tree.locate('/new');
    expect(free).toMatchObject({ parent: { entry: { driveId: '', id: '' } }, node: undefined });
    expect(await tree.locate('/备份盘')).toMatchObject({ node: { entry: { driveId: 'd1', id: 'root' } } });
  });
});

describe('prepare', () => {
  it('is waited for until it was done, and not again', async () => {
    let asked = 0;
    const prepare = async () => {
      asked += 1;
      if (asked === 1) throw new DriveError('unavailable', 'later');
    };
    const { tree } = makeTree({ prepare });
    await expect(tree.get('/', {})).rejects.toMatchObject({ code: 'unavailable' });
    for (let round = 0; round < 3; round++) await tree.get('/', {});
    expect(asked).toBe(2);
  });

  it('is awaited before anything is answered, and what it fails with is heard', async () => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { drive, tree, list } = makeTree({ prepare: () => gate });
    drive.setFolder('root', [makeEntry('a')]);
    const asked = Promise.all([tree.get('/a', {}), tree.locate('/a'), list('/')]);
    const controller = new AbortController();
    const leaving = tree.get('/a', {}, controller.signal).catch((error) => error.code);
    await settle();
    expect(drive.calls).toEqual([]);
    controller.abort();
    expect(await leaving).toBe('aborted');
    open();
    await asked;
    expect(drive.calls).toEqual(['root@0']);
    const failing = makeTree({ prepare: () => Promise.reject(new DriveError('login-required', 'sign in')) });
    await expect(failing.tree.get('/a', {})).rejects.toMatchObject({ code: 'login-required' });
  });
});

describe('onListed', () => {
  it('hears of every complete listing and of no other, with what is ours in it', async () => {
    const heard: [string, string[]][] = [];
    const made = makeTree({ onListed: ({ id }, ids) => heard.push([id, [...ids].toSorted()]) });
    const { drive, overlay, names } = made;
    drive.pageSize = 1;
    drive.setFolder('root', makeFiles(2));
    drive.setEntry('id-own', makeEntry('own'));
    await overlay.apply({ removed: [], placed: [makeEntry('own')] });
    await names('/');
    expect(heard).toEqual([]);
    await overlay.apply({ removed: [], placed: [makeEntry('later')] });
    await settle();
    expect(heard).toEqual([['root', ['id-file-000000', 'id-file-000001', 'id-later', 'id-own']]]);
    await names('/');
    drive.failure = new DriveError('unavailable', 'down');
    await names('/', { fresh: true }).catch(() => {});
    await settle();
    expect(heard).toHaveLength(1);
  });
});

describe('fetchEntries', () => {
  it('are what the service lists now, as it is', async () => {
    const { drive, tree, overlay, names } = makeTree();
    drive.pageSize = 1;
    const twins = [makeEntry('a', { id: '1' }), makeEntry('a', { id: '2', createdAt: 2 })];
    drive.setFolder('root', twins);
    await names('/');
    overlay.guard({ driveId: 'd1', id: 'root' }, 'a', undefined);
    await overlay.apply({ removed: twins, placed: [makeEntry('own')] });
    expect(await tree.fetchEntries({ driveId: 'd1', id: 'root' })).toEqual(twins);
    drive.failure = new DriveError('unavailable', 'down');
    await expect(tree.fetchEntries({ driveId: 'd1', id: 'root' })).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a trailing full stop or blank', () => {
  it('is found as it is asked for and as it is shown', async () => {
    const { drive, tree } = makeTree();
    drive.setFolder('root', [makeFolder('etc.'), makeEntry('etc．', { createdAt: 2 })]);
    drive.setFolder('id-etc.', [makeEntry(toServiceName('a␠'))]);
    for (const path of ['/etc./a ', '/etc．/a␠', '/etc．/a ']) {
      expect((await tree.get(path, {})).entry.id).toBe('id-a ');
      expect(tree.peek(path)?.name).toBe('a␠');
    }
    expect((await tree.get('/etc‛．', {})).entry.id).toBe('id-etc．');
  });
});
