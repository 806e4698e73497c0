import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILM, FILM_FILE, POEM, POEMS, readStored, startDemo } from '../support/demo.ts';
import { runInDesktopSession } from '../support/desktop-session.ts';
import { describeWith } from '../support/programs.ts';
import { requestLines } from '../support/request-lines.ts';
import { removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack } from '../support/stack.ts';

const SCRIPT = `
kioclient5 --noninteractive ls "$1$2" >folder
kioclient5 --noninteractive cat "$1$3" >poem
kioclient5 --noninteractive copy "$1$4" "file://$PWD/film"
`;

describeWith(['kioclient5', 'dbus-run-session', 'timeout'], 'KIO', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let home: string;

    beforeAll(async () => {
      stack = await startDemo(kind);
      const location = stack.url.replace(/^http/, 'webdav');
      home = await runInDesktopSession(SCRIPT, [location, POEMS, POEM, FILM], { QT_QPA_PLATFORM: 'offscreen' });
    });
    afterAll(async () => {
      await stack?.close();
      if (home) await removeScratch(home);
    });

    it('lists', async () => {
      const names = (await readFile(`${home}/folder`, 'utf8')).trimEnd().split('\n');
      expect(names.toSorted()).toEqual(
        expect.arrayContaining(['春晓（孟浩然）.txt', '登鹳雀楼（王之涣）.txt', '静夜思（李白）.txt']),
      );
    });

    it('reads files, by a redirect where links allow it', async () => {
      expect(await readFile(`${home}/poem`)).toEqual(await readStored(stack.emulator, POEM));
      expect((await readFile(`${home}/film`)).equals(await readFile(FILM_FILE))).toBe(true);
      const delivery = kind === 'page' ? 'stream' : 'redirect';
      const reads = requestLines(stack, { client: 'kio', method: 'GET' });
      expect(reads).toMatchObject([
        { path: POEM, delivery },
        { path: FILM, delivery },
      ]);
    });
  });
});
