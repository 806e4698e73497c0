import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { FolderBlocks } from '../../../src/state/block-store.ts';
import { temporaryFolder } from './temporary-folder.ts';

const disk = vi.hoisted(() => ({ isFull: false }));
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  return {
    ...real,
    open: async (file: string, flags: string, mode?: number) => {
      const handle = await real.open(file, flags, mode);
      if (disk.isFull && flags === 'wx') {
        handle.writeFile = async () => {
          throw Object.assign(new Error(`no space left on device, write ${file}`), { code: 'ENOSPC' });
        };
      }
      return handle;
    },
  };
});

it('a full disk gets a part of the cache back, and reading goes on', async () => {
  const dir = path.join(await temporaryFolder(), 'cache');
  const clock = { now: Date.UTC(2026, 0, 1) };
  const store = new FolderBlocks({ dir, maxBytes: 2 ** 30, now: () => clock.now, log: pino({ level: 'silent' }) });
  const bytes = Buffer.alloc(64 * 1024, 1);
  for (let index = 0; index < 20; index++) {
    clock.now += 10_000;
    await store.write(`b${index}`, bytes);
  }
  disk.isFull = true;
  await store.write('one-more', bytes);
  await store.write('and-another', bytes);
  const left = await readdir(dir);
  expect(left).toHaveLength(16);
  expect(left).not.toContain('b0');
  expect(await store.read('one-more')).toBeUndefined();
  expect(await store.read('b19')).toEqual(bytes);
  disk.isFull = false;
  clock.now += 60_000;
  await store.write('one-more', bytes);
  expect(await store.read('one-more')).toEqual(bytes);
});
