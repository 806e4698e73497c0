import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Fault, FaultAction } from '../../src/emulator/faults.ts';
import { readOnly } from '../support/drive-view.ts';
import type { Stack, StackOptions } from '../support/stack.ts';
import type { Drive } from '../support/write-operations.ts';
import {
  describeDrive,
  isSame,
  readGateway,
  readJournal,
  readService,
  startWriteStack,
} from '../support/write-stack.ts';
import { type AskOptions, ask, propfind, readRows, until } from './requests.ts';

vi.setConfig({ maxConcurrency: 16, testTimeout: 120_000 });

type Kind = 'app' | 'open';

const PATHS = {
  app: {
    create: '/adrive/v2/file/createWithFolders',
    complete: '/v2/file/complete',
    urls: '/v2/file/get_upload_url',
    parts: '/v2/file/list_uploaded_parts',
  },
  open: {
    create: '/adrive/v1.0/openFile/create',
    complete: '/adrive/v1.0/openFile/complete',
    urls: '/adrive/v1.0/openFile/getUploadUrl',
    parts: '/adrive/v1.0/openFile/listUploadedParts',
  },
} as const;

const OLD: Drive = { '/a.txt': 'the old content', '/b.txt': 'another file' };
const LONG = Buffer.alloc(12 * 2 ** 20, 'a body of several parts ');
const SMALL_MEMORY = { ALIDAV_UPLOAD_MEMORY: '8MiB' };

/** What the client is told, what the service then has, and that nothing is left to be done or over. */
async function withDrive(
  options: StackOptions,
  before: Drive,
  test: (
    stack: Stack,
    put: (path: string, body: string | Buffer, options?: AskOptions) => ReturnType<typeof ask>,
  ) => Promise<void>,
): Promise<void> {
  const [stack] = await startWriteStack(options, before);
  try {
    await test(stack, (at, body, more = {}) => ask(stack.url, at, { method: 'PUT', body, ...more }));
  } finally {
    await stack.close();
  }
}

async function expectDrive(stack: Stack, drive: Drive): Promise<void> {
  await until(async () => (await readJournal(stack)).length === 0, 60_000, 'an empty journal');
  for (const found of [await readService(stack), await readGateway(stack, false), await readGateway(stack, true)]) {
    expect(isSame(found, drive) ? drive : describeDrive(found)).toBe(drive);
  }
  expect(stack.emulator.uploads.openCount).toBe(0);
}

function spooled({ stateDir }: Stack): string[] {
  return readdirSync(path.join(stateDir, 'blobs', 'spool'));
}

