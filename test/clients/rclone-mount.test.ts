import { mkdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { FILM, FILM_FILE, POEMS, readStored, SPARSE, startDemo } from '../support/demo.ts';
import { isMounted, unmount } from '../support/mounts.ts';
import { describeWith, run } from '../support/programs.ts';
import { rcloneEnv } from '../support/rclone.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack } from '../support/stack.ts';

const GIB = 2 ** 30;

describeWith(['rclone', 'fusermount3', 'cmp', 'dd'], 'rclone mount', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let scratch: string;
    let mount: string;
    let daemon: Daemon | undefined;

    beforeAll(async () => {
      stack = await startDemo(kind);
      scratch = await makeScratch();
      mount = `${scratch}/mount`;
      await mkdir(mount);
      daemon = startDaemon('rclone', ['mount', 'drive:', mount, '--cache-dir', `${scratch}/cache`], rcloneEnv(stack));
      await vi.waitFor(async () => expect(await isMounted(mount)).toBe(true), { timeout: 30_000, interval: 100 });
    });
    afterAll(async () => {
      if (mount) await unmount(mount);
      await daemon?.stop();
      await stack?.close();
      if (scratch) await removeScratch(scratch);
    });

    it('shows folders', async () => {
      const { stdout } = await run('ls', ['-1', `${mount}${POEMS}`], { timeoutMs: 20_000 });
      expect(stdout.trimEnd().split('\n').toSorted()).toEqual(
        ['春晓（孟浩然）.txt', '登鹳雀楼（王之涣）.txt', '静夜思（李白）.txt'].toSorted(),
      );
    });

    it('reads a film whole', async () => {
      expect(await run('cmp', [`${mount}${FILM}`, FILM_FILE])).toEqual({ code: 0, stdout: '', stderr: '' });
    });

    it('reads from the middle of 20 GiB', async () => {
      const start = 15 * GIB;
      const length = 65_536;
      const part = `${scratch}/part`;
      const from = ['iflag=skip_bytes,fullblock', `skip=${start}`, `bs=${length}`, 'count=1', 'status=none'];
      expect(await run('dd', [`if=${mount}${SPARSE}`, `of=${part}`, ...from])).toMatchObject({ code: 0 });
      expect(await readFile(part)).toEqual(await readStored(stack.emulator, SPARSE, start, start + length));
    });
  });
});
