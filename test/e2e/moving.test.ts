import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pathsOf, readDrive, readOnly, totalWriteCalls } from '../support/drive-view.ts';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';
import { type AskOptions, ask, propfind, readRows, until } from './requests.ts';

describe.each(LOGIN_KINDS)('MKCOL, MOVE, COPY and DELETE over a login of kind %s', (kind) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ kind });
  });
  afterAll(() => stack.close());

  const send = async (method: string, path: string, options: AskOptions = {}) =>
    (await ask(stack.url, path, { method, ...options })).status;
  const put = (path: string, body: string) => send('PUT', path, { body });
  const transfer = (method: 'MOVE' | 'COPY', from: string, to: string, headers: Record<string, string> = {}) =>
    send(method, from, { headers: { Destination: to, ...headers } });
  const read = async (path: string) => (await readOnly(stack, path)).toString();
  const shown = async (folder: string) =>
    readRows((await propfind(stack.url, folder, '1')).text)
      .slice(1)
      .map(({ href }) => decodeURIComponent(href))
      .sort();

  /** Every test works in a folder of its own. */
  let count = 0;
  let home = '';
  beforeEach(async () => {
    stack.emulator.faults.clear();
    count += 1;
    home = `/t${count}`;
    expect(await send('MKCOL', home)).toBe(201);
    stack.emulator.calls.reset();
  });

  it('makes a folder with one call, and none twice', async () => {
    expect(await send('MKCOL', `${home}/a/`)).toBe(201);
    expect(totalWriteCalls(stack)).toBe(1);
    expect(await send('MKCOL', `${home}/a`)).toBe(405);
    expect(await send('MKCOL', `${home}/a`, { body: '<x/>' })).toBe(415);
    expect(await send('MKCOL', `${home}/none/a`)).toBe(409);
    expect(await send('MKCOL', '/')).toBe(405);
    await put(`${home}/file`, 'x');
    expect(await send('MKCOL', `${home}/file`)).toBe(405);
    expect(await send('MKCOL', `${home}/file/a`)).toBe(409);
    expect(await shown(home)).toEqual([`${home}/a/`, `${home}/file`]);
  });

  it('renames, moves and does both at once', async () => {
    await send('MKCOL', `${home}/to`);
    await put(`${home}/a.txt`, 'a');
    const [before] = readDrive(stack).get(`${home}/a.txt`) ?? [];
    stack.emulator.calls.reset();
    expect(await transfer('MOVE', `${home}/a.txt`, `http://elsewhere.example:99${home}/b.txt`)).toBe(201);
    expect(totalWriteCalls(stack)).toBe(1);
    expect(await transfer('MOVE', `${home}/b.txt`, `https://u:p@h${home}/to/b.txt`)).toBe(201);
    expect(await transfer('MOVE', `${home}/to/b.txt`, `${home}/c%20%E6%96%87.txt`)).toBe(201);
    expect(await read(`${home}/c 文.txt`)).toBe('a');
    expect(readDrive(stack).get(`${home}/c 文.txt`)?.[0]?.fileId).toBe(before?.fileId);
    expect(await shown(home)).toEqual([`${home}/c 文.txt`, `${home}/to/`]);
    expect(await send('GET', `${home}/a.txt`)).toBe(404);
  });

  it('moves a folder with all that is in it', async () => {
    await send('MKCOL', `${home}/dir`);
    await send('MKCOL', `${home}/dir/sub`);
    await put(`${home}/dir/sub/x.txt`, 'x');
    expect(await transfer('MOVE', `${home}/dir`, `${home}/moved`)).toBe(201);
    expect(await read(`${home}/moved/sub/x.txt`)).toBe('x');
    expect(await shown(`${home}/moved/sub`)).toEqual([`${home}/moved/sub/x.txt`]);
    expect(await send('GET', `${home}/dir/sub/x.txt`)).toBe(404);
  });

  it.each(['MOVE', 'COPY'] as const)('%s over what is there leaves one file, unless told not to', async (method) => {
    await put(`${home}/from.txt`, 'from');
    await put(`${home}/to.txt`, 'to');
    expect(await transfer(method, `${home}/from.txt`, `${home}/to.txt`, { Overwrite: 'F' })).toBe(412);
    expect(await read(`${home}/to.txt`)).toBe('to');
    expect(await transfer(method, `${home}/from.txt`, `${home}/to.txt`)).toBe(204);
    expect(await read(`${home}/to.txt`)).toBe('from');
    const left = method === 'MOVE' ? [`${home}/to.txt`] : [`${home}/from.txt`, `${home}/to.txt`];
    expect(await shown(home)).toEqual(left);
    expect(pathsOf(stack).filter((path) => path.startsWith(`${home}/`))).toEqual(left);
  });

  it.each(['MOVE', 'COPY'] as const)('%s of a folder over a folder and over a file', async (method) => {
    for (const name of ['one', 'two', 'three']) {
      await send('MKCOL', `${home}/${name}`);
      await put(`${home}/${name}/${name}.txt`, name);
    }
    await put(`${home}/file`, 'file');
    expect(await transfer(method, `${home}/one`, `${home}/two`)).toBe(204);
    expect(await shown(`${home}/two`)).toEqual([`${home}/two/one.txt`]);
    expect(await transfer(method, `${home}/three`, `${home}/file`)).toBe(204);
    expect(await read(`${home}/file/three.txt`)).toBe('three');
  });

  it('copies files and folders natively, under another name too', async () => {
    await send('MKCOL', `${home}/dir`);
    await put(`${home}/dir/x.txt`, 'x');
    await put(`${home}/a.txt`, 'a');
    stack.emulator.calls.reset();
    expect(await transfer('COPY', `${home}/a.txt`, `${home}/b.txt`)).toBe(201);
    expect(await transfer('COPY', `${home}/dir`, `${home}/dir2`)).toBe(201);
    expect(await transfer('COPY', `${home}/dir`, `${home}/alone`, { Depth: '0' })).toBe(201);
    expect(stack.emulator.calls.count('upload')).toBe(0);
    expect(await read(`${home}/b.txt`)).toBe('a');
    expect(await read(`${home}/dir2/x.txt`)).toBe('x');
    expect(await shown(`${home}/alone`)).toEqual([]);
  });

  it('takes along what is in a folder and not in the drive yet', async () => {
    await send('MKCOL', `${home}/a`);
    await put(`${home}/a/full.txt`, 'x');
    await put(`${home}/a/empty.txt`, '');
    expect(await transfer('MOVE', `${home}/a`, `${home}/b`)).toBe(201);
    expect(await transfer('COPY', `${home}/b`, `${home}/c`)).toBe(201);
    for (const folder of ['b', 'c']) {
      expect(await shown(`${home}/${folder}`)).toEqual([`${home}/${folder}/empty.txt`, `${home}/${folder}/full.txt`]);
      expect(await read(`${home}/${folder}/full.txt`)).toBe('x');
      expect(await read(`${home}/${folder}/empty.txt`)).toBe('');
    }
  });

  it('takes along the junk that lies in a folder', async () => {
    await send('MKCOL', `${home}/a`);
    await put(`${home}/a/._x`, 'junk');
    expect(await transfer('COPY', `${home}/a`, `${home}/b`)).toBe(201);
    expect(await shown(`${home}/b`)).toEqual([`${home}/b/._x`]);
    expect((await ask(stack.url, `${home}/b/._x`)).text).toBe('junk');
    expect(await shown(`${home}/a`)).toEqual([`${home}/a/._x`]);
  });

  it('brings properties along, and ends the lock, also where it learns later that it has moved something', async () => {
    await put(`${home}/m`, 'm');
    const mood = '<m:mood xmlns:m="urn:m">gut</m:mood>';
    const update = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>${mood}</D:prop></D:set></D:propertyupdate>`;
    expect(await send('PROPPATCH', `${home}/m`, { body: update })).toBe(207);
    const lockInfo =
      '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
    const locked = await ask(stack.url, `${home}/m`, { method: 'LOCK', body: lockInfo });
    const root = kind === 'open' ? '/adrive/v1.0/openFile' : '/v3/file';
    for (const endpoint of [`${root}/update`, `${root}/move`]) {
      stack.emulator.faults.inject({ kind: 'lost-answer', how: '500', endpoint });
    }
    const get = kind === 'open' ? '/adrive/v1.0/openFile/get' : '/v2/file/get';
    stack.emulator.faults.inject({ kind: 'answer', status: 500, endpoint: get, times: 'always' });
    const headers = { If: `(${locked.headers['lock-token']})` };
    expect(await transfer('MOVE', `${home}/m`, `${home}/n`, headers)).toBe(503);
    stack.emulator.faults.clear();
    await until(async () => (await propfind(stack.url, `${home}/n`, '0')).text.includes('gut'), 20_000, 'the property');
    await until(async () => (await send('PUT', `${home}/m`, { body: 'free' })) === 201, 5_000, 'a free name');
  });

  it('awaits the service’s own tasks', async () => {
    await send('MKCOL', `${home}/dir`);
    for (let index = 0; index < 5; index++) await put(`${home}/dir/${index}.txt`, `${index}`);
    stack.emulator.settings.taskMs = 700;
    expect(await transfer('COPY', `${home}/dir`, `${home}/copy`)).toBe(201);
    expect(await shown(`${home}/copy`)).toHaveLength(5);
    expect(await send('DELETE', `${home}/dir`)).toBe(204);
    stack.emulator.settings.taskMs = 0;
    expect(await shown(home)).toEqual([`${home}/copy/`]);
  });

  it('refuses what makes no sense', async () => {
    await send('MKCOL', `${home}/dir`);
    await put(`${home}/dir/x.txt`, 'x');
    const refusals: ['MOVE' | 'COPY', string, string | undefined, Record<string, string>, number][] = [
      ['MOVE', '/dir', '/dir', {}, 403],
      ['COPY', '/dir', '/dir', {}, 403],
      ['MOVE', '/dir', '/dir/in', {}, 403],
      ['COPY', '/dir', '/dir/in', {}, 403],
      ['COPY', '/dir/x.txt', '/dir', {}, 403],
      ['MOVE', '/none', '/there', {}, 404],
      ['MOVE', '/dir', '/none/dir', {}, 409],
      ['MOVE', '/dir', undefined, {}, 400],
      ['MOVE', '/dir', '/%zz', {}, 400],
      ['MOVE', '/dir', '/a#b', {}, 400],
      ['MOVE', '/dir', '/there', { Depth: '0' }, 400],
      ['COPY', '/dir', '/there', { Depth: '1' }, 400],
      ['COPY', '/dir', '/there', { Overwrite: 'maybe' }, 400],
    ];
    const before = pathsOf(stack);
    for (const [method, from, to, headers, status] of refusals) {
      const destination = to === undefined ? {} : { Destination: `${home}${to}` };
      const answer = await send(method, `${home}${from}`, { headers: { ...destination, ...headers } });
      expect([method, from, to, answer]).toEqual([method, from, to, status]);
    }
    expect(await send('MOVE', '/', { headers: { Destination: `${home}/root` } })).toBe(403);
    expect(await send('COPY', `${home}/dir`, { headers: { Destination: '/' } })).toBe(403);
    expect(await send('DELETE', '/')).toBe(403);
    expect(await send('DELETE', `${home}/dir/x.txt/`)).toBe(404);
    expect(await send('DELETE', `${home}/nothing`)).toBe(404);
    expect(pathsOf(stack)).toEqual(before);
  });

  it('keeps what is saved with one call, bins what is deleted', async () => {
    await put(`${home}/bin.txt`, 'bin');
    const [entry] = readDrive(stack).get(`${home}/bin.txt`) ?? [];
    stack.emulator.calls.reset();
    expect(await send('DELETE', `${home}/bin.txt`)).toBe(204);
    expect(totalWriteCalls(stack)).toBe(1);
    expect(entry && stack.emulator.store.find(entry.driveId, entry.fileId)?.trashedAt).toBeGreaterThan(0);
    expect(await shown(home)).toEqual([]);
  });

  it('sees its own writes at once and without a listing, however long the service’s lag behind', async () => {
    stack.emulator.settings.listLagMs = 3_000;
    try {
      await put(`${home}/a.txt`, 'a');
      await put(`${home}/b.txt`, 'b');
      await send('DELETE', `${home}/a.txt`);
      await transfer('MOVE', `${home}/b.txt`, `${home}/c.txt`);
      await put(`${home}/c.txt`, 'longer');
      stack.emulator.calls.reset();
      expect(await shown(home)).toEqual([`${home}/c.txt`]);
      expect(stack.emulator.calls.count()).toBe(0);
      const fresh = await propfind(stack.url, home, '1', { headers: { 'Cache-Control': 'no-cache' } });
      expect(readRows(fresh.text).slice(1)).toMatchObject([{ href: `${home}/c.txt`, length: 6 }]);
      stack = await stack.restart();
      const after = await propfind(stack.url, home, '1');
      expect(readRows(after.text).slice(1)).toMatchObject([{ href: `${home}/c.txt`, length: 6 }]);
    } finally {
      stack.emulator.settings.listLagMs = 0;
    }
  });

  it('lists a folder that it copied whole, however long the service’s listings lag behind', async () => {
    stack.emulator.settings.listLagMs = 2_000;
    try {
      await send('MKCOL', `${home}/src`);
      await send('MKCOL', `${home}/src/sub`);
      await put(`${home}/src/a.txt`, 'a');
      await put(`${home}/src/sub/b.txt`, 'b');
      expect(await transfer('COPY', `${home}/src`, `${home}/copy`)).toBe(201);
      expect(await shown(`${home}/copy`)).toEqual([`${home}/copy/a.txt`, `${home}/copy/sub/`]);
      expect(await shown(`${home}/copy/sub`)).toEqual([`${home}/copy/sub/b.txt`]);
    } finally {
      stack.emulator.settings.listLagMs = 0;
    }
  });

  it('believes a change made elsewhere after its own', async () => {
    await put(`${home}/a.txt`, 'mine');
    const [mine] = readDrive(stack).get(`${home}/a.txt`) ?? [];
    if (mine) stack.emulator.store.replaceContent(mine, 'theirs, later');
    const fresh = () => propfind(stack.url, home, '1', { headers: { 'Cache-Control': 'no-cache' } });
    expect(readRows((await fresh()).text).slice(1)).toMatchObject([{ href: `${home}/a.txt`, length: 13 }]);
    const [theirs] = readDrive(stack).get(`${home}/a.txt`) ?? [];
    if (theirs) stack.emulator.store.delete(theirs);
    expect(readRows((await fresh()).text).slice(1)).toEqual([]);
  });
});

describe.each(LOGIN_KINDS)('two drives over a login of kind %s', (kind) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ kind, env: { ALIDAV_DRIVE: 'all' } });
  });
  afterAll(() => stack.close());

  const send = async (method: string, path: string, options: AskOptions = {}) =>
    (await ask(stack.url, encodeURI(path), { method, ...options })).status;
  const move = (from: string, to: string) => send('MOVE', from, { headers: { Destination: encodeURI(to) } });

  it('leaves the drives’ own folders alone', async () => {
    expect(await send('DELETE', '/备份盘')).toBe(403);
    expect(await move('/备份盘', '/x')).toBe(403);
    expect(await send('MKCOL', '/x')).toBe(403);
    expect(await send('PUT', '/x.txt', { body: 'x' })).toBe(403);
    expect(await send('PUT', '/._x', { body: 'junk' })).toBe(201);
    expect((await ask(stack.url, '/._x')).text).toBe('junk');
  });

  it('moves and copies files from one to the other', async () => {
    const { store, drives } = stack.emulator;
    const backup = store.root(drives.backup);
    const resource = store.root(drives.resource);
    await send('PUT', '/备份盘/a.txt', { body: 'a' });
    await send('PUT', '/资源库/b.txt', { body: 'b' });
    expect(await send('COPY', '/备份盘/a.txt', { headers: { Destination: encodeURI('/资源库/copy.txt') } })).toBe(201);
    expect(await move('/备份盘/a.txt', '/资源库/b.txt')).toBe(204);
    expect([...store.children(resource)].map(({ name }) => name).sort()).toEqual(['b.txt', 'copy.txt']);
    expect([...store.children(backup)].map(({ name }) => name)).toEqual([]);
    expect((await ask(stack.url, encodeURI('/资源库/b.txt'), { headers: { Referer: 'x' } })).text).toBe('a');
  });

  it('moves folders where the service can', async () => {
    await send('MKCOL', '/备份盘/dir');
    await send('PUT', '/备份盘/dir/x.txt', { body: 'x' });
    expect(await move('/备份盘/dir', '/资源库/dir')).toBe(kind === 'open' ? 502 : 201);
    const at = kind === 'open' ? '/备份盘/dir/x.txt' : '/资源库/dir/x.txt';
    expect((await ask(stack.url, encodeURI(at), { headers: { Referer: 'x' } })).text).toBe('x');
  });
});
