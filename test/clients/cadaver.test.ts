import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePath, FILM, FILM_FILE, POEM, POEMS, readStored, startDemo } from '../support/demo.ts';
import { describeWith, run } from '../support/programs.ts';
import { requestLines } from '../support/request-lines.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack } from '../support/stack.ts';

describeWith(['cadaver'], 'cadaver', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let home: string;

    beforeAll(async () => {
      stack = await startDemo(kind, { ALIDAV_USER: 'mimi', ALIDAV_PASSWORD: 'secret' });
      home = await makeScratch();
      await writeFile(`${home}/.netrc`, 'machine 127.0.0.1\nlogin mimi\npassword secret\n', { mode: 0o600 });
    });
    afterAll(async () => {
      await stack?.close();
      if (home) await removeScratch(home);
    });

    function cadaver(folder: string, ...commands: readonly string[]) {
      return run('cadaver', [stack.url + encodePath(folder)], {
        cwd: home,
        env: { HOME: home, LC_ALL: 'C.UTF-8' },
        input: `${commands.join('\n')}\nquit\n`,
      });
    }

    it('lists and changes folders', async () => {
      const { stdout } = await cadaver('/', 'ls', `cd ${POEMS.slice(1)}`, 'ls');
      expect(stdout).toMatch(/^Coll: +备份盘 /m);
      expect(stdout).toMatch(/^Coll: +资源库 /m);
      expect(stdout).toMatch(/^ +静夜思（李白）\.txt +103 +May +7 +2023$/m);
    });

    it('gets files, which are streamed to it since it follows no redirect', async () => {
      const [poem, film] = [POEM, FILM].map((path) => path.slice(1).replaceAll(' ', '\\ '));
      const { stdout } = await cadaver('/', `get ${poem} poem.txt`, `get ${film} film.mp4`);
      expect(stdout.match(/succeeded\.$/gm)).toHaveLength(2);
      expect(await readFile(`${home}/poem.txt`)).toEqual(await readStored(stack.emulator, POEM));
      expect((await readFile(`${home}/film.mp4`)).equals(await readFile(FILM_FILE))).toBe(true);
      const reads = requestLines(stack, { client: 'neon', method: 'GET', status: 200 });
      expect(reads).toMatchObject([{ delivery: 'stream' }, { delivery: 'stream' }]);
    });
  });
});
