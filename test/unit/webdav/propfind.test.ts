import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { type Content, entryOf, file, MemoryTree } from './memory-tree.ts';
import { parseAnswer, type RawAnswer, type Served } from './serve.ts';
import { serveMethods as serve } from './serve-methods.ts';

const HASH = 'A9993E364706816ABA3E25717850C26C9CD0D89D';
const CONTENT: Content = {
  文档: { 'notes.md': file({ sizeBytes: 12, contentHash: HASH }) },
  'a b&c.txt': file({ sizeBytes: 3, contentHash: HASH, mimeType: 'text/x-odd' }),
  'empty.bin': file({}),
  'IMG_1.livp': file({ sizeBytes: 0 }),
};
const prop = (inner: string) =>
  `<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop>${inner}</D:prop></D:propfind>`;
const ALLPROP = '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>';
const FINDER_STAT = prop('<D:getlastmodified/><D:getcontentlength/><D:creationdate/><D:resourcetype/>');

interface Response {
  readonly href: string;
  readonly found: string;
  readonly missing: string;
}

function parseMultistatus({ body }: RawAnswer): Response[] {
  expect(body).toMatch(/^<\?xml version="1.0" encoding="utf-8"\?>\n<D:multistatus xmlns:D="DAV:"/);
  expect(body).toMatch(/<\/D:multistatus>\n$/);
  const propstat = (response: string, status: string) =>
    response.match(`<D:propstat><D:prop>((?:(?!</D:prop>).)*)</D:prop><D:status>HTTP/1.1 ${status}`)?.[1] ?? '';
  return [...body.matchAll(/<D:response>(.*?)<\/D:response>/g)].map(([, response = '']) => ({
    href: response.match('<D:href>(.*)</D:href>')?.[1] ?? '',
    found: propstat(response, '200 OK'),
    missing: propstat(response, '404 Not Found'),
  }));
}

async function propfind(served: Served, target: string, depth: string, body = '') {
  const answer = await served.request('PROPFIND', target, { Depth: depth }, body);
  expect([answer.status, answer.headers['content-type']]).toEqual([207, 'application/xml; charset=utf-8']);
  return parseMultistatus(answer);
}

