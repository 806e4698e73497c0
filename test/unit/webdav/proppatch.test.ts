import { describe, expect, it } from 'vitest';
import { entryOf, file, MemoryTree } from './memory-tree.ts';
import { type ServedMethods, serveMethods } from './serve-methods.ts';

const HASH = 'AB'.repeat(20);
const LAST_MODIFIED = 'Thu, 09 Oct 2025 17:54:43 GMT';
const WIN32 =
  `<Z:Win32CreationTime>${LAST_MODIFIED}</Z:Win32CreationTime><Z:Win32LastAccessTime>${LAST_MODIFIED}</Z:Win32LastAccessTime>` +
  `<Z:Win32LastModifiedTime>${LAST_MODIFIED}</Z:Win32LastModifiedTime><Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>`;

const update = (inner: string) =>
  `<?xml version="1.0" encoding="utf-8"?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:">${inner}</D:propertyupdate>`;
const set = (inner: string) => `<D:set><D:prop>${inner}</D:prop></D:set>`;
const remove = (inner: string) => `<D:remove><D:prop>${inner}</D:prop></D:remove>`;

async function start() {
  const tree = new MemoryTree({ a: { 'b c.txt': file({ contentHash: HASH }) } });
  return { tree, served: await serveMethods(tree) };
}

async function patch(served: ServedMethods, inner: string, target = '/a/b%20c.txt', headers = {}) {
  const { status, body } = await served.request('PROPPATCH', target, headers, update(inner));
  const parts = [
    ...body.matchAll(/<D:prop>(.*?)<\/D:prop><D:status>HTTP\/1.1 (\d+) [^<]*<\/D:status>(.*?)<\/D:propstat>/g),
  ];
  return { status, body, propstats: parts.map(([, names, code, error]) => [Number(code), names, error]) };
}

async function read(served: ServedMethods, names: string, target = '/a/b%20c.txt') {
  const asked = `<D:propfind xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:prop>${names}</D:prop></D:propfind>`;
  const { body } = await served.request('PROPFIND', target, { Depth: '0' }, asked);
  return /<D:propstat>.*<\/D:propstat>/s.exec(body)?.[0].replaceAll(/<\/?D:(propstat|prop)>/g, '') ?? '';
}

const FOUND = '<D:status>HTTP/1.1 200 OK</D:status>';
const MISSING = '<D:status>HTTP/1.1 404 Not Found</D:status>';

