import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathsOf, readOnly } from '../support/drive-view.ts';
import { describeWith, run } from '../support/programs.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';

describeWith(['cadaver'], 'cadaver writes', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let home: string;

    beforeAll(async () => {
      stack = await startStack({ kind, env: { ALIDAV_USER: 'mimi', ALIDAV_PASSWORD: 'secret' } });
      home = await makeScratch();
      await writeFile(`${home}/.netrc`, 'machine 127.0.0.1\nlogin mimi\npassword secret\n', { mode: 0o600 });
      await writeFile(`${home}/a.txt`, 'from cadaver');
    });
    afterAll(async () => {
      await stack?.close();
      if (home) await removeScratch(home);
    });

    const cadaver = (...commands: readonly string[]) =>
      run('cadaver', [`${stack.url}/`], {
        cwd: home,
        env: { HOME: home, LC_ALL: 'C.UTF-8' },
        input: `${commands.join('\n')}\nquit\n`,
      });

    it('puts, copies, moves and deletes', async () => {
      const { stdout } = await cadaver(
        'mkcol dir',
        'put a.txt dir/a.txt',
        'copy dir/a.txt dir/b.txt',
        'move dir/b.txt c.txt',
        'copy dir dir2',
        'delete dir/a.txt',
        'rmcol dir',
      );
      expect(stdout).not.toMatch(/failed|error/i);
      expect(pathsOf(stack)).toEqual(['/c.txt', '/dir2', '/dir2/a.txt']);
      expect((await readOnly(stack, '/c.txt')).toString()).toBe('from cadaver');
    });

    it('locks, writes under its lock, unlocks', async () => {
      const { stdout } = await cadaver(
        'lock c.txt',
        'put a.txt c.txt',
        'discover c.txt',
        'unlock c.txt',
        'discover c.txt',
      );
      expect(stdout).not.toMatch(/failed|error/i);
      expect(stdout.match(/succeeded/g)?.length).toBeGreaterThanOrEqual(3);
      expect(stdout).toMatch(/Lock token/);
      expect(stdout).toMatch(/no locks found/);
    });

    it('sets and reads dead properties', async () => {
      const { stdout } = await cadaver(
        'propset c.txt mood gut',
        'propget c.txt mood',
        'propdel c.txt mood',
        'propnames c.txt',
      );
      expect(stdout).toMatch(/Value of mood is: gut/);
      expect(stdout).not.toMatch(/failed/i);
    });
  });
});
