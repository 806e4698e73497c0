import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { file } from './memory-tree.ts';
import { lockedMembersOf, serveWrites } from './serve-writes.ts';

const HASH = 'A9993E364706816ABA3E25717850C26C9CD0D89D';
const ALL = ['/a', '/a/b', '/a/b/c&d.txt', '/a/f.txt', '/g.txt'];
const start = () =>
  serveWrites({ a: { b: { 'c&d.txt': file() }, 'f.txt': file({ contentHash: HASH }) }, 'g.txt': file() });

describe('DELETE', () => {
  it.each([
    ['/a/f.txt', ['/a', '/a/b', '/a/b/c&d.txt', '/g.txt']],
    ['/a', ['/g.txt']],
    ['/a/', ['/g.txt']],
  ])('of %s', async (target, left) => {
    const served = await start();
    expect(await served.request('DELETE', target)).toMatchObject({ status: 204, body: '' });
    expect(served.paths()).toEqual(left);
    expect(served.writer.claims).toBe(0);
  });

  it.each([
    ['/', {}, 403],
    ['/gone', {}, 404],
    ['/gone/more', {}, 404],
    ['/a/f.txt/more', {}, 404],
    ['/a/f.txt/', {}, 404],
    ['/a/f.txt', { 'If-Match': '"other"' }, 412],
    ['/a/f.txt', { If: '(["other"])' }, 412],
    ['/a/f.txt', { If: '(' }, 400],
    ['/a', { Depth: '0' }, 400],
    ['/a/', { Depth: '1' }, 400],
  ])('of %s with %j is %i', async (target, headers, status) => {
    const served = await start();
    expect((await served.request('DELETE', target, headers)).status).toBe(status);
    expect(served.paths()).toEqual(ALL);
    expect(served.writer.claims).toBe(0);
  });

  it.each([
    ['/a', 'infinity'],
    ['/a/f.txt', '0'],
  ])('of %s takes Depth %s', async (target, depth) => {
    const served = await start();
    expect((await served.request('DELETE', target, { Depth: depth })).status).toBe(204);
  });

  it('of what has the ETag that was asked for', async () => {
    const served = await start();
    expect((await served.request('DELETE', '/a/f.txt', { 'If-Match': `"${HASH.toLowerCase()}"` })).status).toBe(204);
  });

  it('of a locked file needs the token, and ends the lock', async () => {
    const served = await start();
    const token = await served.lock('/a/f.txt');
    expect((await served.request('DELETE', '/a/f.txt')).status).toBe(423);
    expect(served.paths()).toEqual(ALL);
    expect((await served.request('DELETE', '/a/f.txt', { If: `(<${token}>)` })).status).toBe(204);
    expect(await served.locks.within('/')).toEqual([]);
  });

  it('from a locked folder needs the folder’s token', async () => {
    const served = await start();
    const token = await served.lock('/a', { depth: '0' });
    expect((await served.request('DELETE', '/a/f.txt')).status).toBe(423);
    expect((await served.request('DELETE', '/a/f.txt', { If: `</a> (<${token}>)` })).status).toBe(204);
    expect((await served.locks.within('/')).map(({ path }) => path)).toEqual(['/a']);
  });

  it('of a folder names the members that are locked, and leaves all of it', async () => {
    const served = await start();
    const token = await served.lock('/a/b/c&d.txt');
    await served.lock('/a/f.txt');
    expect(lockedMembersOf(await served.request('DELETE', '/a')).toSorted()).toEqual(['/a/b/c%26d.txt', '/a/f.txt']);
    const half = await served.request('DELETE', '/a', { If: `</a/b/c%26d.txt> (<${token}>)` });
    expect(lockedMembersOf(half)).toEqual(['/a/f.txt']);
    expect(served.paths()).toEqual(ALL);
    expect(await served.locks.within('/')).toHaveLength(2);
    expect(served.writer.claims).toBe(0);
  });

  it('of a folder with all the tokens', async () => {
    const served = await start();
    const token = await served.lock('/a/b');
    expect((await served.request('DELETE', '/a', { If: `</a/b> (<${token}>)` })).status).toBe(204);
    expect(await served.locks.within('/')).toEqual([]);
  });

  it('takes the properties along', async () => {
    const served = await start();
    const entry = served.tree.peek('/g.txt')?.entry;
    if (!entry) throw new Error('There is no /g.txt.');
    await served.properties.rememberModifiedAt(entry, 1_600_000_000_000);
    expect((await served.request('DELETE', '/g.txt')).status).toBe(204);
    expect(await served.properties.of(entry)).toBeUndefined();
  });

  it('that fails keeps locks and properties', async () => {
    const served = await start();
    const token = await served.lock('/a/f.txt');
    served.writer.error = new DriveError('unavailable', 'nobody answers');
    expect((await served.request('DELETE', '/a/f.txt', { If: `(<${token}>)` })).status).toBe(503);
    expect(await served.locks.within('/')).toHaveLength(1);
    expect(served.writer.claims).toBe(0);
  });

  it('that cannot ask is 503, not 404', async () => {
    const served = await start();
    served.tree.getError = new DriveError('unavailable', 'nobody answers');
    expect((await served.request('DELETE', '/a/f.txt')).status).toBe(503);
  });
});
