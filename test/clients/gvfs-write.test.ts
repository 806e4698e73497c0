import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInDesktopSession } from '../support/desktop-session.ts';
import { pathsOf, readOnly } from '../support/drive-view.ts';
import { describeWith } from '../support/programs.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';

/** `gio save` writes as an editor of GNOME does: conditionally, in place of what it has read. */
const SCRIPT = `
gio mount "$1/" || exit 1
gio mkdir "$1/文件夹"
gio copy "$2/big.bin" "$1/文件夹/big.bin"
printf 'first' | gio save --create "$1/文件夹/letter.txt"
printf 'second' | gio save "$1/文件夹/letter.txt"
gio rename "$1/文件夹/letter.txt" "brief.txt"
gio copy "$1/文件夹/brief.txt" "$1/文件夹/copy.txt"
gio move "$1/文件夹/copy.txt" "$1/moved.txt"
gio copy "$2/gone.txt" "$1/gone.txt"
gio remove "$1/gone.txt"
gio cat "$1/文件夹/brief.txt" >brief
gio mount --unmount "$1/"
`;

describeWith(['gio', 'dbus-run-session', 'timeout'], 'gvfs writes', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let home: string;
    let originals: string;
    const big = Buffer.alloc(17 * 2 ** 20, `gvfs ${kind}`);

    beforeAll(async () => {
      stack = await startStack({ kind });
      originals = await makeScratch();
      await writeFile(`${originals}/big.bin`, big);
      await writeFile(`${originals}/gone.txt`, 'gone');
      const location = stack.url.replace(/^http/, 'dav');
      home = await runInDesktopSession(SCRIPT, [location, originals], { GVFS_DISABLE_FUSE: '1' });
    });
    afterAll(async () => {
      await stack?.close();
      for (const folder of [home, originals]) if (folder) await removeScratch(folder);
    });

    it('leaves exactly what was saved', async () => {
      expect(pathsOf(stack), (await readFile(`${home}/output`)).toString()).toEqual(
        ['/moved.txt', '/文件夹', '/文件夹/big.bin', '/文件夹/brief.txt'].toSorted(),
      );
      expect((await readOnly(stack, '/文件夹/big.bin')).equals(big)).toBe(true);
      expect((await readOnly(stack, '/文件夹/brief.txt')).toString()).toBe('second');
      expect((await readOnly(stack, '/moved.txt')).toString()).toBe('second');
      expect((await readFile(`${home}/brief`)).toString()).toBe('second');
    });
  });
});
