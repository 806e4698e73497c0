import { readFile, stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePath, FILM, FILM_FILE, POEM, readStored, startDemo } from '../support/demo.ts';
import { describeWith, run } from '../support/programs.ts';
import { LOGIN_KINDS, type Stack } from '../support/stack.ts';

/** Printed after the body: how many redirects were followed, and the last status. */
const SUMMARY = '\n%{num_redirects} %{http_code}';
const DOORS = [
  ['without a password', {}],
  ['with a password', { ALIDAV_USER: 'mimi', ALIDAV_PASSWORD: 'pässwort 1' }],
] as const;

describeWith(['curl'], 'curl', () => {
  describe.each(LOGIN_KINDS.flatMap((kind) => DOORS.map(([door, env]) => [kind, door, env] as const)))(
    'over a login of kind %s, %s',
    (kind, _door, env) => {
      let stack: Stack;
      const login = 'ALIDAV_USER' in env ? ['--user', `${env.ALIDAV_USER}:${env.ALIDAV_PASSWORD}`] : [];
      const redirects = kind === 'page' ? 0 : 1;

      beforeAll(async () => {
        stack = await startDemo(kind, env);
      });
      afterAll(async () => {
        await stack?.close();
      });

      const curl = (path: string, ...args: readonly string[]) =>
        run('curl', ['--silent', '--show-error', ...login, ...args, stack.url + encodePath(path)]);

      it('follows to the file, where links allow a redirect', async () => {
        const { stdout, stderr } = await curl(POEM, '--location', '--write-out', SUMMARY);
        expect(stderr).toBe('');
        expect(stdout).toBe(`${await readStored(stack.emulator, POEM)}\n${redirects} 200`);
      });

      it('resumes and reads ranges', async () => {
        const { stdout } = await curl(POEM, '--location', '--range', '10-29');
        expect(stdout).toBe((await readStored(stack.emulator, POEM, 10, 30)).toString());
      });

      it('is told by HEAD what a GET would bring, and never redirected by it', async () => {
        const { stdout } = await curl(FILM, '--head', '--location', '--write-out', SUMMARY);
        const { length } = await readStored(stack.emulator, FILM);
        expect(stdout).toMatch(/^Accept-Ranges: bytes\r$/m);
        expect(stdout).toContain(`Content-Length: ${length}\r\n`);
        expect(stdout).toMatch(/\n0 200$/);
      });

      if (kind !== 'page') {
        it('is sent to a link that needs no credentials, for as long as it lives', async () => {
          const { stdout } = await curl(POEM, '--include');
          expect(stdout).toMatch(/^HTTP\/1\.1 302 Found\r$/m);
          expect(stdout).toContain('Content-Length: 0\r\n');
          expect(stdout).toContain('Referrer-Policy: no-referrer\r\n');
          expect(stdout).toContain(`Location: ${stack.emulator.storageUrl}/`);
          const maxAge = Number(/^Cache-Control: max-age=(\d+), private\r$/m.exec(stdout)?.[1]);
          const lifeS = kind === 'open' ? 900 : 14_400;
          expect(maxAge).toBeLessThanOrEqual(lifeS - 60);
          expect(maxAge).toBeGreaterThan(lifeS - 120);
        });
      }

      it('uploads a file, and nothing of it where that is refused', async () => {
        const upload = ['--upload-file', FILM_FILE, '--header', 'Expect: 100-continue'];
        const summary = ['--write-out', '\n%{size_upload} %{http_code}'];
        const { size } = await stat(FILM_FILE);
        expect((await curl('/备份盘/neu.bin', ...upload, ...summary)).stdout).toBe(`\n${size} 201`);
        const unlessThere = ['--header', 'If-None-Match: *'];
        expect((await curl('/备份盘/neu.bin', ...upload, ...unlessThere, ...summary)).stdout).toMatch(/\n0 412$/);
        expect(await readStored(stack.emulator, '/备份盘/neu.bin')).toEqual(await readFile(FILM_FILE));
      });

      if (login.length > 0) {
        it('gets in by Digest as well, and not with a wrong password', async () => {
          const digest = await curl(POEM, '--digest', '--location', '--write-out', SUMMARY);
          expect(digest.stdout).toMatch(/ 200$/);
          expect(digest.stdout).toContain('床前明月光');
          for (const args of [
            ['--user', 'mimi:wrong'],
            ['--digest', '--user', 'mimi:wrong'],
          ]) {
            const { stdout } = await curl(POEM, '--location', ...args, '--write-out', SUMMARY);
            expect(stdout).toMatch(/ 401$/);
          }
        });
      }
    },
  );
});
