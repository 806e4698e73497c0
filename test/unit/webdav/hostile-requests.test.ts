import { describe, expect, it } from 'vitest';
import { type Content, file, MemoryTree } from './memory-tree.ts';
import { parseAnswer, serve } from './serve.ts';

const CONTENT: Content = { 'a\\b': { 'in.txt': file() }, a: { b: { 'wrong.txt': file() } } };
const TWO_SETS =
  '<propertyupdate xmlns="DAV:"><set><prop><x/></prop></set><set><prop><y/></prop></set></propertyupdate>';

/** What webdav-server itself answers with a crash, a hang or the wrong thing. */
const REQUESTS: readonly (readonly [string, string, number])[] = [
  ['a broken escape', 'GET /% HTTP/1.1', 400],
  ['half a UTF-8 character', 'PROPFIND /%E4%BD HTTP/1.1\r\nDepth: 0', 400],
  ['a broken escape in OPTIONS', 'OPTIONS /%zz HTTP/1.1', 400],
  ['a fragment', 'DELETE /a#b HTTP/1.1', 400],
  ['a way out', 'GET /../../etc/passwd HTTP/1.1', 400],
  ['an encoded way out', 'GET /%2e%2e/x HTTP/1.1', 400],
  ['a way out by backslashes', 'PROPFIND /..%5C..%5Cx HTTP/1.1\r\nDepth: 0', 404],
  ['a slash in a name', 'GET /a%2Fb HTTP/1.1', 400],
  ['a NUL', 'GET /a%00 HTTP/1.1', 400],
  ['a broken Destination', 'MOVE /a HTTP/1.1\r\nDestination: /%zz', 403],
  ['an untagged If', 'PUT /a HTTP/1.1\r\nIf: (<urn:x>)', 403],
  ['an untagged If on DELETE', 'DELETE /a HTTP/1.1\r\nIf: (<urn:x>)', 403],
  ['MKCOL with an If', 'MKCOL /new HTTP/1.1\r\nIf: <http://x/> (<urn:x>)', 403],
  ['PROPPATCH with two sets', `PROPPATCH /a HTTP/1.1\r\nContent-Length: ${TWO_SETS.length}\r\n\r\n${TWO_SETS}`, 403],
  ['a body of 8 GiB', 'PROPFIND / HTTP/1.1\r\nDepth: 0\r\nContent-Length: 8589934592', 413],
  ['a LOCK of 8 GiB', 'LOCK /a HTTP/1.1\r\nContent-Length: 8589934592', 403],
  ['no Depth', 'PROPFIND / HTTP/1.1', 403],
  ['Depth foo', 'PROPFIND / HTTP/1.1\r\nDepth: foo', 400],
  ['two Depths', 'PROPFIND / HTTP/1.1\r\nDepth: 0\r\nDepth: 1', 400],
  [
    'credentials that name a property of Object',
    'PROPFIND / HTTP/1.1\r\nDepth: 0\r\nAuthorization: Basic Y29uc3RydWN0b3I=',
    207,
  ],
  ['POST', 'POST / HTTP/1.1', 405],
  ['PATCH', 'PATCH /a HTTP/1.1', 405],
  ['TRACE', 'TRACE / HTTP/1.1', 405],
  ['REPORT', 'REPORT / HTTP/1.1', 501],
  ['MKCALENDAR', 'MKCALENDAR /x HTTP/1.1', 501],
];

describe('a hostile request', () => {
  it.each(REQUESTS)('%s', async (_what, head, expected) => {
    const tree = new MemoryTree(CONTENT);
    const served = await serve(tree);
    const [first = '', body = ''] = head.split('\r\n\r\n');
    const lines = first.replace('HTTP/1.1', 'HTTP/1.1\r\nHost: x\r\nConnection: close');
    const { status, headers } = parseAnswer(await served.send(`${lines}\r\n\r\n${body}`, 1_000));
    expect(status).toBe(expected);
    expect(Object.keys(headers).filter((name) => /^(access-control|www-)/.test(name))).toEqual([]);
    // It is still there for the next one, and nothing hangs.
    expect((await served.request('OPTIONS', '/')).status).toBe(200);
    await expect.poll(() => served.settled).toBe(2);
  });

  it('a backslash is a character of a name', async () => {
    const served = await serve(new MemoryTree(CONTENT));
    const { body } = await served.request('PROPFIND', '/a%5Cb/', { Depth: '1' });
    expect(body).toContain('<D:href>/a%5Cb/in.txt</D:href>');
    expect(body).not.toContain('wrong');
  });

  it('a client that leaves at once costs nothing', async () => {
    const tree = new MemoryTree(CONTENT);
    const served = await serve(tree);
    await served.send('PROPFIND / HTTP/1.1\r\nHost: x\r\nDepth: 1\r\nContent-Length: 9\r\n\r\n', 20);
    await expect.poll(() => served.settled).toBe(1);
    expect(served.records[0]?.error).toBeUndefined();
    expect(tree.asked).toEqual([]);
  });

  it('many names are answered in bounded time', async () => {
    const children = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`f${index}`, file()]));
    const served = await serve(new MemoryTree(children));
    const names = (count: number) => Array.from({ length: count }, (_, index) => `<p${index}/>`).join('');
    const body = (count: number) =>
      `<D:propfind xmlns:D="DAV:" xmlns="urn:x"><D:prop>${names(count)}</D:prop></D:propfind>`;
    expect((await served.request('PROPFIND', '/', { Depth: '1' }, body(2_000))).status).toBe(413);
    expect((await served.request('PROPFIND', '/', { Depth: '1' }, body(256))).status).toBe(207);
  });
});