describe('PROPFIND', () => {
  it('Depth 1 lists the folder itself first, then its children, with hrefs that survive their names', async () => {
    const served = await serve(new MemoryTree(CONTENT));
    const hrefs = (await propfind(served, '/', '1')).map(({ href }) => href);
    expect(hrefs).toEqual(['/', '/%E6%96%87%E6%A1%A3/', '/a%20b%26c.txt', '/empty.bin', '/IMG_1.livp']);
    const below = await propfind(served, '/%e6%96%87%e6%a1%a3', '1', FINDER_STAT);
    expect(below.map(({ href }) => href)).toEqual(['/%E6%96%87%E6%A1%A3/', '/%E6%96%87%E6%A1%A3/notes.md']);
  });

  it('an empty body gets every property but the costly ones', async () => {
    const served = await serve(new MemoryTree(CONTENT));
    const [root, folder, text, empty, livePhoto] = await propfind(served, '/', '1');
    const dates =
      '<D:getlastmodified>Mon, 23 Nov 2026 04:05:06 GMT</D:getlastmodified><D:creationdate>2020-02-29T23:59:59Z</D:creationdate>';
    const entryOfScope = (scope: string) =>
      `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`;
    const locks = `<D:supportedlock>${entryOfScope('exclusive')}${entryOfScope('shared')}</D:supportedlock><D:lockdiscovery/>`;
    const directory = '<D:getcontenttype>httpd/unix-directory</D:getcontenttype>';
    const collection = '<D:resourcetype><D:collection/></D:resourcetype>';
    expect(root?.found).toBe(`${collection}<D:displayname>AliyunDrive</D:displayname>${dates}${directory}${locks}`);
    expect(folder?.found).toBe(`${collection}<D:displayname>文档</D:displayname>${dates}${directory}${locks}`);
    expect(text?.found).toBe(
      `<D:resourcetype/><D:displayname>a b&amp;c.txt</D:displayname><D:getcontentlength>3</D:getcontentlength>${dates}` +
        `<D:getetag>"${HASH.toLowerCase()}"</D:getetag><D:getcontenttype>text/x-odd</D:getcontenttype>${locks}`,
    );
    expect(empty?.found).toContain('<D:getcontentlength>0</D:getcontentlength>');
    expect(empty?.found).toContain('<D:getcontenttype>application/octet-stream</D:getcontenttype>');
    expect(livePhoto?.found).not.toContain('getcontentlength');
    expect([root, folder, text, empty, livePhoto].map((response) => response?.missing)).toEqual(Array(5).fill(''));
  });

  it('Depth 0 lists nothing and has a length', async () => {
    const tree = new MemoryTree(CONTENT);
    const answer = await (await serve(tree)).request('PROPFIND', '/', { Depth: '0' });
    expect(parseMultistatus(answer).map(({ href }) => href)).toEqual(['/']);
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.body)));
    expect(tree.asked).toEqual(['get /']);
  });

  it.each(['0', '1'])('Depth %s of a file is one response', async (depth) => {
    const served = await serve(new MemoryTree(CONTENT));
    const responses = await propfind(served, '/empty.bin', depth);
    expect(responses.map(({ href }) => href)).toEqual(['/empty.bin']);
  });

  it('named properties are found or missing, each in its own propstat', async () => {
    const served = await serve(new MemoryTree(CONTENT));
    const body = `<?xml version="1.0"?><a:propfind xmlns:a="DAV:"><a:prop>
      <a:getcontentlength/><a:getetag/><b:executable xmlns:b="http://apache.org/dav/props/"/>
      <c:resourcetype xmlns:c="urn:x&quot;&amp;"/><plain xmlns=""/></a:prop></a:propfind>`;
    const [folder, ...files] = await propfind(served, '/%E6%96%87%E6%A1%A3/', '1', body);
    const unknown =
      '<x:executable xmlns:x="http://apache.org/dav/props/"/><x:resourcetype xmlns:x="urn:x&quot;&amp;"/><plain xmlns=""/>';
    expect(folder).toMatchObject({ found: '', missing: `${unknown}<D:getcontentlength/><D:getetag/>` });
    expect(files).toEqual([
      {
        href: '/%E6%96%87%E6%A1%A3/notes.md',
        found: `<D:getcontentlength>12</D:getcontentlength><D:getetag>"${HASH.toLowerCase()}"</D:getetag>`,
        missing: unknown,
      },
    ]);
  });

  it('propname tells the names that each resource has', async () => {
    const served = await serve(new MemoryTree(CONTENT));
    const body = '<propfind xmlns="DAV:"><propname/></propfind>';
    const [root, , text] = await propfind(served, '/', '1', body);
    expect(root?.found).toContain('<D:quota-available-bytes/><D:quota-used-bytes/>');
    expect(root?.found).not.toContain('getcontentlength');
    expect(text?.found).toContain('<D:getcontentlength/>');
    expect(text?.found).toContain('<oc:checksums/>');
    expect(text?.found).not.toContain('quota');
  });

  it('allprop adds what is included', async () => {
    const served = await serve(new MemoryTree(CONTENT));
    const body =
      '<propfind xmlns="DAV:"><allprop/><include><getetag/><quota-used-bytes/><x xmlns="urn:x"/></include></propfind>';
    const [root, , text] = await propfind(served, '/', '1', body);
    expect(root?.found).toMatch(/<D:resourcetype>.*<D:quota-used-bytes>400</);
    expect(root?.missing).toBe('<x:x xmlns:x="urn:x"/>');
    expect(text?.found.match(/<D:getetag>/g)).toHaveLength(1);
  });

  it('an allprop answer leaves locks out for Windows, whose listings may have 1 MB, unless they are named', async () => {
    const served = await serve(new MemoryTree(CONTENT));
    const ask = async (userAgent: string, body = '') =>
      parseMultistatus(await served.request('PROPFIND', '/', { Depth: '1', 'User-Agent': userAgent }, body));
    const names = (responses: readonly Response[]) =>
      responses.map(({ found }) => found.match(/<D:(supportedlock|lockdiscovery)\b/g)?.length ?? 0);
    expect(names(await ask('Microsoft-WebDAV-MiniRedir/10.0.19045'))).toEqual([0, 0, 0, 0, 0]);
    expect(names(await ask('Microsoft-WebDAV-MiniRedir/10.0.19045', ALLPROP))).toEqual([0, 0, 0, 0, 0]);
    expect(names(await ask('davfs2/1.6.1 neon/0.32.5'))).toEqual([2, 2, 2, 2, 2]);
    const included = ALLPROP.replace('</D:propfind>', '<D:include><D:lockdiscovery/></D:include></D:propfind>');
    expect(names(await ask('Microsoft-WebDAV-MiniRedir/10.0.19045', included))).toEqual([1, 1, 1, 1, 1]);
    const named = prop('<D:supportedlock/><D:lockdiscovery/>');
    expect(names(await ask('Microsoft-WebDAV-MiniRedir/10.0.19045', named))).toEqual([2, 2, 2, 2, 2]);
  });

  it('an allprop answer to rclone has the SHA-1 as Fastmail’s, which it asks for in no other way', async () => {
    const served = await serve(new MemoryTree(CONTENT));
    const ask = async (userAgent: string, body = '') =>
      parseMultistatus(await served.request('PROPFIND', '/', { Depth: '1', 'User-Agent': userAgent }, body));
    const element = `<sha1hex xmlns="ME:">${HASH.toLowerCase()}</sha1hex>`;
    const [, folder, text, empty] = await ask('rclone/v1.70.0');
    expect(text?.found).toContain(element);
    expect([folder?.found, empty?.found].join('')).not.toContain('sha1hex');
    expect((await ask('curl/8.0'))[2]?.found).not.toContain('sha1hex');
    const [, none, named] = await ask('curl/8.0', prop('<m:sha1hex xmlns:m="ME:"/>'));
    expect([none?.missing, named?.found]).toEqual(['<sha1hex xmlns="ME:"/>', element]);
  });

  it('checksums come in the form that rclone reads', async () => {
    const served = await serve(new MemoryTree(CONTENT));
    const body = prop('<oc:checksums xmlns:oc="http://owncloud.org/ns"/>');
    const [root, , text, empty] = await propfind(served, '/', '1', body);
    expect(text?.found).toBe(`<oc:checksums><oc:checksum>SHA1:${HASH.toLowerCase()}</oc:checksum></oc:checksums>`);
    expect([root?.missing, empty?.missing]).toEqual(['<oc:checksums/>', '<oc:checksums/>']);
  });

  it('a chunked body counts', async () => {
    const served = await serve(new MemoryTree(CONTENT));
    const head =
      'PROPFIND / HTTP/1.1\r\nHost: x\r\nDepth: 0\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
    const body = prop('<D:getetag/>');
    const chunks = [body.slice(0, 50), body.slice(50)].map((text) => `${text.length.toString(16)}\r\n${text}\r\n`);
    const answer = parseAnswer(await served.send(`${head}${chunks.join('')}0\r\n\r\n`));
    expect(parseMultistatus(answer)).toEqual([{ href: '/', found: '', missing: '<D:getetag/>' }]);
  });

  it.each([
    ['Cache-Control', 'no-cache', true],
    ['Cache-Control', 'max-age=0, no-cache', true],
    ['Pragma', 'no-cache', true],
    ['Cache-Control', 'no-store', false],
    ['Accept', '*/*', false],
  ])('%s: %s asks for a fresh listing: %s', async (name, value, fresh) => {
    const tree = new MemoryTree(CONTENT);
    await (await serve(tree)).request('PROPFIND', '/', { Depth: '1', [name]: value });
    expect(tree.options).toMatchObject([{ fresh }, { fresh }]);
  });

  it('answers a folder without its slash in place, and no file with one', async () => {
    const served = await serve(new MemoryTree(CONTENT));
    expect((await propfind(served, '/%E6%96%87%E6%A1%A3', '0'))[0]?.href).toBe('/%E6%96%87%E6%A1%A3/');
    expect((await served.request('PROPFIND', '/empty.bin/', { Depth: '0' })).status).toBe(404);
  });

  it.each(['/._.', '/.DS_Store', '/desktop.ini', '/empty.bin/x'])(
    '%s is 404 and not to be remembered',
    async (path) => {
      const served = await serve(new MemoryTree(CONTENT));
      const { status, headers } = await served.request('PROPFIND', path, { Depth: '0' }, FINDER_STAT);
      expect([status, headers['cache-control']]).toEqual([404, 'no-store']);
    },
  );
});

