import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { createCollectionPage } from '../../../src/webdav/collection-page.ts';
import { type Content, file, MemoryTree } from './memory-tree.ts';
import { type RawAnswer, serve } from './serve.ts';
import { createState } from './state.ts';

const NASTY = '<script>alert(1)</script>&"\'#?.html';
const CONTENT: Content = {
  'b 10.txt': file({ sizeBytes: 10 }),
  'b 9.txt': file({ sizeBytes: 1536 }),
  电影: { 'S 1': { 'e1.mp4': file({ sizeBytes: 5 * 2 ** 30 }) }, 'IMG.livp': file() },
  [NASTY]: file({ sizeBytes: 200 * 2 ** 20 }),
  leer: {},
};

interface Item {
  readonly kind: string;
  readonly href: string;
  readonly name: string;
  readonly size: string;
}

function itemsOf({ body }: RawAnswer): Item[] {
  const pattern = /<li class="(\w+)"><a href="([^"]*)">([^<]*)<\/a>(?:<span>([^<]*)<\/span>)?/g;
  return [...body.matchAll(pattern)].map(([, kind = '', href = '', name = '', size = '']) => ({
    kind,
    href,
    name,
    size,
  }));
}

describe('the page of a folder', () => {
  it('lists what is in it, sorted for people', async () => {
    const answer = await (await serve(new MemoryTree(CONTENT))).request('GET', '/');
    expect(answer.status).toBe(200);
    expect(itemsOf(answer)).toEqual([
      {
        kind: 'file',
        href: '%3Cscript%3Ealert%281%29%3C%2Fscript%3E%26%22%27%23%3F.html',
        name: "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;'#?.html",
        size: '200 MiB',
      },
      { kind: 'file', href: 'b%209.txt', name: 'b 9.txt', size: '1.5 KiB' },
      { kind: 'file', href: 'b%2010.txt', name: 'b 10.txt', size: '10 B' },
      { kind: 'folder', href: 'leer/', name: 'leer/', size: '' },
      { kind: 'folder', href: '%E7%94%B5%E5%BD%B1/', name: '电影/', size: '' },
    ]);
    expect(answer.body).toContain('<time datetime="2026-11-23T04:05:06Z" title="UTC">2026-11-23 04:05</time>');
    expect(answer.body).toMatch(/li\.up \{ order: 0 \}\nli\.folder \{ order: 1;/);
  });

  it('shows no time where none is known', async () => {
    const tree = new MemoryTree({ 'a.txt': file({ updatedAt: 0 }) });
    const { body } = await (await serve(tree)).request('GET', '/');
    expect(body).toContain('>a.txt</a>');
    expect(body).not.toContain('<time');
  });

  it('shows the times that clients gave', async () => {
    const tree = new MemoryTree({ 'a.txt': file(), 'b.txt': file() });
    const { properties } = createState();
    await properties.rememberModifiedAt((await tree.get('/a.txt', {})).entry, Date.UTC(2001, 1, 3, 4, 5, 6));
    const answerFolder = createCollectionPage({ tree, properties });
    const served = await serve(tree, async (exchange) => answerFolder(exchange, await tree.get('/', {})));
    const { body } = await served.request('GET', '/');
    expect([...body.matchAll(/<time datetime="([^"]*)"/g)].map(([, time]) => time)).toEqual([
      '2001-02-03T04:05:06Z',
      '2026-11-23T04:05:06Z',
    ]);
  });

  it('runs no script', async () => {
    const { headers, body } = await (await serve(new MemoryTree(CONTENT))).request('GET', '/');
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    });
    expect(body).not.toMatch(/<script|\son\w+=|javascript:/i);
  });

  it.each([
    ['/%E7%94%B5%E5%BD%B1/S%201/', ['../../', '../', '../', 'e1.mp4']],
    ['/%E7%94%B5%E5%BD%B1/S%201', ['../', './', './', 'S%201/e1.mp4']],
    ['/%E7%94%B5%E5%BD%B1', ['./', './', '%E7%94%B5%E5%BD%B1/IMG.livp', '%E7%94%B5%E5%BD%B1/S%201/']],
    ['//', ['%3C']],
  ])('links relative to %s', async (target, expected) => {
    const answer = await (await serve(new MemoryTree(CONTENT))).request('GET', target);
    const hrefs = [...answer.body.matchAll(/<a href="([^"]*)"/g)].map(([, href = '']) => href);
    for (const [index, href] of expected.entries()) expect(hrefs[index]).toMatch(href);
    // Wherever the page lies, its links lead to where its resources are.
    for (const href of hrefs) {
      const folder = new URL('.', new URL(href, `http://x${target}`)).pathname.replace('//', '/');
      expect(['/', '/电影/', '/电影/S 1/', '/leer/']).toContain(decodeURIComponent(folder));
    }
  });

  it('leaves out a size that nobody knows', async () => {
    const answer = await (await serve(new MemoryTree(CONTENT))).request('GET', '/%E7%94%B5%E5%BD%B1/');
    expect(itemsOf(answer).find(({ name }) => name === 'IMG.livp')?.size).toBe('');
  });

  it('to a HEAD lists nothing', async () => {
    const tree = new MemoryTree(CONTENT);
    const { status, headers, body } = await (await serve(tree)).request('HEAD', '/');
    expect([status, headers['content-type'], body]).toEqual([200, 'text/html; charset=utf-8', '']);
    expect(tree.asked).toEqual(['get /']);
  });

  it('comes page by page and never looks whole when one fails', async () => {
    const tree = new MemoryTree(CONTENT);
    tree.pageSize = 2;
    expect(itemsOf(await (await serve(tree)).request('GET', '/'))).toHaveLength(5);
    tree.listError = { afterPages: 1, error: new DriveError('unavailable', 'no') };
    expect((await (await serve(tree)).request('GET', '/')).body).toMatch(/\[cut\]$/);
  });

  it('is an error status where the first page fails, without the headers of a page', async () => {
    const tree = new MemoryTree(CONTENT);
    tree.listError = { afterPages: 0, error: new DriveError('throttled', 'slow down', { retryAfterMs: 3_000 }) };
    const { status, headers, body } = await (await serve(tree)).request('GET', '/');
    expect([status, body, headers['content-type'], headers['retry-after']]).toEqual([
      503,
      'slow down\n',
      'text/plain; charset=utf-8',
      '3',
    ]);
  });

  it('of very many entries is sorted quickly', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 3_000 }, (_, index) => [`${2_999 - index}`.padStart(4, '0'), {}]),
    );
    const answer = await (await serve(new MemoryTree({ many }))).request('GET', '/many/');
    const names = itemsOf(answer).slice(1);
    expect(names.map(({ name }) => name)).toEqual(names.map(({ name }) => name).toSorted());
    expect(names).toHaveLength(3_000);
  });
});
