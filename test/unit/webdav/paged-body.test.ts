import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { file, MemoryTree } from './memory-tree.ts';
import { serve } from './serve.ts';

function manyFiles(count: number) {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`file ${index}.txt`, file({ sizeBytes: index })]),
  );
}

interface Timing {
  readonly firstByteMs: number;
  readonly totalMs: number;
  readonly bytes: number;
}

function time(port: number, method: string): Promise<Timing> {
  const startedAt = performance.now();
  let firstByteMs = Number.NaN;
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', method, path: '/', headers: { Depth: '1' } }, (response) => {
      firstByteMs = performance.now() - startedAt;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => resolve({ firstByteMs, totalMs: performance.now() - startedAt, bytes }));
    });
    request.on('error', reject).end();
  });
}

describe('a long listing', () => {
  it('begins at once and lets others have their turn', async () => {
    const served = await serve(new MemoryTree(manyFiles(20_000)));
    await time(served.port, 'OPTIONS');
    let isDone = false;
    const listing = time(served.port, 'PROPFIND').finally(() => {
      isDone = true;
    });
    let count = 0;
    while (!isDone) {
      await time(served.port, 'OPTIONS');
      count += 1;
    }
    const { firstByteMs, totalMs, bytes } = await listing;
    expect(bytes).toBeGreaterThan(5_000_000);
    expect(firstByteMs).toBeLessThan(totalMs / 2);
    // One who waits for 'drain' alone answers a single OPTIONS, after the whole listing.
    expect(count).toBeGreaterThan(5);
  });

  it('shows a page while the next one is still to come', async () => {
    const tree = new MemoryTree(manyFiles(4));
    tree.pageSize = 2;
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    tree.beforePage = () => gate;
    let firstPart: string | undefined;
    const served = await serve(tree);
    const body = new Promise<string>((resolve) => {
      const request = httpRequest({ port: served.port, method: 'PROPFIND', headers: { Depth: '1' } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          if (firstPart === undefined && text.includes('file%201.txt')) {
            firstPart = text;
            release();
          }
        });
        response.on('end', () => resolve(text));
      });
      request.end();
    });
    expect((await body).match(/<D:response>/g)).toHaveLength(5);
    expect(firstPart?.match(/<D:response>/g)).toHaveLength(3);
  });

  it('ends with its client', async () => {
    const tree = new MemoryTree(manyFiles(2_000));
    tree.pageSize = 10;
    let pages = 0;
    let aborted = false;
    tree.beforePage = async (signal) => {
      pages += 1;
      signal?.addEventListener('abort', () => {
        aborted = true;
      });
      await sleep(2);
    };
    const served = await serve(tree);
    const request = httpRequest({ port: served.port, method: 'PROPFIND', headers: { Depth: '1' } }, (response) => {
      response.once('data', () => request.destroy());
    });
    request.on('error', () => {}).end();
    await expect.poll(() => served.settled).toBe(1);
    const pagesThen = pages;
    await sleep(50);
    expect(aborted).toBe(true);
    expect(pages - pagesThen).toBeLessThanOrEqual(1);
    expect(served.records[0]?.error).toBeUndefined();
  });

  it('waits for a reader that is slow', async () => {
    const tree = new MemoryTree(manyFiles(50_000));
    tree.pageSize = 1_000;
    let pages = 0;
    tree.beforePage = async () => {
      pages += 1;
    };
    const served = await serve(tree);
    const request = httpRequest({ port: served.port, method: 'PROPFIND', headers: { Depth: '1' } }, (response) => {
      response.pause();
    });
    request.end();
    await sleep(300);
    const pagesThen = pages;
    await sleep(100);
    expect(pages).toBe(pagesThen);
    expect(pages).toBeLessThan(49);
    request.on('error', () => {}).destroy();
  });
});
