import { chmod, writeFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { describeMountWork, type MountPlace, type MountProgram, WORK_PROGRAMS } from '../support/mount-work.ts';
import { isMounted } from '../support/mounts.ts';
import { describeWith, run } from '../support/programs.ts';

const davfs2: MountProgram = {
  env: { ALIDAV_USER: 'mimi', ALIDAV_PASSWORD: 'secret' },
  async start({ stack, scratch, mount }) {
    await run('chgrp', ['davfs2', `${scratch}/cache`]);
    await chmod(`${scratch}/cache`, 0o775);
    await writeFile(`${scratch}/secrets`, `${stack.url}/ mimi secret\n`, { mode: 0o600 });
    await writeFile(`${scratch}/config`, formatConfig(scratch));
    const mounted = await run('mount.davfs', [`${stack.url}/`, mount, '-o', `conf=${scratch}/config`]);
    expect(mounted).toMatchObject({ code: 0 });
  },
  async end(place) {
    // As umount(8) does where mount(8) has mounted: it waits until all is sent.
    expect(await run('umount.davfs', [place.mount], { timeoutMs: 400_000 })).toMatchObject({ code: 0 });
    await vi.waitFor(async () => expect(await isMounted(place.mount)).toBe(false), { timeout: 60_000, interval: 200 });
    await expectUnlocked(place);
  },
};

/** `buf_size` because davfs2 1.6 lists no folder of any server on Linux 6.16 and later without it. */
function formatConfig(scratch: string): string {
  return `buf_size 64\nsecrets ${scratch}/secrets\ncache_dir ${scratch}/cache\ncache_size 4096\n`;
}

/** It locks each file that it writes; a lock that it left would keep everybody else off the file for an hour. */
async function expectUnlocked({ stack }: MountPlace): Promise<void> {
  const response = await fetch(`${stack.url}/`, {
    method: 'LOCK',
    headers: { Authorization: `Basic ${btoa('mimi:secret')}`, Depth: 'infinity' },
    body: '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>',
  });
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
  const unlocked = await fetch(`${stack.url}/`, {
    method: 'UNLOCK',
    headers: {
      Authorization: `Basic ${btoa('mimi:secret')}`,
      'Lock-Token': String(response.headers.get('lock-token')),
    },
  });
  expect(unlocked.status).toBe(204);
}

describeWith(['mount.davfs', 'umount.davfs', ...WORK_PROGRAMS], 'work in a davfs2 mount', () => {
  // Only root may mount with it; in CI everything has to run.
  const mayMount = process.getuid?.() === 0 || Boolean(process.env.CI);
  if (!mayMount) {
    it.skip('needs root', () => {});
    return;
  }
  describe('which locks what it writes', () => {
    describeMountWork('page', 'some', davfs2);
    describeMountWork('app', 'much', davfs2);
    describeMountWork('open', 'some', davfs2);
  });
});
