import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FaultAction } from '../../src/emulator/faults.ts';
import type { StoredEntry } from '../../src/emulator/store/entry.ts';
import { LOGIN_KINDS, type Stack, type StackOptions, startStack } from '../support/stack.ts';
import { ask, propfind, readRows, until } from './requests.ts';

vi.setConfig({ maxConcurrency: 8, testTimeout: 60_000 });

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const LINK = {
  page: '/v2/file/get_download_url',
  app: '/v2/file/get_download_url',
  open: '/adrive/v1.0/openFile/getDownloadUrl',
} as const;
const STREAM = { 'User-Agent': 'davfs2/1.7.0 neon/0.34.0' };
const CURL = { 'User-Agent': 'curl/8.5.0' };
const BIG_BYTES = 3 * MIB + 17;

function makeBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
  return bytes;
}

const BIG = makeBytes(BIG_BYTES);

async function withStack(options: StackOptions, test: (stack: Stack) => Promise<void>): Promise<void> {
  const stack = await startStack(options);
  try {
    addFile(stack, 'film.mp4', BIG);
    await test(stack);
  } finally {
    await stack.close();
  }
}

function addFile({ emulator: { store, drives } }: Stack, name: string, bytes: Buffer | string): StoredEntry {
  return store.addFile(store.root(drives.backup), name, bytes);
}

