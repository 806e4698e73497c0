import { expect, vi } from 'vitest';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { describeMountWork, type MountProgram, WORK_PROGRAMS } from '../support/mount-work.ts';
import { isMounted, unmount } from '../support/mounts.ts';
import { describeWith, run } from '../support/programs.ts';
import { rcloneEnv } from '../support/rclone.ts';

function createRcloneMount(): MountProgram {
  let daemon: Daemon | undefined;
  return {
    async start({ stack, scratch, mount }) {
      const args = ['mount', 'drive:', mount, '--cache-dir', `${scratch}/cache`, '--vfs-cache-mode', 'writes'];
      daemon = startDaemon('rclone', args, { ...rcloneEnv(stack), RCLONE_CONFIG_DRIVE_VENDOR: 'owncloud' });
      await vi.waitFor(async () => expect(await isMounted(mount)).toBe(true), { timeout: 30_000, interval: 100 });
    },
    async end({ scratch, mount }) {
      // It sends files some seconds after they were closed, and those that it has not sent when it ends stay in its cache.
      await vi.waitFor(
        async () => {
          const dirty = await run('grep', ['-rlE', '"Dirty": *true', `${scratch}/cache/vfsMeta`]);
          expect(dirty.stdout).toBe('');
        },
        { timeout: 300_000, interval: 500 },
      );
      await unmount(mount);
      await daemon?.stop();
    },
  };
}

describeWith(['rclone', 'fusermount3', 'grep', ...WORK_PROGRAMS], 'work in an rclone mount', () => {
  describeMountWork('page', 'some', createRcloneMount());
  describeMountWork('app', 'some', createRcloneMount());
  describeMountWork('open', 'much', createRcloneMount());
});
