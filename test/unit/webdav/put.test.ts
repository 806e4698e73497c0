import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { makeLocalEntry } from '../../../src/drive/local-entry.ts';
import { file } from './memory-tree.ts';
import { type ServedWrites, serveWrites } from './serve-writes.ts';

const OLD_HASH = 'A9993E364706816ABA3E25717850C26C9CD0D89D';
const OLD_ETAG = `"${OLD_HASH.toLowerCase()}"`;
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');
const NEW_ETAG = `"${sha1('new')}"`;

const start = () => serveWrites({ a: { 'old.txt': file({ sizeBytes: 3, contentHash: OLD_HASH }) } });

/** Nothing was written, and nobody is kept off a place. */
function expectUntouched({ writer, tree }: ServedWrites): void {
  expect(writer.asked.filter((work) => !work.startsWith('claim'))).toEqual([]);
  expect(writer.claims).toBe(0);
  expect(tree.peek('/a/old.txt')?.entry.contentHash).toBe(OLD_HASH);
}

describe('PUT', () => {
  it('creates, and replaces, with the new ETag', async () => {
    const served = await start();
    const created = await served.request('PUT', '/a/new%20%E4%BA%8C.txt', {}, 'new');
    expect(created).toMatchObject({ status: 201, headers: { etag: NEW_ETAG, 'content-length': '0' } });
    const replaced = await served.request('PUT', '/a/old.txt', {}, 'new');
    expect(replaced).toMatchObject({ status: 204, headers: { etag: NEW_ETAG }, body: '' });
    expect(Object.fromEntries(served.writer.contents)).toEqual({ '/a/new 二.txt': 'new', '/a/old.txt': 'new' });
    expect(served.writer.claims).toBe(0);
    expect(served.records.map(({ clientClass }) => clientClass)).toEqual(['unknown', 'unknown']);
  });

  it.each([
    ['/gone/new.txt', {}, 409],
    ['/a/old.txt/new.txt', {}, 409],
    ['/a', {}, 405],
    ['/a/', {}, 405],
    ['/a/new.txt/', {}, 405],
    ['/', {}, 405],
    ['/a/new.txt', { 'Content-Range': 'bytes 0-2/3' }, 400],
    ['/a/new.txt', { 'Content-Encoding': 'gzip' }, 415],
    ['/a/new.txt', { 'OC-Checksum': 'SHA1:abc' }, 400],
    ['/a/old.txt', { 'If-None-Match': '*' }, 412],
    ['/a/old.txt', { 'If-None-Match': OLD_ETAG }, 412],
    ['/a/old.txt', { 'If-Match': '"other"' }, 412],
    ['/a/old.txt', { 'If-Match': `W/${OLD_ETAG}` }, 412],
    ['/a/new.txt', { 'If-Match': '*' }, 412],
    ['/a/old.txt', { 'If-Unmodified-Since': 'Sun, 22 Nov 2026 00:00:00 GMT' }, 412],
    ['/a/old.txt', { If: '(["other"])' }, 412],
    ['/a/old.txt', { If: '(<urn:uuid:none>)' }, 412],
    ['/a/old.txt', { If: 'nonsense' }, 400],
  ])('of %s with %j is %i, and nothing is written', async (target, headers, status) => {
    const served = await start();
    expect((await served.request('PUT', target, headers, 'new')).status).toBe(status);
    expectUntouched(served);
  });

  it.each([
    ['/a/new.txt', { 'If-None-Match': '*' }, 201],
    ['/a/old.txt', { 'If-Match': OLD_ETAG }, 204],
    ['/a/old.txt', { 'If-Match': `"x", ${OLD_ETAG}` }, 204],
    ['/a/old.txt', { 'If-Match': '*' }, 204],
    ['/a/old.txt', { 'If-Unmodified-Since': 'Tue, 24 Nov 2026 00:00:00 GMT' }, 204],
    ['/a/old.txt', { If: `([${OLD_ETAG}])` }, 204],
    ['/a/old.txt', { If: '(Not <urn:uuid:none>)' }, 204],
    // Joplin sends it with every request.
    ['/a/old.txt', { 'If-None-Match': 'JoplinIgnore-123' }, 204],
  ])('of %s with %j is %i', async (target, headers, status) => {
    const served = await start();
    expect((await served.request('PUT', target, headers, 'new')).status).toBe(status);
    expect(served.writer.contents.get(target)).toBe('new');
  });

  it('under a lock needs its token', async () => {
    const served = await start();
    const token = await served.lock('/a/old.txt');
    const refused = await served.request('PUT', '/a/old.txt', {}, 'new');
    expect(refused.status).toBe(423);
    expect(refused.body).toContain('<D:lock-token-submitted><D:href>/a/old.txt</D:href></D:lock-token-submitted>');
    expectUntouched(served);
    expect((await served.request('PUT', '/a/old.txt', { If: `(<${token}>)` }, 'new')).status).toBe(204);
    expect((await served.request('PUT', '/a/old.txt', { If: `(<${token}> ["x"])` }, 'new')).status).toBe(412);
  });

  it.each(['0', 'infinity'] as const)(
    'of a new name needs the token of a lock of depth %s on its folder',
    async (depth) => {
      const served = await start();
      const token = await served.lock('/a', { depth });
      expect((await served.request('PUT', '/a/new.txt', {}, 'new')).status).toBe(423);
      expect((await served.request('PUT', '/a/new.txt', { If: `</a> (<${token}>)` }, 'new')).status).toBe(201);
      const old = await served.request('PUT', '/a/old.txt', {}, 'new');
      expect(old.status).toBe(depth === '0' ? 204 : 423);
    },
  );

  it('fills what its own lock has made, though it must not exist, as davfs2 wants it', async () => {
    const served = await start();
    const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    const locked = await served.request('LOCK', '/a/new.txt', {}, body);
    expect(locked.status).toBe(201);
    const If = `(${locked.headers['lock-token']})`;
    expect((await served.request('PUT', '/a/new.txt', { 'If-None-Match': '*' }, 'stolen')).status).toBe(423);
    const put = await served.request('PUT', '/a/new.txt', { If, 'If-None-Match': '*' }, 'new');
    expect(put).toMatchObject({ status: 204, headers: { etag: NEW_ETAG } });
    expect((await served.request('PUT', '/a/new.txt', { If, 'If-None-Match': '*' }, 'again')).status).toBe(412);
    expect(served.writer.contents.get('/a/new.txt')).toBe('new');
  });

  it('asks for nothing to be replaced with If-None-Match: *, and tells 412 when somebody was faster', async () => {
    const served = await start();
    await served.request('PUT', '/a/one.txt', { 'If-None-Match': '*' }, 'new');
    await served.request('PUT', '/a/two.txt', {}, 'new');
    expect(served.writer.options.map(({ mustBeNew }) => mustBeNew)).toEqual([true, false]);
    served.writer.beforeClaimed = () =>
      served.tree.place('/a/three.txt', { ...entryAt(served, '/a/old.txt'), id: 'theirs' });
    expect((await served.request('PUT', '/a/three.txt', { 'If-None-Match': '*' }, 'new')).status).toBe(412);
    served.writer.error = new DriveError('already-exists', 'made elsewhere');
    expect((await served.request('PUT', '/a/four.txt', { 'If-None-Match': '*' }, 'new')).status).toBe(412);
    expect(served.writer.claims).toBe(0);
  });

  it.each([
    ['name-refused', 400],
    ['quota-exhausted', 507],
    ['spool-full', 507],
    ['drive-locked', 423],
    ['bad-body', 400],
    ['is-a-folder', 405],
    ['forbidden', 403],
    ['too-large', 413],
    ['content-mismatch', 502],
    ['unavailable', 503],
  ] as const)('that fails with %s is %i', async (code, status) => {
    const served = await start();
    served.writer.error = new DriveError(code, 'as it is');
    expect((await served.request('PUT', '/a/old.txt', {}, 'new')).status).toBe(status);
    expect(served.writer.claims).toBe(0);
  });

  it.each(['not-found', 'not-a-folder'] as const)('into a folder that is gone by now (%s) is 409', async (code) => {
    const served = await start();
    served.writer.error = new DriveError(code, 'no such parent');
    const { tree } = served;
    const get = tree.get.bind(tree);
    tree.get = async (path, options) => {
      if (!options.fresh) return get(path, options);
      throw new DriveError(code, 'gone');
    };
    expect((await served.request('PUT', '/a/new.txt', {}, 'new')).status).toBe(409);
  });

  it('is held against the locks once more when its body is whole', async () => {
    const served = await start();
    expect((await served.request('PUT', '/a/new.txt', {}, 'new')).status).toBe(201);
    const mayAppear = served.writer.options[0]?.mayAppear;
    await expect(mayAppear?.()).resolves.toBeUndefined();
    await served.lock('/a', { depth: 'infinity' });
    await expect(mayAppear?.()).rejects.toMatchObject({ status: 423 });
  });

  it.each(['getError', 'write'] as const)('that cannot ask (%s) is no 404', async (where) => {
    const served = await start();
    const error = new DriveError('unavailable', 'nobody answers');
    if (where === 'getError') served.tree.getError = error;
    else served.writer.error = error;
    expect((await served.request('PUT', '/a/old.txt', {}, 'new')).status).toBe(503);
  });

  it('of more than the drive has room for is 507 before the body is asked for', async () => {
    const served = await start();
    const head = 'PUT /a/new.txt HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n';
    const answer = await served.send(`${head}Content-Length: 601\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 507 /);
    expectUntouched(served);
    expect(served.tree.asked.filter((asked) => asked.endsWith('quota'))).toEqual(['quota', 'fresh quota']);
    served.tree.freshQuota = { usedBytes: 0, totalBytes: 1000 };
    const elsewhere = await served.request('PUT', '/a/freed.txt', {}, 'x'.repeat(601));
    expect(elsewhere.status).toBe(201);
    served.tree.quota = undefined;
    const unknown = await served.request('PUT', '/a/new.txt', {}, 'x'.repeat(601));
    expect(unknown.status).toBe(201);
  });

  it('asks for a body only when nothing stands against it', async () => {
    const served = await start();
    const head = (target: string) =>
      `PUT ${target} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 3\r\n`;
    await served.lock('/a/old.txt');
    expect(await served.send(`${head('/a/old.txt')}\r\n`)).toMatch(/^HTTP\/1\.1 423 /);
    expect(await served.send(`${head('/gone/x')}\r\n`)).toMatch(/^HTTP\/1\.1 409 /);
    expect(await served.send(`${head('/a/new.txt')}\r\nnew`)).toMatch(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /,
    );
  });

  it.each([
    [{ 'X-OC-Mtime': '1600000000' }, 1_600_000_000_000],
    [{ 'X-OC-Mtime': '1600000000.5' }, 1_600_000_000_500],
    [{ 'X-OC-Mtime': 'yesterday' }, undefined],
    [{}, undefined],
  ])('with %j keeps the time %s', async (headers, at) => {
    const served = await start();
    const answer = await served.request('PUT', '/a/old.txt', headers, 'new');
    expect([answer.status, answer.headers['x-oc-mtime']]).toEqual([204, at === undefined ? undefined : 'accepted']);
    const entry = entryAt(served, '/a/old.txt');
    expect(served.properties.modifiedAtOf(entry, await served.properties.of(entry))).toBe(at ?? entry.updatedAt);
  });

  it('keeps no time of junk', async () => {
    const served = await start();
    served.writer.write = async (slot, body) => {
      await body.stream.toArray();
      return makeLocalEntry('junk', slot.parent.entry, slot.name, { kind: 'file', at: 0 });
    };
    const answer = await served.request('PUT', '/a/._old.txt', { 'X-OC-Mtime': '1600000000' }, 'junk');
    expect([answer.status, answer.headers['x-oc-mtime']]).toEqual([201, undefined]);
  });

  it.each([true, false])('leaves dead properties with the file (it keeps its id: %s)', async (keepsIds) => {
    const served = await start();
    served.writer.keepsIds = keepsIds;
    const property = { namespace: 'urn:x', name: 'mood', xml: '<x:mood xmlns:x="urn:x">gut</x:mood>' };
    await served.properties.update(entryAt(served, '/a/old.txt'), [{ kind: 'set', property }]);
    expect((await served.request('PUT', '/a/old.txt', {}, 'new')).status).toBe(204);
    expect((await served.properties.of(entryAt(served, '/a/old.txt')))?.properties).toEqual([property]);
  });

  it.each([
    ['WebDAVFS/3.0.0 (03008000) Darwin/22.6.0', true],
    ['Microsoft-WebDAV-MiniRedir/10.0.19045', true],
    ['Microsoft Office Word 2014', true],
    ['rclone/v1.60.1', false],
    ['davfs2/1.6.1 neon/0.32.5', false],
  ])('of %s may begin with nothing: %s', async (userAgent, mayHold) => {
    const served = await start();
    await served.request('PUT', '/a/new.txt', { 'User-Agent': userAgent });
    expect(served.writer.options).toMatchObject([{ mayHold }]);
    expect(served.writer.bodies).toMatchObject([{ sizeBytes: 0 }]);
  });

  it('tells the writer what the client says of the body', async () => {
    const served = await start();
    await served.request('PUT', '/a/1', { 'OC-Checksum': `SHA1:${sha1('new')}` }, 'new');
    const chunked = (extra: string) =>
      `PUT /a/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${extra}Transfer-Encoding: chunked\r\n\r\n3\r\nnew\r\n0\r\n\r\n`;
    await served.send(chunked(''));
    await served.send(chunked('X-Expected-Entity-Length: 3\r\n'));
    expect(served.writer.bodies).toMatchObject([
      { sizeBytes: 3, contentHash: sha1('new').toUpperCase() },
      { sizeBytes: undefined, contentHash: undefined },
      { sizeBytes: 3, contentHash: undefined },
    ]);
    expect(served.writer.contents.get('/a/2')).toBe('new');
  });
});

function entryAt({ tree }: ServedWrites, path: string) {
  const node = tree.peek(path);
  if (!node) throw new Error(`There is nothing at ${path}.`);
  return node.entry;
}
