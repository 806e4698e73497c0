import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/stack.ts';
import { ask, propfind, readRows } from './requests.ts';

/** Names that the service stores although nearly every client chokes on one of them. */
const NAMES = [
  'plain.txt',
  'a#b',
  'what?',
  '100%',
  '%41',
  '%2e%2e',
  '%2F',
  'a&b',
  'a+b',
  "it's",
  'a"b',
  '<b>bold</b>',
  'a;b',
  'a:b',
  'a@b',
  'a$b',
  'a,b',
  'a=b',
  'a*b|c',
  '[1]{2}^`~!()',
  'a\\b',
  '..\\..\\etc',
  'a/b',
  '/',
  '../../etc/passwd',
  '..',
  '.',
  '...',
  'trailing.',
  'trailing ',
  ' leading',
  ' ',
  'line\nbreak',
  'tab\tand\rreturn',
  'nul\0',
  'esc\x1b[31m',
  'del\x7f',
  'c1\x85',
  'caf\u00e9',
  'cafe\u0301',
  '\u4e2d\u6587\u540d\u5b57',
  '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}.jpg',
  '\u202egnp.exe',
  '\ufeffbom',
  'zero\u200bwidth',
  '\uff0f',
  '\u2400',
  '\u201b',
  '\u2420',
  '\uff0e',
  '\uff0e\uff0e',
  '\ufffe\uffff',
  'CON',
  'aux.txt',
  'desktop.ini',
  '.DS_Store',
  '._x',
  '.alidav',
  '.ALIDAV',
  'A',
  'a',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  ']]>',
  '<!--',
  '&amp;',
  '%E4%BD',
  '?dl=stream',
  '#fragment',
  'x'.repeat(1024),
  '\u4e2d'.repeat(341),
];

/** Random names of any code points, reproducible: a failure names its seed's name in full. */
function makeRandomNames(count: number): string[] {
  let state = 12_345;
  const next = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const ranges = [
    [0x00, 0x7f],
    [0x80, 0x7ff],
    [0x800, 0xd7ff],
    [0xd800, 0xdfff],
    [0xe000, 0xffff],
    [0x10000, 0x10ffff],
    [0x20, 0x40],
  ] as const;
  const makeChar = () => {
    const [first, last] = ranges[next(ranges.length)] ?? ranges[0];
    return String.fromCodePoint(first + next(last - first + 1));
  };
  return Array.from({ length: count }, () => Array.from({ length: 1 + next(12) }, makeChar).join(''));
}