async function readSparse({ emulator }: Stack, entry: StoredEntry, first: number, last: number): Promise<Buffer> {
  const content = emulator.store.find(entry.driveId, entry.fileId)?.content;
  const chunks: Buffer[] = [];
  for await (const chunk of content?.open(first, last + 1) ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe.concurrent.each(LOGIN_KINDS)('with a %s login', (kind) => {
  const basic = `Basic ${Buffer.from('u:p').toString('base64')}`;

  it('every client gets what it can use', async () => {
    await withStack({ kind, env: { ALIDAV_USER: 'u', ALIDAV_PASSWORD: 'p' } }, async (stack) => {
      const { host } = new URL(stack.url);
      const isLong = kind === 'app';
      const rows: readonly [Record<string, string>, 302 | 200][] = [
        [{ 'User-Agent': 'curl/8.5.0' }, 302],
        [{ 'User-Agent': 'Wget/1.21' }, 302],
        [{ 'User-Agent': 'rclone/v1.66.0' }, 302],
        [{ 'User-Agent': 'rclone/v1.66.0', Referer: `${stack.url}/` }, 200],
        [{ 'User-Agent': 'rclone/v1.66.0', Referer: '' }, 302],
        [{ 'User-Agent': 'never-heard-of/1' }, 302],
        [{}, 302],
        [{ 'User-Agent': 'curl/8.5.0', Origin: `http://${host}` }, 200],
        [{ 'User-Agent': 'Microsoft-WebDAV-MiniRedir/10.0.19045' }, 200],
        [{ 'User-Agent': 'WebDAVFS/3.0.0 (03008000) Darwin/23.0.0' }, 200],
        [{ 'User-Agent': 'davfs2/1.7.0 neon/0.34.0' }, 200],
        [{ 'User-Agent': 'cadaver/0.24 neon/0.32.2' }, 200],
        [{ 'User-Agent': 'Lavf/60.3.100' }, isLong ? 302 : 200],
        [{ 'User-Agent': 'VLC/3.0.20 LibVLC/3.0.20' }, isLong ? 302 : 200],
        [{ 'User-Agent': 'gvfs/1.54.0' }, isLong ? 302 : 200],
        [{ 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0' }, isLong ? 302 : 200],
        [{ 'User-Agent': 'Mozilla/5.0 (X11) Chrome/120.0', Range: 'bytes=0-' }, 200],
        [{ 'User-Agent': 'Mozilla/5.0 (X11; Linux) KIO/5.115' }, 302],
      ];
      for (const [headers, status] of rows) {
        const expected = kind === 'page' && status === 302 ? 200 : status;
        const answer = await ask(stack.url, '/film.mp4', { headers: { Authorization: basic, ...headers } });
        const given = headers.Range && answer.status === 206 ? 200 : answer.status;
        expect([headers, given]).toEqual([headers, expected]);
        if (answer.status !== 302) expect(answer.body.equals(BIG)).toBe(true);
      }
      // A HEAD is never redirected: links are signed for GET alone.
      const head = await ask(stack.url, '/film.mp4', { method: 'HEAD', headers: { ...CURL, Authorization: basic } });
      expect([head.status, head.headers['content-length']]).toEqual([200, String(BIG_BYTES)]);
      expect(stack.emulator.calls.count(LINK[kind])).toBe(1);
      expect(stack.emulator.calls.bodies.refused).toBe(0);
    });
  });

  it('a redirect says how long it holds, and leads to the bytes', async () => {
    await withStack({ kind, env: { ALIDAV_DELIVERY: 'redirect' } }, async (stack) => {
      const answer = await ask(stack.url, '/film.mp4', { headers: CURL });
      if (kind === 'page') {
        expect(answer.body.equals(BIG)).toBe(true);
        expect(stack.logLines.filter(({ msg }) => String(msg).includes('only with a Referer'))).toHaveLength(1);
        return;
      }
      const { headers } = answer;
      expect([answer.status, answer.text, headers['content-length']]).toEqual([302, '', '0']);
      const [, life] = /^max-age=(\d+), private$/.exec(headers['cache-control'] ?? '') ?? [];
      const whole = kind === 'open' ? 900 : 14_400;
      expect(Number(life)).toBeGreaterThan(whole - 60 - 10);
      expect(Number(life)).toBeLessThanOrEqual(whole - 60);
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['access-control-allow-origin']).toBeUndefined();
      const bytes = await fetch(headers.location ?? '', { headers: { Range: 'bytes=5-9' } });
      expect(Buffer.from(await bytes.arrayBuffer()).equals(BIG.subarray(5, 10))).toBe(true);
    });
  });

  it('a hundred readers share one link call, and get the bytes', async () => {
    await withStack({ kind }, async (stack) => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          ask(stack.url, '/film.mp4', { headers: { ...STREAM, Range: `bytes=${index * 1000}-${index * 1000 + 999}` } }),
        ),
      );
      for (const [index, { status, body }] of answers.entries()) {
        expect(status).toBe(206);
        expect(body.equals(BIG.subarray(index * 1000, index * 1000 + 1000))).toBe(true);
      }
      expect(stack.emulator.calls.count(LINK[kind])).toBe(1);
      expect(stack.emulator.calls.bodies.peakOpen).toBeLessThanOrEqual(kind === 'open' ? 3 : 16);
    });
  });

  it.each(['no-link', 'placeholder', 'substitute'] as const)(
    'a file punished with %s is 451, never its stand-in',
    async (punishment) => {
      await withStack({ kind }, async (stack) => {
        const { store, drives } = stack.emulator;
        store.addFile(store.root(drives.backup), 'bad.mp4', 'original bytes', { punishment });
        for (const headers of [CURL, STREAM, { ...STREAM, Range: 'bytes=0-3' }]) {
          const answer = await ask(stack.url, '/bad.mp4', { headers });
          expect([answer.status, answer.headers.location]).toEqual([451, undefined]);
          expect(answer.text).toMatch(/withholds/);
        }
        // The open API's listings tell nothing of it, and a HEAD asks nobody.
        const head = await ask(stack.url, '/bad.mp4', { method: 'HEAD' });
        expect(head.status).toBe(kind === 'open' ? 200 : 451);
        const rows = readRows((await propfind(stack.url, '/', '1')).text);
        expect(rows.map(({ href }) => href)).toContain('/bad.mp4');
      });
    },
  );

  it('a live photo is a zip of the announced length', async () => {
    await withStack({ kind }, async (stack) => {
      const { store, drives } = stack.emulator;
      const streams = { heic: makeBytes(100_001), mov: makeBytes(300_007) };
      store.addLivePhoto(store.root(drives.backup), '照片 1.livp', streams);
      const href = `/${encodeURIComponent('照片 1.livp')}`;
      const row = readRows((await propfind(stack.url, '/', '1')).text).find((candidate) => candidate.href === href);
      const head = await ask(stack.url, href, { method: 'HEAD' });
      const got = await ask(stack.url, href, { headers: CURL });
      expect([got.status, got.isWhole, got.body.length]).toEqual([200, true, row?.length]);
      expect(head.headers['content-length']).toBe(String(row?.length));
      expect(head.headers.etag).toBe(got.headers.etag);
      const again = await ask(stack.url, href, { headers: { ...STREAM, Range: 'bytes=0-9' } });
      expect(again.body.equals(got.body)).toBe(true);
      const folder = mkdtempSync(path.join(tmpdir(), 'alidav-zip-'));
      const file = path.join(folder, 'photo.zip');
      writeFileSync(file, got.body);
      expect(execFileSync('python3', ['-m', 'zipfile', '-t', file]).toString()).toContain('Done testing');
      execFileSync('python3', ['-m', 'zipfile', '-e', file, folder]);
      const names = execFileSync('ls', [folder]).toString().trim().split('\n').sort();
      expect(names).toEqual(['photo.zip', '照片 1.heic', '照片 1.mov']);
      rmSync(folder, { recursive: true });
    });
  });

  it('an empty file costs no link, and the far end of a huge one no more than its range', async () => {
    await withStack({ kind }, async (stack) => {
      const { store, drives, calls } = stack.emulator;
      addFile(stack, 'empty.bin', '');
      const huge = store.addSparseFile(store.root(drives.backup), 'huge.bin', 20 * GIB + 5);
      for (const headers of [CURL, STREAM, { ...STREAM, Range: 'bytes=0-' }]) {
        const answer = await ask(stack.url, '/empty.bin', { headers });
        expect([answer.status, answer.headers['content-length'], answer.text]).toEqual([200, '0', '']);
      }
      expect(calls.count(LINK[kind])).toBe(0);
      const size = 20 * GIB + 5;
      for (const [range, first, last] of [
        [`bytes=${size - 10}-`, size - 10, size - 1],
        ['bytes=-7', size - 7, size - 1],
        [`bytes=${4 * GIB - 3}-${4 * GIB + 3}`, 4 * GIB - 3, 4 * GIB + 3],
        [`bytes=${size - 1}-${size + 1000}`, size - 1, size - 1],
      ] as const) {
        const answer = await ask(stack.url, '/huge.bin', { headers: { ...STREAM, Range: range } });
        expect([answer.status, answer.headers['content-range']]).toEqual([206, `bytes ${first}-${last}/${size}`]);
        expect(answer.body.equals(await readSparse(stack, huge, first, last))).toBe(true);
      }
      const beyond = await ask(stack.url, '/huge.bin', { headers: { ...STREAM, Range: `bytes=${size}-` } });
      expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${size}`]);
      const several = await ask(stack.url, '/film.mp4', { headers: { ...STREAM, Range: 'bytes=0-1,5-6' } });
      expect(several.status === 200 && several.body.equals(BIG)).toBe(true);
      expect(calls.count(LINK[kind])).toBe(2);
    });
  });
});

// Links of the app are read as those of the open platform are.
describe.concurrent.each(['page', 'open'] as const)('with a %s login', (kind) => {
  it.each<[string, FaultAction, number]>([
    ['a link that expired', { kind: 'oss-error', name: 'expired' }, 1],
    ['a signature that went wrong', { kind: 'oss-error', name: 'mismatch' }, 1],
    ['too many downloads', { kind: 'oss-error', name: 'tooMany' }, 3],
    ['an error of its own', { kind: 'oss-error', name: 'internalError' }, 2],
    ['a lost object', { kind: 'oss-error', name: 'noSuchKey' }, 1],
    ['HTML', { kind: 'answer', status: 502, body: '<html>' }, 1],
    [
      'another type than promised',
      { kind: 'answer', status: 200, body: 'short', headers: { 'Content-Type': 'text/html' } },
      1,
    ],
    ['a reset', { kind: 'reset' }, 2],
    ['a reset in mid-body', { kind: 'reset-after', bytes: 100_000 }, 3],
    ['a body cut short', { kind: 'cut', bytes: 1_234_567 }, 2],
    ['bodies that never get far', { kind: 'cut', bytes: 200_000 }, 12],
    ['bodies cut at once', { kind: 'cut', bytes: 0 }, 3],
  ])('the storage host answering with %s: the client gets every byte all the same', async (_what, fault, times) => {
    await withStack({ kind }, async (stack) => {
      stack.emulator.faults.inject({ ...fault, endpoint: 'storage', times });
      const answer = await ask(stack.url, '/film.mp4', { headers: STREAM });
      expect([answer.status, answer.isWhole, answer.body.length]).toEqual([200, true, BIG_BYTES]);
      expect(answer.body.equals(BIG)).toBe(true);
      await until(() => stack.emulator.calls.bodies.open === 0, 10_000, 'the bodies closed');
    });
  });

  it.each<[string, FaultAction]>([
    ['500', { kind: 'oss-error', name: 'internalError' }],
    ['resets', { kind: 'reset' }],
    ['refusals', { kind: 'oss-error', name: 'mismatch' }],
    ['lost objects', { kind: 'oss-error', name: 'noSuchKey' }],
    ['nothing but headers', { kind: 'cut', bytes: 0 }],
  ])('nothing but %s from the storage host ends in an error, not in a short file or a 404', async (_what, fault) => {
    await withStack({ kind }, async (stack) => {
      stack.emulator.faults.inject({ ...fault, endpoint: 'storage', times: 'always' });
      const answer = await ask(stack.url, '/film.mp4', { headers: STREAM });
      expect([403, 502, 503]).toContain(answer.status);
      stack.emulator.faults.clear();
      const again = await ask(stack.url, '/film.mp4', { headers: STREAM });
      expect(again.body.equals(BIG)).toBe(true);
    });
  });
});

describe.concurrent('links that die while a film is read', () => {
  it('are renewed in mid-body, and the bytes go on where they stopped', async () => {
    await withStack({ emulator: { linkTtlMs: 2_000 } }, async (stack) => {
      stack.emulator.faults.inject({ kind: 'reset-after', bytes: 1_000_000, endpoint: 'storage' });
      stack.emulator.settings.bytesPerSecond = 400_000;
      const reading = ask(stack.url, '/film.mp4', { headers: STREAM });
      await until(() => stack.emulator.calls.count(LINK.app) === 2, 15_000, 'the second link');
      stack.emulator.settings.bytesPerSecond = null;
      const answer = await reading;
      expect([answer.status, answer.isWhole, answer.body.equals(BIG)]).toEqual([200, true, true]);
      expect(stack.emulator.calls.count(LINK.app)).toBe(2);
    });
  });

  it('are not redirected to', async () => {
    await withStack({ emulator: { linkTtlMs: 5_000 } }, async (stack) => {
      const answer = await ask(stack.url, '/film.mp4', { headers: CURL });
      expect([answer.status, answer.body.equals(BIG)]).toEqual([200, true]);
    });
  });

  it('are shown as such where the setting wants a redirect', async () => {
    await withStack({ emulator: { linkTtlMs: 30_000 }, env: { ALIDAV_DELIVERY: 'redirect' } }, async (stack) => {
      const answer = await ask(stack.url, '/film.mp4', { headers: CURL });
      expect([answer.status, answer.headers['cache-control']]).toEqual([302, 'no-store']);
    });
  });
});

describe.concurrent('three bodies at a time', () => {
  it('are all that an ordinary application gets, and readers take turns', async () => {
    await withStack({ kind: 'open', emulator: { limits: 'real' } }, async (stack) => {
      const { calls } = stack.emulator;
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => ask(stack.url, '/film.mp4', { headers: STREAM })),
      );
      for (const answer of answers) expect([answer.status, answer.body.equals(BIG)]).toEqual([200, true]);
      expect(calls.bodies.peakCounted).toBeLessThanOrEqual(3);
      expect(calls.bodies.refused).toBe(0);
      expect(calls.snapshot().overLimit).toBe(0);
    });
  });

  it('held by readers that read nothing are given up to others', async () => {
    await withStack({ kind: 'open', emulator: { limits: 'real' } }, async (stack) => {
      const { store, drives, calls } = stack.emulator;
      store.addSparseFile(store.root(drives.backup), 'huge.bin', 4 * GIB);
      const { request } = await import('node:http');
      const lazy = Array.from({ length: 3 }, () => {
        const sent = request(`${stack.url}/huge.bin`, { headers: STREAM, agent: false });
        sent.on('response', (response) => response.pause());
        sent.on('error', () => {});
        sent.end();
        return sent;
      });
      await until(() => calls.bodies.open === 3, 10_000, 'three bodies');
      const answer = await ask(stack.url, '/film.mp4', { headers: STREAM });
      expect([answer.status, answer.body.equals(BIG)]).toEqual([200, true]);
      for (const sent of lazy) sent.destroy();
      await until(() => calls.bodies.open === 0, 10_000, 'all closed');
    });
  });
});

describe.each(LOGIN_KINDS)('with a %s login', (kind) => {
  it('a client that leaves takes the body of the storage host along', async () => {
    await withStack({ kind }, async (stack) => {
      const { store, drives, calls, settings } = stack.emulator;
      store.addSparseFile(store.root(drives.backup), 'huge.bin', 4 * GIB);
      settings.bytesPerSecond = 8 * MIB;
      await propfind(stack.url, '/', '1');
      for (const target of ['/huge.bin', '/huge.bin']) {
        const leave = new AbortController();
        const reading = ask(stack.url, target, { headers: STREAM, signal: leave.signal }).catch(() => undefined);
        await until(() => calls.bodies.open === 1, 10_000, 'the body');
        await new Promise((resolve) => setTimeout(resolve, 200));
        leave.abort();
        const leftAt = performance.now();
        await until(() => calls.bodies.open === 0, 1_000, 'the body closed');
        expect(performance.now() - leftAt).toBeLessThan(400);
        await reading;
      }
    });
  });
});

describe('conditions', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
    addFile(stack, 'a.txt', 'content');
  });
  afterAll(() => stack.close());

  it('are settled before a link is asked for', async () => {
    const head = await ask(stack.url, '/a.txt', { method: 'HEAD' });
    const etag = head.headers.etag ?? '';
    for (const [headers, status] of [
      [{ 'If-None-Match': etag }, 304],
      [{ 'If-Modified-Since': head.headers['last-modified'] ?? '' }, 304],
      [{ 'If-Match': '"other"' }, 412],
      [{ 'If-Unmodified-Since': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 412],
      [{ Range: 'bytes=100-' }, 416],
    ] as const) {
      const answer = await ask(stack.url, '/a.txt', { headers: { ...CURL, ...headers } });
      expect([headers, answer.status]).toEqual([headers, status]);
    }
    expect(stack.emulator.calls.count(LINK.app)).toBe(0);
  });

  it('of a range that is no longer current get the whole', async () => {
    const headers = { ...STREAM, Range: 'bytes=0-1', 'If-Range': '"other"' };
    const answer = await ask(stack.url, '/a.txt', { headers });
    expect([answer.status, answer.text]).toEqual([200, 'content']);
  });
});
