import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pathsOf, readDrive, readOnly, totalWriteCalls } from '../support/drive-view.ts';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';
import { type AskOptions, ask, propfind, readRows, sendRaw, until } from './requests.ts';

const FINDER = 'WebDAVFS/3.0.0 (03008000) Darwin/22.6.0 (arm64)';
const EXPLORER = 'Microsoft-WebDAV-MiniRedir/10.0.22000';
const LOCK_BODY =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';

function sha1(data: string | Buffer): string {
  return createHash('sha1').update(data).digest('hex');
}

describe.each(LOGIN_KINDS)('PUT over a login of kind %s', (kind) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ kind });
  });
  afterAll(() => stack.close());

  const put = (path: string, body: string | Buffer, options: AskOptions = {}) =>
    ask(stack.url, path, { method: 'PUT', body, ...options });
  const get = async (path: string) => (await ask(stack.url, path, { headers: { Referer: 'x' } })).text;
  /** The folder is listed before anything is counted. */
  const warm = async (folder: string) => {
    if (folder !== '/') await ask(stack.url, folder, { method: 'MKCOL' });
    await propfind(stack.url, folder, '1');
    stack.emulator.calls.reset();
  };

  beforeEach(() => {
    stack.emulator.faults.clear();
    stack.emulator.calls.reset();
  });

  it('stores a new small file with three calls, and tells its ETag', async () => {
    await warm('/');
    const answer = await put('/new.txt', `new ${kind}`);
    expect(answer.status).toBe(201);
    expect(answer.headers.etag).toBe(`"${sha1(`new ${kind}`)}"`);
    expect(totalWriteCalls(stack)).toBe(3);
    expect((await readOnly(stack, '/new.txt')).toString()).toBe(`new ${kind}`);
    expect(await get('/new.txt')).toBe(`new ${kind}`);
  });

  it('stores content that the service knows with one call', async () => {
    await put('/known-1.txt', 'known content');
    await warm('/');
    expect((await put('/known-2.txt', 'known content')).status).toBe(201);
    expect(totalWriteCalls(stack)).toBe(1);
    expect(await get('/known-2.txt')).toBe('known content');
  });

  it('overwrites with one call more, and never shows both', async () => {
    await put('/over.txt', 'old');
    await warm('/');
    const answer = await put('/over.txt', `new content ${kind}`);
    expect(answer.status).toBe(204);
    expect(totalWriteCalls(stack)).toBeLessThanOrEqual(4);
    expect((await readOnly(stack, '/over.txt')).toString()).toBe(`new content ${kind}`);
    const rows = readRows((await propfind(stack.url, '/', '1')).text).filter(({ href }) => href.includes('over'));
    expect(rows).toMatchObject([{ href: '/over.txt', length: `new content ${kind}`.length }]);
  });

  it('makes a real file of nothing', async () => {
    expect((await put('/empty.txt', '')).status).toBe(201);
    expect(await readOnly(stack, '/empty.txt')).toHaveLength(0);
    expect((await put('/empty.txt', 'x')).status).toBe(204);
    expect((await put('/empty.txt', '')).status).toBe(204);
    expect(await readOnly(stack, '/empty.txt')).toHaveLength(0);
  });

  it.each([1, 70_000, 3_000_000, 20_000_001])('takes %i bytes of unknown length', async (length) => {
    const body = Buffer.alloc(length, `${kind}${length}`);
    const answer = await put(`/chunked-${length}.bin`, body, { headers: { 'Transfer-Encoding': 'chunked' } });
    expect(answer.status).toBe(201);
    expect((await readOnly(stack, `/chunked-${length}.bin`)).equals(body)).toBe(true);
  });

  it('takes a large file in parts, in order', async () => {
    const body = Buffer.alloc(40 * 2 ** 20 + 7, `parts of ${kind}`);
    expect((await put('/parts.bin', body)).status).toBe(201);
    expect(stack.emulator.calls.count('upload')).toBeGreaterThan(2);
    expect((await readOnly(stack, '/parts.bin')).equals(body)).toBe(true);
  });

  it.each([
    ['longer', 10, 12],
    ['shorter', 12, 10],
  ])('refuses a chunked body %s than X-Expected-Entity-Length tells', async (name, announced, sent) => {
    const answer = await put(`/expected-${name}.bin`, Buffer.alloc(sent, name), {
      headers: { 'Transfer-Encoding': 'chunked', 'X-Expected-Entity-Length': String(announced) },
    });
    expect(answer.status).toBe(400);
    expect(pathsOf(stack)).not.toContain(`/expected-${name}.bin`);
  });

  it('leaves nothing of a body that broke off, and the old file whole', async () => {
    await put('/broken.txt', 'whole');
    const { hostname, port } = new URL(stack.url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(`PUT /broken.txt HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: 1000\r\n\r\nhalf`);
        setTimeout(() => socket.destroy(), 100);
      });
      socket.once('close', () => resolve());
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await readOnly(stack, '/broken.txt')).toString()).toBe('whole');
    expect(await get('/broken.txt')).toBe('whole');
  });

  it('holds a body against the checksum that was announced', async () => {
    const wrong = await put('/sum.txt', 'content', { headers: { 'OC-Checksum': `SHA1:${sha1('other')}` } });
    expect(wrong.status).toBe(400);
    expect(pathsOf(stack)).not.toContain('/sum.txt');
    const right = await put('/sum.txt', 'content', { headers: { 'OC-Checksum': `SHA1:${sha1('content')}` } });
    expect(right.status).toBe(201);
    const big = Buffer.alloc(12 * 2 ** 20, `sum ${kind}`);
    const announced = { headers: { 'OC-Checksum': `SHA1:${sha1(big)}` } };
    expect((await put('/sum-big.bin', big, announced)).status).toBe(201);
    stack.emulator.calls.reset();
    expect((await put('/sum-big-again.bin', big, announced)).status).toBe(201);
    expect(stack.emulator.calls.count('upload')).toBe(0);
    expect((await readOnly(stack, '/sum-big-again.bin')).equals(big)).toBe(true);
    const lie = { headers: { 'OC-Checksum': `SHA1:${sha1('a lie')}` } };
    expect((await put('/sum-lie.bin', Buffer.alloc(12 * 2 ** 20, 'lie'), lie)).status).toBe(400);
    expect((await put('/sum-big.bin', Buffer.alloc(12 * 2 ** 20, 'lie'), lie)).status).toBe(400);
    expect(pathsOf(stack)).not.toContain('/sum-lie.bin');
    expect((await readOnly(stack, '/sum-big.bin')).equals(big)).toBe(true);
  });

  it('remembers the time that a client gives, for as long as the content stays', async () => {
    const answer = await put('/time.txt', 'time', { headers: { 'X-OC-Mtime': '1700000000' } });
    expect(answer.headers['x-oc-mtime']).toBe('accepted');
    const at = 'Tue, 14 Nov 2023 22:13:20 GMT';
    expect((await ask(stack.url, '/time.txt', { method: 'HEAD' })).headers['last-modified']).toBe(at);
    expect((await propfind(stack.url, '/time.txt', '0')).text).toContain(`>${at}<`);
    await ask(stack.url, '/time.txt', { method: 'MOVE', headers: { Destination: '/time-moved.txt' } });
    expect((await ask(stack.url, '/time-moved.txt', { method: 'HEAD' })).headers['last-modified']).toBe(at);
    await put('/time-moved.txt', 'other');
    expect((await ask(stack.url, '/time-moved.txt', { method: 'HEAD' })).headers['last-modified']).not.toBe(at);
  });

  it('refuses what it cannot store, and changes nothing', async () => {
    await ask(stack.url, '/folder', { method: 'MKCOL' });
    await put('/cond.txt', 'cond');
    const before = pathsOf(stack);
    const etag = `"${sha1('cond')}"`;
    const refusals: [string, AskOptions, number][] = [
      ['/cond.txt', { headers: { 'Content-Range': 'bytes 0-3/10' } }, 400],
      ['/folder', {}, 405],
      ['/folder/', {}, 405],
      ['/none/a.txt', {}, 409],
      ['/cond.txt/a.txt', {}, 409],
      ['/', {}, 405],
      ['/cond.txt', { headers: { 'If-None-Match': '*' } }, 412],
      ['/cond.txt', { headers: { 'If-Match': '"other"' } }, 412],
      ['/fresh.txt', { headers: { 'If-Match': etag } }, 412],
      [`/${'n'.repeat(1025)}`, {}, 400],
      ['/.alidav/x', {}, 404],
      ['/cond.txt', { headers: { 'Content-Encoding': 'gzip' } }, 415],
    ];
    for (const [path, options, status] of refusals) {
      expect([path, (await put(path, 'body', options)).status]).toEqual([path, status]);
    }
    expect(pathsOf(stack)).toEqual(before);
    expect((await put('/cond.txt', 'body', { headers: { 'If-Match': etag } })).status).toBe(204);
    expect((await put('/joplin.txt', 'body', { headers: { 'If-None-Match': 'JoplinIgnore-1' } })).status).toBe(201);
  });

  it('asks for the body only when nothing speaks against it', async () => {
    await put('/expect.txt', 'there');
    const refused = await sendRaw(
      stack.url,
      'PUT /expect.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nIf-None-Match: *\r\nExpect: 100-continue\r\n\r\n',
    );
    expect(refused).toMatch(/^HTTP\/1\.1 412 /);
    const wanted = await sendRaw(
      stack.url,
      'PUT /expect.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n',
      300,
    );
    expect(wanted).toMatch(/^HTTP\/1\.1 100 Continue/);
  });

  it.each([
    ['Finder', FINDER],
    ['Explorer', EXPLORER],
  ])('makes one file with three calls of what %s writes: empty, locked, filled', async (_name, agent) => {
    await warm('/');
    const path = `/held-${agent.slice(0, 6)}.txt`;
    const headers = { 'User-Agent': agent };
    const binned = stack.emulator.store.list(
      { driveId: stack.emulator.drives.backup, fileId: 'root' },
      {
        field: 'name',
        direction: 'ASC',
        foldersFirst: false,
      },
    ).length;
    expect((await put(path, '', { headers })).status).toBe(201);
    expect(readRows((await propfind(stack.url, path, '0')).text)).toMatchObject([{ length: 0 }]);
    expect(totalWriteCalls(stack)).toBe(0);
    const locked = await ask(stack.url, path, { method: 'LOCK', headers, body: LOCK_BODY });
    expect(locked.status).toBe(200);
    const token = String(locked.headers['lock-token']);
    expect((await put(path, 'stolen', { headers })).status).toBe(423);
    const filled = await put(path, `filled by ${agent} over ${kind}`, { headers: { ...headers, If: `(${token})` } });
    expect(filled.status).toBe(204);
    expect(
      (await ask(stack.url, path, { method: 'UNLOCK', headers: { ...headers, 'Lock-Token': token } })).status,
    ).toBe(204);
    expect(totalWriteCalls(stack)).toBe(3);
    expect((await readOnly(stack, path)).toString()).toBe(`filled by ${agent} over ${kind}`);
    expect(binned).toBeGreaterThanOrEqual(0);
  });

  it.each(['If-None-Match', 'If-Match'] as const)(
    'takes under a lock on a free name, as davfs2 does, a PUT with %s',
    async (name) => {
      const path = `/davfs2-${name}.txt`;
      const locked = await ask(stack.url, path, { method: 'LOCK', body: LOCK_BODY });
      expect(locked.status).toBe(201);
      const seen = await ask(stack.url, path, { method: 'HEAD' });
      const lists = `<${stack.url}${path}> (${locked.headers['lock-token']})`;
      const condition = name === 'If-Match' ? String(seen.headers.etag) : '*';
      const answer = await put(path, `by ${name} of ${kind}`, { headers: { If: lists, [name]: condition } });
      expect(answer.status).toBe(204);
      expect((await readOnly(stack, path)).toString()).toBe(`by ${name} of ${kind}`);
    },
  );

  it('lets one of two who create a name win, and tells both the truth', async () => {
    const answers = await Promise.all(
      ['one', 'two'].map((text) =>
        put('/race.txt', `${text} ${kind}`.repeat(1000), { headers: { 'If-None-Match': '*' } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 412]);
    expect(readDrive(stack).get('/race.txt')).toHaveLength(1);
    const winner = answers[0]?.status === 201 ? 'one' : 'two';
    expect(await get('/race.txt')).toBe(`${winner} ${kind}`.repeat(1000));
  });

  it('takes junk as davfs2 writes it: locked empty, then filled under that lock', async () => {
    await warm('/junk');
    for (const name of ['.DS_Store', '._z', '~$w.docx']) {
      const locked = await ask(stack.url, `/junk/${name}`, { method: 'LOCK', body: LOCK_BODY });
      expect(locked.status).toBe(201);
      const headers = { If: `(${locked.headers['lock-token']})`, 'If-None-Match': '*' };
      expect((await put(`/junk/${name}`, 'junk', { headers })).status).toBe(204);
      expect(await get(`/junk/${name}`)).toBe('junk');
      expect((await put(`/junk/${name}`, 'more', { headers })).status).toBe(412);
    }
    expect(stack.emulator.calls.count()).toBe(0);
  });

  it('keeps what is in the drive out of the junk', async () => {
    await warm('/keep');
    expect((await ask(stack.url, '/keep/.TemporaryItems', { method: 'MKCOL' })).status).toBe(201);
    await put('/keep/doc', `doc ${kind}`);
    for (const method of ['MOVE', 'COPY']) {
      const answer = await ask(stack.url, '/keep/doc', {
        method,
        headers: { Destination: '/keep/.TemporaryItems/doc' },
      });
      expect([answer.status, answer.text]).toEqual([403, expect.stringMatching(/kept by alidav/)]);
    }
    expect(await get('/keep/doc')).toBe(`doc ${kind}`);
    expect((await put('/keep/.TemporaryItems/big', Buffer.alloc(65 * 2 ** 20))).status).toBe(403);
  });

  it('lets no upload that was under way take its place under somebody else’s lock', async () => {
    await put('/guarded.txt', 'old');
    const { hostname, port } = new URL(stack.url);
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write('PUT /guarded.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 6\r\n\r\nnew');
    await until(async () => (await propfind(stack.url, '/guarded.txt', '0')).status === 207, 5_000, 'an answer');
    const locked = await ask(stack.url, '/guarded.txt', { method: 'LOCK', body: LOCK_BODY });
    expect(locked.status).toBe(200);
    socket.write('est');
    await once(socket, 'close');
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 423 /);
    expect(await get('/guarded.txt')).toBe('old');
    expect(readDrive(stack).get('/guarded.txt')).toHaveLength(1);
  });

  it('tells a client that sends before it reads why its body is refused', async () => {
    await warm('/');
    stack.emulator.faults.inject({
      kind: 'error',
      code: 'QuotaExhausted.Drive',
      endpoint: kind === 'open' ? '/adrive/v1.0/openFile/create' : '/adrive/v2/file/createWithFolders',
      times: 'always',
    });
    const { hostname, port } = new URL(stack.url);
    const socket = connect(Number(port), hostname).pause();
    const failures: Error[] = [];
    socket.on('error', (error) => failures.push(error));
    const bytes = 48 * 2 ** 20;
    socket.write(`PUT /late.bin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${bytes}\r\n\r\n`);
    const closed = once(socket, 'close');
    for (let sent = 0; sent < bytes && failures.length === 0; sent += 2 ** 20) {
      if (!socket.write(Buffer.alloc(2 ** 20))) await Promise.race([once(socket, 'drain'), closed]);
    }
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
    await closed;
    expect(failures).toEqual([]);
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 507 /);
  });

  it('answers 409 where the folder was deleted elsewhere, and then knows', async () => {
    await warm('/gone');
    const { store, drives } = stack.emulator;
    const folder = store.findChild(store.root(drives.backup), 'gone');
    if (!folder) throw new Error('There is no such folder.');
    store.trash(folder);
    expect((await put('/gone/x', 'x')).status).toBe(409);
    expect((await ask(stack.url, '/gone/x', { method: 'MKCOL' })).status).toBe(409);
    // The open API does not say what is in the recycle bin: a folder that we made a moment ago is believed in for a while.
    if (kind !== 'open') expect((await propfind(stack.url, '/gone', '0')).status).toBe(404);
  });

  it('refuses with 507 what the drive has no space for, before the body', async () => {
    const answer = await sendRaw(
      stack.url,
      'PUT /huge.bin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999999999\r\nExpect: 100-continue\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 507 /);
  });
});
