import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathsOf, readDrive, readOnly } from '../support/drive-view.ts';
import { describeWith, run } from '../support/programs.ts';
import { rcloneEnv } from '../support/rclone.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';

/** `rclone` and `fastmail` came after the rclone of some systems, which then treats them as `other`. */
const VENDORS = ['other', 'owncloud', 'rclone', 'fastmail'] as const;
const KEEPS_TIMES = new Set<string>(['owncloud']);

const FILES: Readonly<Record<string, string>> = {
  'a.txt': 'a',
  'empty.txt': '',
  '中文 名/诗.txt': '床前明月光\n',
  'deep/er/and/deeper/x.bin': 'x'.repeat(300_000),
  'odd & #1 100%+.txt': 'odd',
};

describeWith(['rclone'], 'rclone writes', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    describe.each(VENDORS)('as vendor %s', (vendor) => {
      let stack: Stack;
      let scratch: string;

      beforeAll(async () => {
        stack = await startStack({ kind });
        scratch = await makeScratch();
        for (const [name, content] of Object.entries(FILES)) {
          await mkdir(`${scratch}/${name}`.replace(/\/[^/]*$/, ''), { recursive: true });
          await writeFile(`${scratch}/${name}`, content);
          await utimes(`${scratch}/${name}`, 1_600_000_000, 1_600_000_000);
        }
        await writeFile(`${scratch}/big.bin`, Buffer.alloc(23 * 2 ** 20, 'big'));
      });
      afterAll(async () => {
        await stack?.close();
        if (scratch) await removeScratch(scratch);
      });

      const rclone = (...args: readonly string[]) =>
        run('rclone', args, { env: { ...rcloneEnv(stack), RCLONE_CONFIG_DRIVE_VENDOR: vendor }, timeoutMs: 60_000 });
      const good = async (...args: readonly string[]) => {
        const outcome = await rclone(...args);
        // It says this on the level of an error of every server that it expects no checksums of.
        expect(outcome.stderr.replace('ERROR : No common hash found', '')).not.toMatch(/ERROR|Failed/);
        expect(outcome.code).toBe(0);
        return outcome;
      };
      const transfers = (stderr: string) => stderr.match(/Copied \((new|replaced existing)\)/g)?.length ?? 0;

      it('copies, and the second time transfers nothing', async () => {
        expect(transfers((await good('copy', scratch, 'drive:to', '-v')).stderr)).toBe(6);
        for (const [name, content] of Object.entries(FILES)) {
          expect((await readOnly(stack, `/to/${name}`)).toString(), name).toBe(content);
        }
        const again = await good('copy', scratch, 'drive:to', '-v');
        expect(transfers(again.stderr)).toBe(0);
      });

      it('checks clean, by download too', async () => {
        expect((await good('check', scratch, 'drive:to')).stderr).toMatch(/ 0 differences found/);
        expect((await good('check', '--download', scratch, 'drive:to')).stderr).toMatch(/ 0 differences found/);
      });

      it('sees the times and checksums that it gave', async () => {
        const { stdout } = await good('lsjson', '--hash', 'drive:to/a.txt');
        const [file] = JSON.parse(stdout);
        expect(file).toMatchObject({ Name: 'a.txt', Size: 1 });
        if (!KEEPS_TIMES.has(vendor)) return;
        expect(Date.parse(file.ModTime)).toBe(1_600_000_000_000);
        expect(Object.values(file.Hashes)).toContain('86f7e437faa5a7fce15d1ddcb9eaeaea377667b8');
      });

      it('syncs changes and deletions', async () => {
        await writeFile(`${scratch}/a.txt`, 'changed');
        await run('rm', [`${scratch}/empty.txt`]);
        await good('sync', scratch, 'drive:to');
        expect((await readOnly(stack, '/to/a.txt')).toString()).toBe('changed');
        expect(pathsOf(stack)).not.toContain('/to/empty.txt');
        expect((await good('check', scratch, 'drive:to')).stderr).toMatch(/ 0 differences found/);
      });

      it('moves on the server, and away from it', async () => {
        await good('moveto', 'drive:to/deep', 'drive:moved');
        expect((await readOnly(stack, '/moved/er/and/deeper/x.bin')).length).toBe(300_000);
        await good('move', 'drive:moved', `${scratch}/back`);
        expect(await readFile(`${scratch}/back/er/and/deeper/x.bin`)).toHaveLength(300_000);
        expect(pathsOf(stack).filter((path) => path.endsWith('.bin'))).toEqual(['/to/big.bin']);
      });

      it('takes what is piped into it', async () => {
        const piped = await run('rclone', ['rcat', 'drive:to/piped.txt'], {
          env: { ...rcloneEnv(stack), RCLONE_CONFIG_DRIVE_VENDOR: vendor },
          input: 'piped',
        });
        expect(piped.code).toBe(0);
        expect((await readOnly(stack, '/to/piped.txt')).toString()).toBe('piped');
      });

      it('deletes all of it', async () => {
        await good('purge', 'drive:to');
        expect(readDrive(stack).has('/to')).toBe(false);
      });
    });
  });
});
