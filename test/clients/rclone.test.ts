import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findStored, POEM, POEMS, readStored, startDemo, THOUSAND } from '../support/demo.ts';
import { describeWith } from '../support/programs.ts';
import { rclone } from '../support/rclone.ts';
import { requestLines } from '../support/request-lines.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack } from '../support/stack.ts';

const LIST_ENDPOINT = { page: '/adrive/v3/file/list', app: '/adrive/v3/file/list', open: '/adrive/v1.0/openFile/list' };
/** All of the demo but what is too much to copy. */
const SMALL = ['--exclude', '/备份盘/一千个文件/**', '--exclude', '*.bin', '--exclude', '*.img'];

describeWith(['rclone'], 'rclone', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let folder: string;

    beforeAll(async () => {
      stack = await startDemo(kind);
      folder = await makeScratch();
    });
    afterAll(async () => {
      await stack?.close();
      if (folder) await removeScratch(folder);
    });

    it('lists everything, a page of 200 a call', async () => {
      stack.emulator.calls.reset();
      const { code, stdout, stderr } = await rclone(stack, 'lsf', '-R', 'drive:');
      expect(stderr).not.toMatch(/ERROR/);
      expect(code).toBe(0);
      const names = stdout.trimEnd().split('\n');
      expect(names).toEqual(
        expect.arrayContaining(['备份盘/', '备份盘/工作 & 笔记/50% 完成 #1 (草稿).txt', POEM.slice(1)]),
      );
      expect(names.filter((name) => name.startsWith(`${THOUSAND.slice(1)}/第`))).toHaveLength(1000);
      // Two drives, eight folders, 17 files.
      expect(names).toHaveLength(1000 + 27);
      // One for each of the nine other folders, the drives' own among them, and five for the thousand.
      expect(stack.emulator.calls.count(LIST_ENDPOINT[kind])).toBe(9 + 5);
    });

    it('copies every byte', async () => {
      const copied = await rclone(stack, 'copy', 'drive:', folder, ...SMALL);
      expect(copied.stderr).not.toMatch(/ERROR/);
      expect(copied.code).toBe(0);
      const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name));
      expect(files).toHaveLength(15);
      for (const file of files.filter((name) => !name.endsWith('.livp'))) {
        const stored = findStored(stack.emulator, `/${path.relative(folder, file)}`);
        const sha1 = createHash('sha1').update(await readFile(file));
        expect(sha1.digest('hex').toUpperCase(), file).toBe(stored.content?.digests()?.sha1);
      }
      const zip = await readFile(files.find((name) => name.endsWith('.livp')) ?? '');
      const { streams = {} } = findStored(stack.emulator, '/备份盘/照片 📷/湖边 IMG_0042.livp');
      expect(Object.keys(streams)).toEqual(['jpeg', 'mov']);
      for (const stream of Object.values(streams)) {
        expect(zip.includes(Buffer.concat(await stream.open(0, stream.size).toArray()))).toBe(true);
      }

      const checked = await rclone(stack, 'check', 'drive:', folder, '--download', ...SMALL);
      expect(checked.stderr).toMatch(/ 0 differences found/);
      expect(checked.code).toBe(0);
    });

    it('shows the quota', async () => {
      const { stdout } = await rclone(stack, 'about', 'drive:', '--json');
      const { total, used, free } = JSON.parse(stdout);
      expect(total).toBe(100 * 2 ** 30);
      expect(used + free).toBe(total);
      expect(used).toBeGreaterThan(24 * 2 ** 30);
    });

    it('gets the stream as it sends a Referer, and where links allow it a redirect when it sends none', async () => {
      const poem = await readStored(stack.emulator, POEM);
      for (const [args, delivery] of [
        [[], 'stream'],
        [['--header', 'Referer:'], kind === 'page' ? 'stream' : 'redirect'],
      ] as const) {
        const before = requestLines(stack, { method: 'GET' }).length;
        const { stdout } = await rclone(stack, 'cat', `drive:${POEM}`, ...args);
        expect(stdout).toBe(poem.toString());
        expect(requestLines(stack, { method: 'GET' }).slice(before)).toMatchObject([{ client: 'rclone', delivery }]);
      }
    });

    it('tells what is not there', async () => {
      expect(await rclone(stack, 'cat', `drive:${POEMS}/nichts.txt`)).toMatchObject({ code: 3, stdout: '' });
    });
  });

  it('writes nothing where the drive is served for reading only', async () => {
    const stack = await startDemo('app', { ALIDAV_READ_ONLY: 'true' });
    try {
      const refused = await rclone(stack, 'deletefile', `drive:${POEM}`);
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toMatch(/403/);
      expect(findStored(stack.emulator, POEM).trashedAt).toBeUndefined();
    } finally {
      await stack.close();
    }
  });
});