describe('every name leads from a listing to its own bytes', () => {
  let stack: Stack;
  /** What was stored under a name, and its hash, by which the service (and so the ETag) knows it. */
  const stored = new Map<string, { readonly name: string; readonly content: string }>();

  beforeAll(async () => {
    stack = await startStack();
    const { store, drives } = stack.emulator;
    const plant = (name: string) => {
      const content = `content ${stored.size} of ${JSON.stringify(name)}`;
      stored.set(createHash('sha1').update(content).digest('hex'), { name, content });
      store.addFile(store.root(drives.backup), name, content);
    };
    for (const name of [...NAMES, ...makeRandomNames(300)]) plant(name);
    // Twins, and a triplet that is called as a twin would be.
    for (const name of ['twin.txt', 'twin.txt', 'twin.txt', 'plain.txt', '.alidav']) plant(name);
  });
  afterAll(() => stack.close());

  it('by its address in the listing', async () => {
    const listing = await propfind(stack.url, '/', '1');
    expect(listing.status).toBe(207);
    const rows = readRows(listing.text).slice(1);
    expect(rows).toHaveLength(stored.size);
    expect(new Set(rows.map(({ href }) => href)).size).toBe(rows.length);
    const unseen = new Map(stored);
    for (const { href, length, displayName } of rows) {
      expect(href).toMatch(/^\/[\w.~%-]+$/);
      expect(decodeURIComponent(href)).not.toBe('/.alidav');
      expect(displayName).toBe(decodeURIComponent(href.slice(1)));
      const head = await ask(stack.url, href, { method: 'HEAD' });
      expect([href, head.status]).toEqual([href, 200]);
      const hash = head.headers.etag?.replaceAll('"', '') ?? '';
      // Each once: no two addresses lead to one file.
      expect([displayName, unseen.delete(hash)]).toEqual([displayName, true]);
      expect(head.headers['content-length']).toBe(String(length));
      expect(Buffer.byteLength(stored.get(hash)?.content ?? '')).toBe(length);
      expect(head.headers['content-disposition']).toMatch(/^inline; filename\*=UTF-8''[\w.~%-]+$/);
    }
  });

  it('and the bytes come, streamed and redirected', async () => {
    const rows = readRows((await propfind(stack.url, '/', '1')).text).slice(1);
    const odd = rows.filter(({ href }) => !/^\/[\w.%~-]*%[EF][\w.%~-]*$/.test(href)).slice(0, 10);
    for (const [index, { href }] of odd.entries()) {
      const isStreamed = index % 2 === 0;
      const answer = await ask(stack.url, href, {
        headers: { 'User-Agent': isStreamed ? 'WebDAVFS/3.0' : 'curl/8' },
      });
      expect(answer.status).toBe(isStreamed ? 200 : 302);
      const text = isStreamed ? answer.text : await (await fetch(answer.headers.location ?? '')).text();
      const hash = (await ask(stack.url, href, { method: 'HEAD' })).headers.etag?.replaceAll('"', '') ?? '';
      expect(text).toBe(stored.get(hash)?.content);
    }
  });

  it('and the listing is well-formed XML, whatever is in the names', async () => {
    const { text } = await propfind(stack.url, '/', '1');
    expect(text).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
    expect(text.isWellFormed()).toBe(true);
    const { default: sax } = await import('sax');
    const parser = sax.parser(true, { xmlns: true });
    parser.onerror = (error) => {
      throw error;
    };
    parser.write(text).close();
  });

  it('and the page for people links to the same addresses', async () => {
    const page = await ask(stack.url, '/');
    const links = [...page.text.matchAll(/<li class="file"><a href="([^"]*)"/g)].map(([, link]) => `/${link}`);
    const rows = readRows((await propfind(stack.url, '/', '1')).text).slice(1);
    expect(links.sort()).toEqual(rows.map(({ href }) => href).sort());
    for (const link of links) expect(new URL(link.slice(1), `${stack.url}/`).pathname).toBe(link);
  });
});

describe.concurrent('folders with odd names', () => {
  it.each(['a#b', '100%', '..', 'a/b', 'a\\b', ' ', '.alidav', 'cafe\u0301', '\u{1f4f7} &<>"'])(
    'are listed, entered and read: %j',
    async (name) => {
      const stack = await startStack();
      try {
        const { store, drives } = stack.emulator;
        const outer = store.addFolder(store.root(drives.backup), name);
        const inner = store.addFolder(outer, name);
        store.addFile(inner, name, 'the bytes');
        const [, outerRow] = readRows((await propfind(stack.url, '/', '1')).text);
        expect(outerRow?.isFolder).toBe(true);
        const [, innerRow] = readRows((await propfind(stack.url, outerRow?.href ?? '', '1')).text);
        const [, file] = readRows((await propfind(stack.url, innerRow?.href ?? '', '1')).text);
        const got = await ask(stack.url, file?.href ?? '', { headers: { 'User-Agent': 'davfs2/1.7' } });
        expect([got.status, got.text]).toEqual([200, 'the bytes']);
        // Without its slash a folder is found as well.
        expect((await propfind(stack.url, (innerRow?.href ?? '').replace(/\/$/, ''), '0')).status).toBe(207);
      } finally {
        await stack.close();
      }
    },
  );
});
