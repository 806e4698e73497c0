import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { type Emulator, startEmulator } from '../../src/emulator/emulator.ts';
import { accountEnv } from '../support/stack.ts';
import { makeMachine, type Served } from './alidav-process.ts';
import { ask, propfind, readRows, until } from './requests.ts';

vi.setConfig({ maxConcurrency: 6, testTimeout: 90_000 });

type Kind = 'app' | 'open';

const OLD = 'the old content';
const STREAM = { headers: { Referer: 'http://page.example/' } };
const WHOLE = Buffer.alloc(6 * 2 ** 20, 'a body that is one part ');
const LONG = Buffer.alloc(36 * 2 ** 20, 'a body of several parts ');

/** A process on an emulated account with one old file. `start` may be called again: what was on the disk is there. */
async function withProcess(
  kind: Kind,
  test: (emulator: Emulator, start: () => Promise<Served>) => Promise<void>,
): Promise<void> {
  const emulator = await startEmulator({ content: 'empty' });
  const machine = makeMachine();
  emulator.store.addFile(emulator.store.root(emulator.drives.backup), 'old.txt', OLD);
  const env = { ...accountEnv(emulator, kind), ALIDAV_DRIVE: 'backup', ALIDAV_LOG_FORMAT: 'json' };
  try {
    await test(emulator, () => machine.serve(['serve'], env));
  } finally {
    machine.close();
    await emulator.close();
  }
}

function contentsOf({ store, drives }: Emulator, name: string): Promise<Buffer[]> {
  const entries = [...store.children(store.root(drives.backup))].filter((entry) => entry.name === name);
  return Promise.all(
    entries.map(async ({ content }) => Buffer.concat(content ? await content.open(0, content.size).toArray() : [])),
  );
}

async function expectStopped(served: Served): Promise<void> {
  const { code, withinMs } = await served.stop();
  expect([code, withinMs < 11_000 ? 'in time' : withinMs]).toEqual([0, 'in time']);
}

/** A PUT whose client is slower than anybody wants to wait for. */
function putHalf(url: string, path: string, body: Buffer): () => void {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname, () => {
    socket.write(`PUT ${path} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${body.length}\r\n\r\n`);
    socket.write(body.subarray(0, body.length / 2));
  });
  socket.on('error', () => {});
  return () => socket.destroy();
}

describe.concurrent.each<[Kind]>([['app'], ['open']])('SIGTERM over a login of kind %s', (kind) => {
  it.concurrent('lets an upload end that can, and tells its client', async () => {
    await withProcess(kind, async (emulator, start) => {
      const served = await start();
      emulator.settings.uploadBytesPerSecond = 3 * 2 ** 20;
      const put = ask(served.url, '/old.txt', { method: 'PUT', body: WHOLE });
      await until(() => emulator.calls.count('upload') > 0, 10_000, 'a part under way');
      const stopped = expectStopped(served);
      expect((await put).status).toBe(204);
      await stopped;
      expect((await contentsOf(emulator, 'old.txt')).map((content) => content.equals(WHOLE))).toEqual([true]);
    });
  });

  it.concurrent.each(['/old.txt', '/new.txt'])(
    'leaves a whole body for %s that takes too long to the next start',
    async (path) => {
      await withProcess(kind, async (emulator, start) => {
        const served = await start();
        emulator.settings.uploadBytesPerSecond = 100 * 1024;
        const put = ask(served.url, path, { method: 'PUT', body: WHOLE }).then(
          ({ status }) => status,
          () => 'cut off',
        );
        await until(() => emulator.calls.count('upload') > 0, 10_000, 'a part under way');
        await expectStopped(served);
        expect([503, 'cut off']).toContain(await put);
        const name = path.slice(1);
        const before = (await contentsOf(emulator, name)).map(String);
        expect(before).toEqual(path === '/old.txt' ? [OLD] : []);
        emulator.settings.uploadBytesPerSecond = null;
        const next = await start();
        // Whatever has to be done yet, nobody sees anything else than the old or the new file.
        const first = await ask(next.url, path, STREAM);
        if (path === '/old.txt' || first.status === 200) expect([OLD, WHOLE.toString()]).toContain(first.text);
        await until(
          async () => (await contentsOf(emulator, name)).some((content) => content.equals(WHOLE)),
          30_000,
          'the body in the drive',
        );
        await until(async () => (await ask(next.url, path, STREAM)).body.equals(WHOLE), 10_000, 'the body seen');
        await until(async () => (await contentsOf(emulator, name)).length === 1, 10_000, 'one file');
        const rows = readRows((await propfind(next.url, '/', '1', { headers: { 'Cache-Control': 'no-cache' } })).text);
        expect(rows.filter(({ href }) => href === path)).toMatchObject([{ length: WHOLE.length }]);
        expect(rows.slice(1)).toHaveLength(path === '/old.txt' ? 1 : 2);
        if (kind === 'open') await until(() => emulator.uploads.openCount === 0, 10_000, 'no upload left');
        await expectStopped(next);
      });
    },
  );

  it.concurrent('makes nothing of a body that has not come whole', async () => {
    await withProcess(kind, async (emulator, start) => {
      const served = await start();
      await propfind(served.url, '/', '1');
      const leave = putHalf(served.url, '/old.txt', LONG);
      putHalf(served.url, '/new.txt', LONG);
      await until(() => emulator.calls.count('upload') > 1, 10_000, 'parts under way');
      await expectStopped(served);
      leave();
      const next = await start();
      const names = readRows((await propfind(next.url, '/', '1')).text).slice(1);
      expect(names).toMatchObject([{ href: '/old.txt', length: OLD.length }]);
      expect((await ask(next.url, '/old.txt', STREAM)).text).toBe(OLD);
      if (kind === 'open') await until(() => emulator.uploads.openCount === 0, 20_000, 'no upload left');
      expect((await ask(next.url, '/new.txt', { method: 'PUT', body: 'now' })).status).toBe(201);
      await expectStopped(next);
    });
  });
});
