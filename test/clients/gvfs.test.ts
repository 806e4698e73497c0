import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILM, FILM_FILE, POEM, POEMS, readStored, startDemo } from '../support/demo.ts';
import { runInDesktopSession } from '../support/desktop-session.ts';
import { describeWith } from '../support/programs.ts';
import { requestLines } from '../support/request-lines.ts';
import { removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack } from '../support/stack.ts';

const SCRIPT = `
gio mount "$1/" || exit 1
gio list "$1/" >root
gio list --long "$1$2" >folder
gio cat "$1$3" >poem
gio copy "$1$4" film
gio info --filesystem "$1/" >quota
gio mount --unmount "$1/"
`;

describeWith(['gio', 'dbus-run-session', 'timeout'], 'gvfs', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let home: string;

    beforeAll(async () => {
      stack = await startDemo(kind);
      const location = stack.url.replace(/^http/, 'dav');
      home = await runInDesktopSession(SCRIPT, [location, POEMS, POEM, FILM], { GVFS_DISABLE_FUSE: '1' });
    });
    afterAll(async () => {
      await stack?.close();
      if (home) await removeScratch(home);
    });

    const readOutput = (name: string) => readFile(`${home}/${name}`);

    it('mounts and lists', async () => {
      expect((await readOutput('root')).toString().trimEnd().split('\n').toSorted()).toEqual(['备份盘', '资源库']);
      expect((await readOutput('folder')).toString()).toMatch(/^静夜思（李白）\.txt\t103\t\(regular\)/m);
    });

    it('reads files', async () => {
      expect(await readOutput('poem')).toEqual(await readStored(stack.emulator, POEM));
      expect((await readOutput('film')).equals(await readFile(FILM_FILE))).toBe(true);
      const reads = requestLines(stack, { client: 'gvfs', method: 'GET' });
      expect(
        reads.map(({ status }) => status).every((status) => status === 200 || status === 206 || status === 302),
      ).toBe(true);
      expect(new Set(reads.map(({ path }) => path))).toEqual(new Set([POEM, FILM]));
    });

    it('shows the quota', async () => {
      expect((await readOutput('quota')).toString()).toContain(`filesystem::size: ${100 * 2 ** 30}`);
    });
  });
});