describe('quota', () => {
  const FINDER_QUOTA = prop('<D:quota-available-bytes/><D:quota-used-bytes/><D:quota/><D:quotaused/>');
  const UNKNOWN = '<D:quota/><D:quotaused/>';

  it.each([
    [
      { usedBytes: 400, totalBytes: 1000 },
      '<D:quota-available-bytes>600</D:quota-available-bytes><D:quota-used-bytes>400</D:quota-used-bytes>',
      UNKNOWN,
    ],
    [
      { usedBytes: 1400, totalBytes: 1000 },
      '<D:quota-available-bytes>0</D:quota-available-bytes><D:quota-used-bytes>1400</D:quota-used-bytes>',
      UNKNOWN,
    ],
    [
      { usedBytes: 400, totalBytes: undefined },
      '<D:quota-used-bytes>400</D:quota-used-bytes>',
      `${UNKNOWN}<D:quota-available-bytes/>`,
    ],
    [undefined, '', `${UNKNOWN}<D:quota-available-bytes/><D:quota-used-bytes/>`],
  ])('of %j', async (quota, found, missing) => {
    const tree = new MemoryTree(CONTENT);
    tree.quota = quota;
    const responses = await propfind(await serve(tree), '/', '0', FINDER_QUOTA);
    expect(responses).toEqual([{ href: '/', found, missing }]);
  });

  it('belongs to folders, and nobody is asked for a file or unless it is named', async () => {
    const tree = new MemoryTree(CONTENT);
    const served = await serve(tree);
    const [text] = await propfind(served, '/empty.bin', '0', FINDER_QUOTA);
    expect(text?.missing).toBe(`${UNKNOWN}<D:quota-available-bytes/><D:quota-used-bytes/>`);
    await propfind(served, '/', '1');
    await propfind(served, '/', '1', FINDER_STAT);
    expect(tree.asked).not.toContain('quota');
  });
});

