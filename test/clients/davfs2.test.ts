import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILM, FILM_FILE, POEM, POEMS, readStored, startDemo, THOUSAND } from '../support/demo.ts';
import { unmount } from '../support/mounts.ts';
import { describeWith, run } from '../support/programs.ts';
import { requestLines } from '../support/request-lines.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack } from '../support/stack.ts';

/**
 * `buf_size` because davfs2 cannot list folders under Linux 6.16 and later with its default of 16 KiB, whatever the server;
 * the other two lines keep the test off this machine's own files. All else is as it comes.
 */
function formatConfig(scratch: string): string {
  return `buf_size 64\nsecrets ${scratch}/secrets\ncache_dir ${scratch}/cache\n`;
}

describeWith(['mount.davfs', 'cmp', 'df'], 'davfs2', () => {
  // Only root may mount with it; in CI everything has to run.
  const mayMount = process.getuid?.() === 0 || Boolean(process.env.CI);
  describe.skipIf(!mayMount).each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let scratch: string;
    let mount: string;

    beforeAll(async () => {
      stack = await startDemo(kind, { ALIDAV_USER: 'mimi', ALIDAV_PASSWORD: 'secret' });
      scratch = await makeScratch();
      mount = `${scratch}/mount`;
      await Promise.all([mkdir(mount), mkdir(`${scratch}/cache`)]);
      // As the system's own cache folder is.
      await run('chgrp', ['davfs2', `${scratch}/cache`]);
      await chmod(`${scratch}/cache`, 0o775);
      await writeFile(`${scratch}/secrets`, `${stack.url}/ mimi secret\n`, { mode: 0o600 });
      await writeFile(`${scratch}/config`, formatConfig(scratch));
      const mounted = await run('mount.davfs', [`${stack.url}/`, mount, '-o', `conf=${scratch}/config`]);
      expect(mounted).toEqual({ code: 0, stdout: '', stderr: '' });
    });
    afterAll(async () => {
      if (mount) await unmount(mount);
      await stack?.close();
      if (scratch) await removeScratch(scratch);
    });

    it('shows folders, a thousand entries too', async () => {
      const { stdout, stderr } = await run('ls', ['-1', `${mount}${POEMS}`, `${mount}${THOUSAND}`]);
      expect(stderr).toBe('');
      expect(stdout).toContain('静夜思（李白）.txt\n');
      expect(stdout.match(/^第 \d{4} 个\.txt$/gm)).toHaveLength(1000);
    });

    it('reads files, which are streamed to it since it follows no redirect', async () => {
      const { stdout } = await run('cat', [`${mount}${POEM}`]);
      expect(stdout).toBe((await readStored(stack.emulator, POEM)).toString());
      expect(await run('cmp', [`${mount}${FILM}`, FILM_FILE])).toEqual({ code: 0, stdout: '', stderr: '' });
      const reads = requestLines(stack, { client: 'davfs2', method: 'GET' });
      expect(reads).toMatchObject([
        { path: POEM, status: 200, delivery: 'stream' },
        { path: FILM, status: 200, delivery: 'stream' },
      ]);
    });

    it('shows the quota', async () => {
      const { stdout } = await run('df', ['--block-size=1G', '--output=size,used', mount]);
      expect(stdout.trim().split('\n').at(-1)?.trim().split(/\s+/).map(Number)).toEqual([100, 25]);
    });
  });
});
