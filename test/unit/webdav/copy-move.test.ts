import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { file } from './memory-tree.ts';
import { lockedMembersOf, serveWrites } from './serve-writes.ts';

const HASH = 'A9993E364706816ABA3E25717850C26C9CD0D89D';
const ALL = ['/a', '/a/b', '/a/b/c&d.txt', '/a/f.txt', '/g.txt'];
const start = (isReadOnly = false) =>
  serveWrites({ a: { b: { 'c&d.txt': file() }, 'f.txt': file({ contentHash: HASH }) }, 'g.txt': file() }, isReadOnly);

describe.each(['COPY', 'MOVE'] as const)('%s', (method) => {
  const isMove = method === 'MOVE';

  it.each([
    ['/a/f.txt', '/new%20%E4%BA%8C.txt', 201, ['/new 二.txt']],
    ['/a/f.txt', 'https://user:secret@nas.example:99/new.txt', 201, ['/new.txt']],
    ['/a/f.txt', '/g.txt', 204, []],
    ['/a/b', '/d', 201, ['/d', '/d/c&d.txt']],
    ['/a/b/', '/d/', 201, ['/d', '/d/c&d.txt']],
  ])('of %s to %s is %i', async (source, Destination, status, arrived) => {
    const served = await start();
    expect(await served.request(method, source, { Destination })).toMatchObject({ status });
    const path = source.replace(/\/$/, '');
    const stay = ALL.filter((at) => !isMove || (at !== path && !at.startsWith(`${path}/`)));
    expect(served.paths()).toEqual([...stay, ...arrived].toSorted());
    expect(served.writer.claims).toBe(0);
  });

  it.each([
    ['/a/f.txt', {}, 400],
    ['/a/f.txt', { Destination: 'f2.txt' }, 400],
    ['/a/f.txt', { Destination: '/x', Overwrite: 'maybe' }, 400],
    ['/a/f.txt', { Destination: '/x', Depth: '1' }, 400],
    ['/a/f.txt', { Destination: '/a/f.txt' }, 403],
    ['/a', { Destination: '/a/b/c' }, 403],
    ['/a/b', { Destination: '/a' }, 403],
    ['/', { Destination: '/x' }, 403],
    ['/g.txt', { Destination: '/' }, 403],
    ['/gone', { Destination: '/x' }, 404],
    ['/a/f.txt/', { Destination: '/x' }, 404],
    ['/g.txt', { Destination: '/gone/x' }, 409],
    ['/g.txt', { Destination: '/a/f.txt/x' }, 409],
    ['/g.txt', { Destination: '/a/f.txt', Overwrite: 'F' }, 412],
    ['/a/f.txt', { Destination: '/x', 'If-Match': '"other"' }, 412],
    ['/a/f.txt', { Destination: '/x', If: '(["other"])' }, 412],
  ])('of %s with %j is %i, and nothing is changed', async (source, headers, status) => {
    const served = await start();
    expect((await served.request(method, source, headers)).status).toBe(status);
    expect(served.paths()).toEqual(ALL);
    expect(served.writer.claims).toBe(0);
  });

  it.each([
    ['the folder that it goes to', 409, true],
    ['what it is about', 404, false],
  ])('that finds %s gone is %i', async (_, status, isFolderGone) => {
    const served = await start();
    const { tree } = served;
    const get = tree.get.bind(tree);
    tree.get = async (path, options) => {
      if (options.fresh && isFolderGone) throw new DriveError('not-found', 'gone');
      return get(path, options);
    };
    served.writer.error = new DriveError('not-found', 'gone');
    expect((await served.request(method, '/g.txt', { Destination: '/a/x' })).status).toBe(status);
  });

  it('takes Depth 0 for a file, and for a folder as its method allows', async () => {
    const served = await start();
    expect((await served.request(method, '/g.txt', { Destination: '/h.txt', Depth: '0' })).status).toBe(201);
    const folder = await served.request(method, '/a', { Destination: '/d', Depth: '0' });
    expect(folder.status).toBe(isMove ? 400 : 201);
    expect(served.paths().filter((path) => path.startsWith('/d'))).toEqual(isMove ? [] : ['/d']);
  });

  it('needs the token of a lock at the destination', async () => {
    const served = await start();
    const token = await served.lock('/g.txt');
    const headers = { Destination: '/g.txt' };
    expect((await served.request(method, '/a/f.txt', headers)).status).toBe(423);
    expect(served.paths()).toEqual(ALL);
    const shown = await served.request(method, '/a/f.txt', { ...headers, If: `</g.txt> (<${token}>)` });
    expect(shown.status).toBe(204);
    expect((await served.locks.covering('/g.txt')).map((lock) => lock.token)).toEqual([token]);
  });

  it('does not take the lock of the source along', async () => {
    const served = await start();
    const token = await served.lock('/a/f.txt');
    const bare = await served.request(method, '/a/f.txt', { Destination: '/x.txt' });
    expect(bare.status).toBe(isMove ? 423 : 201);
    if (isMove) {
      const headers = { Destination: '/x.txt', If: `(<${token}>)` };
      expect((await served.request(method, '/a/f.txt', headers)).status).toBe(201);
    }
    expect(await served.locks.covering('/x.txt')).toEqual([]);
    expect(await served.locks.covering('/a/f.txt')).toHaveLength(isMove ? 0 : 1);
  });

  it('names what is locked in a folder that would go', async () => {
    const served = await start();
    await served.lock('/a/b/c&d.txt');
    const answer = await served.request(method, isMove ? '/a' : '/g.txt', { Destination: isMove ? '/d' : '/a' });
    expect(lockedMembersOf(answer)).toEqual(['/a/b/c%26d.txt']);
    expect(served.paths()).toEqual(ALL);
  });

  it('keeps the properties, and the time that its client gives', async () => {
    const served = await start();
    const body =
      '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><m:mood xmlns:m="urn:m">gut</m:mood></D:prop></D:set></D:propertyupdate>';
    expect((await served.request('PROPPATCH', '/a/f.txt', {}, body)).status).toBe(207);
    const headers = { Destination: '/x.txt', 'X-OC-Mtime': '1700000000' };
    expect(await served.request(method, '/a/f.txt', headers)).toMatchObject({ headers: { 'x-oc-mtime': 'accepted' } });
    const found = await served.request('PROPFIND', '/x.txt', { Depth: '0' });
    expect(found.body).toMatch(/mood[^>]*>gut</);
    expect(found.body).toContain('Tue, 14 Nov 2023 22:13:20 GMT');
  });

  it('is refused where nothing may be written', async () => {
    const served = await start(true);
    expect((await served.request(method, '/g.txt', { Destination: '/x' })).status).toBe(403);
    expect(served.paths()).toEqual(ALL);
  });
});

describe('COPY of a folder', () => {
  it('gives what is in it its properties', async () => {
    const served = await start();
    const body =
      '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><mood xmlns="urn:m">gut</mood></D:prop></D:set></D:propertyupdate>';
    await served.request('PROPPATCH', '/a/b/c%26d.txt', {}, body);
    expect((await served.request('COPY', '/a', { Destination: '/d' })).status).toBe(201);
    const ask = async () => (await served.request('PROPFIND', '/d/b/c%26d.txt', { Depth: '0' })).body;
    await expect.poll(ask).toMatch(/mood[^>]*>gut</);
    expect((await served.request('PROPFIND', '/d/f.txt', { Depth: '0' })).body).not.toContain('mood');
  });

  it('has succeeded even where nobody can say what is in it', async () => {
    const served = await start();
    const body =
      '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><mood xmlns="urn:m">gut</mood></D:prop></D:set></D:propertyupdate>';
    await served.request('PROPPATCH', '/a/f.txt', {}, body);
    served.tree.list = () => {
      throw new DriveError('unavailable', 'nobody answers');
    };
    expect((await served.request('COPY', '/a', { Destination: '/d' })).status).toBe(201);
  });
});