describe.concurrent.each<[Kind]>([['app'], ['open']])('%s', (kind) => {
  const paths = PATHS[kind];

  it.concurrent('no room to spool: 507, the old file whole, reading and smaller writes go on', async () => {
    const env = { ALIDAV_SPOOL_MAX: '1MiB', ALIDAV_UPLOAD_MEMORY: '8MiB' };
    await withDrive({ kind, env }, OLD, async (stack, put) => {
      const chunked = { headers: { 'Transfer-Encoding': 'chunked' } };
      const [over, fresh, read] = await Promise.all([
        put('/a.txt', Buffer.alloc(4 * 2 ** 20, 'x'), chunked),
        put('/new.txt', Buffer.alloc(4 * 2 ** 20, 'y'), chunked),
        ask(stack.url, '/a.txt', { headers: { Referer: 'x' } }),
      ]);
      expect([over.status, fresh.status, read.status, read.text]).toEqual([507, 507, 200, 'the old content']);
      expect(over.text).not.toBe('');
      expect(spooled(stack)).toEqual([]);
      await expectDrive(stack, OLD);
      expect((await put('/a.txt', 'small', chunked)).status).toBe(204);
      expect((await put('/large.bin', LONG)).status).toBe(201);
      await expectDrive(stack, { ...OLD, '/a.txt': 'small', '/large.bin': LONG });
      expect(spooled(stack)).toEqual([]);
    });
  });

  it.concurrent('a drive without room for a body is known before its first byte', async () => {
    await withDrive({ kind, emulator: { totalBytes: 100 } }, OLD, async (stack, put) => {
      stack.emulator.calls.reset();
      expect((await put('/a.txt', 'x'.repeat(200))).status).toBe(507);
      expect(stack.emulator.calls.count(paths.create)).toBe(0);
      await expectDrive(stack, OLD);
    });
  });

  it.concurrent.each<[string, string, AskOptions]>([
    ['PUT of a new file', '/new.txt', { method: 'PUT', body: 'x'.repeat(200) }],
    ['PUT over a file', '/a.txt', { method: 'PUT', body: 'x'.repeat(200) }],
    [
      'PUT of unknown length',
      '/a.txt',
      { method: 'PUT', body: 'x'.repeat(200), headers: { 'Transfer-Encoding': 'chunked' } },
    ],
    ['PUT of several parts', '/a.txt', { method: 'PUT', body: LONG }],
    ['COPY', '/a.txt', { method: 'COPY', headers: { Destination: '/new.txt' } }],
    ['COPY over a file', '/a.txt', { method: 'COPY', headers: { Destination: '/b.txt' } }],
  ])('%s where the service says that the drive is full: 507, and all as it was', async (_name, at, options) => {
    await withDrive({ kind, env: SMALL_MEMORY }, OLD, async (stack) => {
      // What we know of the quota is of a minute ago.
      stack.emulator.settings.totalBytes = 30;
      const answer = await ask(stack.url, at, options);
      expect([answer.status, answer.text]).toEqual([507, expect.stringMatching(/full/)]);
      await expectDrive(stack, OLD);
    });
  });

  it.concurrent.each<[string, FaultAction, number, RegExp]>([
    ['a name that it refuses', { kind: 'error', code: 'NameCheckFail' }, 400, /name/],
    ['a drive that is locked', { kind: 'error', code: 'ForbiddenDriveLocked' }, 423, /locked/],
    ['no right', { kind: 'error', code: 'ForbiddenNoPermission.File' }, 403, /allow/],
    ['too large a file', { kind: 'answer', status: 413, body: 'Payload Too Large' }, 413, /large/],
  ])('the service says %s: the client hears it', async (_name, fault, status, reason) => {
    await withDrive({ kind }, OLD, async (stack, put) => {
      for (const at of ['/new.txt', '/a.txt']) {
        stack.emulator.faults.inject({ ...fault, endpoint: paths.create, times: 'always' });
        const answer = await put(at, 'new content');
        expect([answer.status, answer.text]).toEqual([status, expect.stringMatching(reason)]);
        stack.emulator.faults.clear();
        await expectDrive(stack, OLD);
      }
    });
  });

  it.concurrent('a 429 that says when is obeyed', async () => {
    await withDrive({ kind }, OLD, async (stack, put) => {
      stack.emulator.faults.inject({ kind: 'throttle', retryAfterMs: 900, endpoint: paths.create });
      const startedAt = performance.now();
      expect((await put('/a.txt', 'new')).status).toBe(204);
      expect(performance.now() - startedAt).toBeGreaterThan(890);
      stack.emulator.faults.inject({
        kind: 'throttle',
        retryAfterMs: 40_000,
        endpoint: paths.complete,
        times: 'always',
      });
      const refused = await put('/a.txt', 'newer');
      expect(refused.status).toBe(503);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(35);
    });
  });

  it.concurrent('part URLs that expire on the way are renewed', async () => {
    const emulator = { uploadUrlTtlMs: 1_000, uploadBytesPerSecond: 5 * 2 ** 20 };
    await withDrive({ kind, env: SMALL_MEMORY, emulator }, OLD, async (stack, put) => {
      expect((await put('/a.txt', LONG)).status).toBe(204);
      expect(stack.emulator.calls.count(paths.urls)).toBeGreaterThan(0);
      await expectDrive(stack, { ...OLD, '/a.txt': LONG });
    });
  });

  it.concurrent.each<[string, Fault, number, number]>([
    ['forgotten with a small body in hand', { kind: 'oss-error', name: 'noSuchUpload', endpoint: 'upload' }, 3, 204],
    [
      'forgotten at the end of a small body',
      { kind: 'error', code: 'NotFound.UploadId', endpoint: paths.complete },
      3,
      204,
    ],
    [
      'forgotten in the middle of a long body',
      { kind: 'oss-error', name: 'noSuchUpload', endpoint: 'upload', skip: 1 },
      12,
      503,
    ],
    [
      'forgotten at the end of a long body',
      { kind: 'error', code: 'NotFound.UploadId', endpoint: paths.complete },
      12,
      503,
    ],
    [
      'that misses a part it has',
      { kind: 'oss-error', name: 'partNotSequential', endpoint: 'upload', skip: 1 },
      12,
      204,
    ],
    [
      'that wants other parts for ever',
      { kind: 'oss-error', name: 'partNotSequential', endpoint: 'upload', times: 'always' },
      3,
      503,
    ],
    [
      'that has a part it did not take',
      { kind: 'oss-error', name: 'partAlreadyExist', endpoint: 'upload', skip: 1 },
      12,
      503,
    ],
  ])('an upload %s', async (_name, fault, mebibytes, status) => {
    await withDrive({ kind, env: SMALL_MEMORY }, OLD, async (stack, put) => {
      const body = LONG.subarray(0, mebibytes * 2 ** 20);
      stack.emulator.faults.inject(fault);
      const answer = await put('/a.txt', body);
      stack.emulator.faults.clear();
      expect([answer.status, answer.text]).toEqual([status, expect.anything()]);
      await until(async () => (await readJournal(stack)).length === 0, 60_000, 'an empty journal');
      const content = answer.status === 204 ? body : 'the old content';
      expect((await readOnly(stack, '/a.txt')).equals(Buffer.from(content))).toBe(true);
      expect((await put('/a.txt', 'at last')).status).toBe(204);
      const has = await readService(stack);
      expect(isSame(has, { ...OLD, '/a.txt': 'at last' }) ? '' : describeDrive(has)).toBe('');
    });
  });

  it.concurrent('an empty file that is held back comes to be, whatever the service does meanwhile', async () => {
    await withDrive({ kind }, {}, async (first) => {
      const headers = { 'User-Agent': 'WebDAVFS/3.0.0 (03008000) Darwin/22.6.0 (arm64)' };
      let stack = first;
      const { faults, calls } = stack.emulator;
      expect((await ask(stack.url, '/empty.txt', { method: 'PUT', body: '', headers })).status).toBe(201);
      expect((await ask(stack.url, '/filled.txt', { method: 'PUT', body: '', headers })).status).toBe(201);
      faults.inject({ kind: 'answer', status: 500, endpoint: '*', times: 'always' });
      const refused = await ask(stack.url, '/filled.txt', { method: 'PUT', body: 'its content', headers });
      expect(refused.status).toBe(503);
      const seen = async () => {
        const rows = readRows((await propfind(stack.url, '/', '1')).text).slice(1);
        return rows.map(({ href, length }) => `${href} ${length}`).sort();
      };
      expect(await seen()).toEqual(['/empty.txt 0', '/filled.txt 0']);
      calls.reset();
      await until(() => calls.count(paths.create) > 1, 30_000, 'a try to create it');
      expect(await seen()).toEqual(['/empty.txt 0', '/filled.txt 0']);
      stack = await stack.restart();
      expect(await seen().catch(() => 'unavailable')).toBeDefined();
      faults.clear();
      expect((await ask(stack.url, '/filled.txt', { method: 'PUT', body: 'its content', headers })).status).toBe(204);
      await expectDrive(stack, { '/empty.txt': '', '/filled.txt': 'its content' });
      await stack.app.stop(0);
    });
  });

  it.concurrent('two who write one name at the same moment: one wins, and both are told the truth', async () => {
    await withDrive({ kind, emulator: { latencyMs: 5 } }, { ...OLD, '/dir': null }, async (stack, put) => {
      const send = async (method: string, at: string, to?: string) =>
        (await ask(stack.url, at, { method, headers: to ? { Destination: to } : {} })).status;
      const both = async (...sent: Promise<number>[]) => (await Promise.all(sent)).sort();
      const statusOf = async (answer: ReturnType<typeof ask>) => (await answer).status;
      expect(await both(statusOf(put('/new.txt', 'one')), statusOf(put('/new.txt', 'two')))).toEqual([201, 204]);
      expect(['one', 'two']).toContain((await readOnly(stack, '/new.txt')).toString());
      expect(await both(send('MKCOL', '/made'), send('MKCOL', '/made'))).toEqual([201, 405]);
      expect(await both(send('DELETE', '/new.txt'), send('DELETE', '/new.txt'))).toEqual([204, 404]);
      expect(await both(send('MOVE', '/a.txt', '/dir/x'), send('MOVE', '/a.txt', '/dir/y'))).toEqual([201, 404]);
      expect(await both(send('COPY', '/b.txt', '/c.txt'), send('COPY', '/b.txt', '/c.txt'))).toEqual([201, 204]);
      expect(await both(send('MOVE', '/b.txt', '/d.txt'), send('MOVE', '/c.txt', '/d.txt'))).toEqual([201, 204]);
      const [moved] = Object.keys(await readService(stack)).filter((at) => at.startsWith('/dir/'));
      const drive = { '/dir': null, '/made': null, [String(moved)]: 'the old content', '/d.txt': 'another file' };
      await expectDrive(stack, drive);
      expect(await both(statusOf(put('/d.txt', 'three')), send('DELETE', '/d.txt'))).toSatisfy((told: number[]) =>
        [[201, 204].join(), [204, 204].join()].includes(told.join()),
      );
    });
  });
});