describe('PROPPATCH', () => {
  it('keeps what Explorer says of a file, and believes its time', async () => {
    const { served } = await start();
    const { status, body, propstats } = await patch(served, set(WIN32));
    const names = ['CreationTime', 'LastAccessTime', 'LastModifiedTime', 'FileAttributes'];
    const elements = names.map((name) => `<x:Win32${name} xmlns:x="urn:schemas-microsoft-com:"/>`).join('');
    expect([status, propstats]).toEqual([207, [[200, elements, '']]]);
    expect(body).toContain('<D:href>/a/b%20c.txt</D:href>');
    expect(await read(served, '<D:getlastmodified/><Z:Win32FileAttributes/>')).toBe(
      `<D:getlastmodified>${LAST_MODIFIED}</D:getlastmodified>` +
        `<Z:Win32FileAttributes xmlns:Z="urn:schemas-microsoft-com:">00000020</Z:Win32FileAttributes>${FOUND}`,
    );
  });

  it('shows a time no longer when the content has changed', async () => {
    const { tree, served } = await start();
    await patch(served, set(WIN32));
    tree.place('/a/b c.txt', entryOf('b c.txt', { kind: 'file', contentHash: 'CD'.repeat(20) }));
    expect(await read(served, '<D:getlastmodified/><Z:Win32LastModifiedTime/>')).toBe(
      `<D:getlastmodified>Mon, 23 Nov 2026 04:05:06 GMT</D:getlastmodified>${FOUND}` +
        `<x:Win32LastModifiedTime xmlns:x="urn:schemas-microsoft-com:"/>${MISSING}`,
    );
  });

  it.each([
    ['a null namespace', '<n xmlns="">v</n>', '<n xmlns=""/>', '<n xmlns="">v</n>'],
    ['high characters', '<n xmlns="u">&#65536;</n>', '<n xmlns="u"/>', '<n xmlns="u">\u{10000}</n>'],
    [
      'markup',
      '<n xmlns="u"><foo bar="1"/>a &amp; b</n>',
      '<n xmlns="u"/>',
      '<n xmlns="u"><foo bar="1"/>a &amp; b</n>',
    ],
    [
      'namespaces in the value',
      '<t:n xmlns:t="u"><t:foo xmlns:t="bar"/></t:n>',
      '<n xmlns="u"/>',
      '<t:n xmlns:t="u"><t:foo xmlns:t="bar"/></t:n>',
    ],
    ['an unknown name of DAV:', '<D:source>x</D:source>', '<D:source/>', '<D:source xmlns:D="DAV:">x</D:source>'],
  ])('returns what was set: %s', async (_what, element, name, value) => {
    const { served } = await start();
    await patch(served, set(element));
    expect(await read(served, name)).toBe(`${value}${FOUND}`);
  });

  it('follows the order of the document', async () => {
    const { served } = await start();
    const { propstats } = await patch(
      served,
      set('<a>1</a><b>1</b>') + remove('<a/><c/>') + set('<c>2</c><b>2</b>') + remove('<never/>'),
    );
    expect(propstats).toEqual([[200, '<a xmlns=""/><b xmlns=""/><c xmlns=""/><never xmlns=""/>', '']]);
    expect(await read(served, '<a/><b/><c/>')).toBe(`<b>2</b><c>2</c>${FOUND}<a xmlns=""/>${MISSING}`);
  });

  it('comes with allprop, propname and the listing of the folder', async () => {
    const { served } = await start();
    await patch(served, set('<x:a xmlns:x="u">1</x:a>'));
    for (const [body, expected] of [
      ['', '<x:a xmlns:x="u">1</x:a></D:prop>'],
      ['<propfind xmlns="DAV:"><propname/></propfind>', '<x:a xmlns:x="u"/></D:prop>'],
      [
        '<propfind xmlns="DAV:"><prop><y:a xmlns:y="u"/></prop></propfind>',
        '<D:prop><x:a xmlns:x="u">1</x:a></D:prop>',
      ],
    ] as const) {
      const answer = await served.request('PROPFIND', '/a', { Depth: '1' }, body);
      expect(answer.body.split(expected)).toHaveLength(2);
    }
    const included = '<propfind xmlns="DAV:"><allprop/><include><a xmlns="u"/><b xmlns="u"/></include></propfind>';
    const answer = await served.request('PROPFIND', '/a/b%20c.txt', { Depth: '0' }, included);
    expect(answer.body.split('<x:a xmlns:x="u">1</x:a>')).toHaveLength(2);
    expect(answer.body).toContain('<D:propstat><D:prop><x:b xmlns:x="u"/></D:prop><D:status>HTTP/1.1 404');
  });

  it('works on folders and the root', async () => {
    const { served } = await start();
    for (const target of ['/', '/a', '/a/']) {
      const { status } = await patch(served, set('<n>v</n><D:lastmodified>1760032483</D:lastmodified>'), target);
      expect([status, await read(served, '<n/><D:getlastmodified/>', target)]).toEqual([
        207,
        `<D:getlastmodified>${LAST_MODIFIED}</D:getlastmodified><n>v</n>${FOUND}`,
      ]);
    }
  });

  it('does all or nothing where a property is protected', async () => {
    const { served } = await start();
    await patch(served, set('<kept>1</kept>'));
    const { status, propstats } = await patch(
      served,
      `${set('<a>1</a><D:displayname>x</D:displayname>')}${remove('<kept/>')}${set('<D:getetag>"x"</D:getetag>')}`,
    );
    expect([status, propstats]).toEqual([
      207,
      [
        [424, '<a xmlns=""/><kept xmlns=""/>', ''],
        [403, '<D:displayname/><D:getetag/>', '<D:error><D:cannot-modify-protected-property/></D:error>'],
      ],
    ]);
    expect(await read(served, '<a/><kept/>')).toBe(`<kept>1</kept>${FOUND}<a xmlns=""/>${MISSING}`);
  });

  it.each([
    ['resourcetype', '<D:resourcetype><D:collection/></D:resourcetype>'],
    ['lockdiscovery', '<D:lockdiscovery/>'],
    ['creationdate', '<D:creationdate>2020-01-01T00:00:00Z</D:creationdate>'],
    ['quota', '<D:quota-used-bytes>0</D:quota-used-bytes>'],
    ['checksums', '<oc:checksums xmlns:oc="http://owncloud.org/ns"/>'],
  ])('protects %s', async (_name, element) => {
    const { served } = await start();
    expect((await patch(served, set(element))).propstats.map(([status]) => status)).toEqual([403]);
    expect((await patch(served, remove(element))).propstats.map(([status]) => status)).toEqual([403]);
  });

  it('refuses a time that makes no sense, and takes one back', async () => {
    const { served } = await start();
    expect((await patch(served, set('<D:getlastmodified>soon</D:getlastmodified><a/>'))).propstats).toEqual([
      [409, '<D:getlastmodified/>', ''],
      [424, '<a xmlns=""/>', ''],
    ]);
    await patch(served, set(WIN32));
    expect((await patch(served, remove('<D:getlastmodified/>'))).propstats).toEqual([
      [200, '<D:getlastmodified/>', ''],
    ]);
    expect(await read(served, '<D:getlastmodified/>')).toContain('Mon, 23 Nov 2026 04:05:06 GMT');
  });

  it('has a bound, and then changes nothing', async () => {
    const { served } = await start();
    const { status, propstats } = await patch(served, set(`<a/><b>${'x'.repeat(70_000)}</b>`) + remove('<c/>'));
    expect([status, propstats]).toEqual([
      207,
      [
        [507, '<a xmlns=""/><b xmlns=""/>', ''],
        [424, '<c xmlns=""/>', ''],
      ],
    ]);
    expect(await read(served, '<a/>')).toBe(`<a xmlns=""/>${MISSING}`);
  });

  it('reaches what took the place of its file meanwhile', async () => {
    const { tree, served } = await start();
    const successor = entryOf('b c.txt', { kind: 'file', id: 'successor', contentHash: HASH });
    const { update: updateRecord } = served.properties;
    served.properties.update = async (entry, changes) => {
      await updateRecord.call(served.properties, entry, changes);
      tree.place('/a/b c.txt', successor);
    };
    await patch(served, set('<a>1</a>'));
    expect(await read(served, '<a/>')).toBe(`<a>1</a>${FOUND}`);
  });

  it('needs the token of a lock', async () => {
    const { served } = await start();
    const { token } = await served.locks.grant({
      path: '/a/b c.txt',
      href: '/a/b%20c.txt',
      scope: 'exclusive',
      depth: '0',
      ownerXml: '',
      timeoutS: 60,
    });
    expect((await patch(served, set('<a/>'))).status).toBe(423);
    expect((await patch(served, set('<a/>'), undefined, { If: `(<${token}>)` })).status).toBe(207);
    expect((await patch(served, set('<a/>'), undefined, { If: '(<urn:x>)' })).status).toBe(412);
  });

  it.each([
    ['/gone', set('<a/>'), 404],
    ['/a/b%20c.txt/', set('<a/>'), 404],
    ['/a', '', 400],
    ['/a', '<D:set><D:prop><x:a/></D:prop></D:set>', 400],
    ['/a', set('<a>'.repeat(200) + '</a>'.repeat(200)), 400],
    ['/a', set(`<a>${'x'.repeat(300_000)}</a>`), 413],
  ])('of %s (%#) is refused', async (target, inner, status) => {
    const { served } = await start();
    expect((await patch(served, inner, target)).status).toBe(status);
  });
});
