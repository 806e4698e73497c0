import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { makeEntry, makeFiles, makeFolder } from './fake-drive.ts';
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