describe('a PROPFIND that cannot be answered', () => {
  it.each([{}, { Depth: 'infinity' }, { Depth: 'Infinity' }])('%j is 403 with its condition', async (headers) => {
    const tree = new MemoryTree(CONTENT);
    const answer = await (await serve(tree)).request('PROPFIND', '/', headers);
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>');
    expect(tree.asked).toEqual([]);
  });

  it.each(['foo', '2', '-1', '1,noroot', '00'])('Depth %s is 400', async (depth) => {
    const answer = await (await serve(new MemoryTree(CONTENT))).request('PROPFIND', '/', { Depth: depth });
    expect(answer.status).toBe(400);
  });

  it.each([
    ['malformed XML', '<D:propfind', {}, 400],
    ['a DOCTYPE', `<!DOCTYPE x>${FINDER_STAT.replace(/^.*\?>/, '')}`, {}, 400],
    ['a compressed body', FINDER_STAT, { 'Content-Encoding': 'gzip' }, 415],
    ['an identity body of another root', '<x/>', { 'Content-Encoding': 'identity' }, 400],
  ])('%s', async (_what, body, headers, status) => {
    const tree = new MemoryTree(CONTENT);
    const answer = await (await serve(tree)).request('PROPFIND', '/', { Depth: '1', ...headers }, body);
    expect(answer.status).toBe(status);
    expect(tree.asked).toEqual([]);
  });

  it.each(['unavailable', 'throttled', 'login-required'] as const)('"%s" is 503, never 404', async (code) => {
    const tree = new MemoryTree(CONTENT);
    tree.getError = new DriveError(code, 'no');
    expect((await (await serve(tree)).request('PROPFIND', '/a', { Depth: '1' })).status).toBe(503);
  });

  it('because its first page fails is an error status', async () => {
    const tree = new MemoryTree(CONTENT);
    tree.listError = { afterPages: 0, error: new DriveError('unavailable', 'no') };
    const { status, body } = await (await serve(tree)).request('PROPFIND', '/', { Depth: '1' });
    expect([status, body]).toEqual([503, 'no\n']);
  });

  it.each([1, 2])('because a page fails after %i never looks whole', async (afterPages) => {
    const tree = new MemoryTree(CONTENT);
    tree.pageSize = 2;
    const error = new DriveError('unavailable', 'no');
    tree.listError = { afterPages, error };
    const served = await serve(tree);
    const { status, body } = await served.request('PROPFIND', '/', { Depth: '1' });
    expect([status, body]).toEqual([207, expect.stringMatching(/\[cut\]$/)]);
    expect(body).not.toContain('</D:multistatus>');
    expect(served.records[0]?.error).toBe(error);
  });
});

describe('what is kept about the drives themselves', () => {
  it('comes with the listing of the folder above them', async () => {
    const tree = new MemoryTree({ 备份盘: {}, 资源库: {} });
    const top = entryOf('', { driveId: '', id: '', parentId: '' });
    const roots = ['1', '2'].map((driveId) => entryOf('root', { driveId, id: 'root', parentId: '' }));
    tree.list = async function* () {
      yield roots.map((entry) => ({ name: `drive ${entry.driveId}`, entry }));
    };
    tree.get = async () => ({ name: '', entry: top });
    const served = await serve(tree);
    for (const root of roots) {
      const property = { namespace: '', name: 'of', xml: `<of>${root.driveId}</of>` };
      await served.properties.update(root, [{ kind: 'set', property }]);
    }
    const found = (await propfind(served, '/', '1', prop('<of xmlns=""/>'))).map((response) => response.found);
    expect(found).toEqual(['', '<of>1</of>', '<of>2</of>']);
  });
});

describe('a folder of 10,000', () => {
  it('is asked about once', async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => [`file-${index}.txt`, file()]);
    const served = await serve(new MemoryTree({ many: Object.fromEntries(names) }));
    const asked: string[] = [];
    const { of, ofFolder } = served.properties;
    served.properties.of = (entry) => {
      asked.push('of');
      return of.call(served.properties, entry);
    };
    served.properties.ofFolder = (folder) => {
      asked.push('ofFolder');
      return ofFolder.call(served.properties, folder);
    };
    expect(await propfind(served, '/many', '1', FINDER_STAT)).toHaveLength(10_001);
    expect(asked).toEqual(['of', 'ofFolder']);
  });
});
