import { afterEach, describe, expect, it } from 'vitest';
import { requestLines } from '../support/request-lines.ts';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';
import { ask } from './requests.ts';

const STREAM = { 'User-Agent': 'davfs2/1.7.0 neon/0.34.0' };

let stack: Stack;
afterEach(() => stack?.close());

describe.each(LOGIN_KINDS)('with a login of kind %s', (kind) => {
  it("a request's log line tells how many calls it cost the account", async () => {
    stack = await startStack({ kind, env: { ALIDAV_LIST_FRESH_S: '3600' } });
    const { store, drives, calls } = stack.emulator;
    const root = store.root(drives.backup);
    const folder = store.addFolder(root, 'folder');
    for (let index = 0; index < 450; index++) store.addFile(folder, `a${index}.txt`, `text ${index}`);
    store.addSparseFile(folder, 'film.mkv', 700 * 2 ** 20);
    // The account's own affairs are nobody's.
    await ask(stack.url, '/', { method: 'PROPFIND', headers: { Depth: '1' } });

    const costOf = async (target: string, init: Parameters<typeof ask>[2]): Promise<number> => {
      const before = calls.snapshot().total;
      const known = requestLines(stack).length;
      const { status } = await ask(stack.url, target, init);
      expect(status).toBeLessThan(400);
      await expect.poll(() => requestLines(stack).length).toBe(known + 1);
      const cost = calls.snapshot().total - before;
      expect(requestLines(stack).at(-1)).toMatchObject({ method: init?.method ?? 'GET', upstreamCalls: cost });
      return cost;
    };
    const listing = { method: 'PROPFIND', headers: { Depth: '1' } };
    expect(await costOf('/folder/', listing)).toBe(3);
    expect(await costOf('/folder/', listing)).toBe(0);
    // Through the cache, past it, and from the beginning on.
    expect(await costOf('/folder/a1.txt', { headers: STREAM })).toBe(1);
    expect(await costOf('/folder/film.mkv', { headers: { ...STREAM, Range: 'bytes=-65536' } })).toBe(1);
    expect(await costOf('/folder/film.mkv', { headers: { ...STREAM, Range: 'bytes=100000000-100000999' } })).toBe(0);
    expect(await costOf('/folder/a2.txt', { headers: { 'User-Agent': 'curl/8.5.0' } })).toBe(1);
    expect(await costOf('/folder/new.txt', { method: 'PUT', body: 'new' })).toBeGreaterThan(1);
    const headers = { Destination: `${stack.url}/folder/moved.txt` };
    expect(await costOf('/folder/new.txt', { method: 'MOVE', headers })).toBeGreaterThan(0);
    expect(await costOf('/folder/moved.txt', { method: 'DELETE' })).toBe(1);
    expect(await costOf('/another/', { method: 'MKCOL' })).toBe(1);
  });
});
