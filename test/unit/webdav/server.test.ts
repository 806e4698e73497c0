import { describe, expect, it, vi } from 'vitest';
import type { Exchange } from '../../../src/webdav/method.ts';
import { file, MemoryTree } from './memory-tree.ts';
import { serve } from './serve.ts';

const ALL = 'OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, MKCOL, COPY, MOVE, LOCK, UNLOCK';

describe('OPTIONS', () => {
  it.each(['/', '/dav', '/not/there', '*', '/a.txt'])('%s is answered without a look at the drive', async (target) => {
    const tree = new MemoryTree({ 'a.txt': file() });
    tree.getError = new Error('dead');
    const { status, headers, body } = await (await serve(tree)).request('OPTIONS', target);
    expect([status, body]).toEqual([200, '']);
    expect(headers).toMatchObject({
      dav: '1, 2',
      'ms-author-via': 'DAV',
      allow: ALL,
      'accept-ranges': 'bytes',
      'content-length': '0',
    });
    expect(tree.asked).toEqual([]);
  });
});

describe('a refused method', () => {
  it.each(['PUT', 'DELETE', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'PROPPATCH'])('%s is 403', async (method) => {
    const tree = new MemoryTree({ 'a.txt': file() });
    const { status, body } = await (await serve(tree)).request(method, '/a.txt', {}, 'some body');
    expect([status, body]).toEqual([403, 'This drive is served for reading only.\n']);
    expect(tree.asked).toEqual([]);
  });

  it('POST tells what may be used instead', async () => {
    const { status, headers } = await (await serve(new MemoryTree({}))).request('POST', '/', {}, 'x');
    expect([status, headers.allow]).toEqual([405, ALL]);
  });
});

describe('an exchange', () => {
  it('is what the client sent, whatever the library was shown', async () => {
    const seen: Partial<Exchange>[] = [];
    const served = await serve(new MemoryTree({}), async (exchange) => {
      seen.push(exchange);
      exchange.response.end('ok');
    });
    await served.request('GET', '/a%5Cb/%E6%96%87/?q=1', { Depth: '0', 'X-Own': 'y' });
    await served.request('GET', '/x');
    expect(seen[0]).toMatchObject({ path: '/a\\b/文', hasTrailingSlash: true, record: served.records[0] });
    expect(seen[0]?.request?.url).toBe('/a%5Cb/%E6%96%87/?q=1');
    expect(seen[0]?.request?.headers).toMatchObject({ depth: '0', 'x-own': 'y', host: 'x' });
    expect(seen[1]?.request?.headers).not.toHaveProperty('depth');
    expect(seen[1]?.hasTrailingSlash).toBe(false);
  });

  it('carries no header of the library', async () => {
    const served = await serve(new MemoryTree({}), async ({ response }) => {
      response.end('ok');
    });
    const { headers } = await served.request('GET', '/x');
    expect(Object.keys(headers).toSorted()).toEqual(['connection', 'content-length', 'date']);
  });

  it('tells the method when its client leaves, and not when it was answered', async () => {
    const signals: AbortSignal[] = [];
    const served = await serve(new MemoryTree({}), async ({ path, response, signal }) => {
      signals.push(signal);
      if (path === '/whole') response.end('ok');
      else response.write('half');
    });
    await served.request('GET', '/whole');
    await served.send('GET /half HTTP/1.1\r\nHost: x\r\n\r\n', 30);
    await expect.poll(() => served.settled).toBe(2);
    expect(signals.map((signal) => signal.aborted)).toEqual([false, true]);
  });

  it('keeps late writes of a method off the console', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {});
    const served = await serve(new MemoryTree({}), async ({ response }) => {
      response.end('whole');
      response.write('late');
    });
    await served.request('GET', '/');
    await expect.poll(() => served.records[0]?.error).toMatchObject({ code: 'ERR_STREAM_WRITE_AFTER_END' });
    expect(print).not.toHaveBeenCalled();
    print.mockRestore();
  });

  it('serves pipelined requests in their order', async () => {
    const served = await serve(new MemoryTree({ a: {} }));
    const one = (path: string) => `PROPFIND ${path} HTTP/1.1\r\nHost: x\r\nDepth: 0\r\n`;
    const text = await served.send(`${one('/a')}\r\n${one('/b')}\r\n${one('/')}Connection: close\r\n\r\n`);
    expect(text.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 207', 'HTTP/1.1 404', 'HTTP/1.1 207']);
  });
});
