import { chmod } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePath, FILM, startDemo } from '../support/demo.ts';
import { LINK_IN_LOG, makePrivateLink } from '../support/private-link.ts';
import { describeWith, type Outcome, run } from '../support/programs.ts';
import { requestLines } from '../support/request-lines.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack } from '../support/stack.ts';

/** VLC refuses to run as root. */
const AS_NOBODY = process.getuid?.() === 0 ? ['runuser', '-u', 'nobody', '--'] : [];
const PLAY = ['-I', 'dummy', '--vout', 'dummy', '--aout', 'dummy', '--no-plugins-cache', '--play-and-exit', '-vv'];

describeWith(['cvlc', 'timeout', 'runuser'], 'VLC', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let home: string;

    beforeAll(async () => {
      stack = await startDemo(kind, { ALIDAV_USER: 'mimi', ALIDAV_PASSWORD: 'secret' });
      home = await makeScratch();
      await chmod(home, 0o777);
    });
    afterAll(async () => {
      await stack?.close();
      if (home) await removeScratch(home);
    });

    function play(url: string): Promise<Outcome> {
      const vlc = [...AS_NOBODY, 'cvlc', ...PLAY, '--start-time=11', '--run-time=2', url];
      const env = { HOME: home, XDG_RUNTIME_DIR: home, LC_ALL: 'C.UTF-8' };
      return run('timeout', ['-k', '5', '40', ...vlc], { env, cwd: home });
    }

    it('plays from the eleventh second', async () => {
      const played = await play((stack.url + encodePath(FILM)).replace('//', '//mimi:secret@'));
      expect(played.code).toBe(0);
      expect(played.stderr).toMatch(/Received first picture/);
      const reads = requestLines(stack, { client: 'vlc', method: 'GET', path: FILM }).filter(
        ({ status }) => status !== 401,
      );
      expect(reads.length).toBeGreaterThan(0);
      // An ordinary application's links live for 15 minutes, too short for a player that never asks for another.
      const delivery = kind === 'app' ? 'redirect' : 'stream';
      expect(new Set(reads.map((read) => read.delivery))).toEqual(new Set([delivery]));
      // From the beginning, the index at the end, and from the eleventh second.
      const { storage } = stack.emulator.calls.snapshot().endpoints;
      expect(storage?.byStatus[206]).toBeGreaterThanOrEqual(3);
      expect(Object.keys(storage?.byStatus ?? {}).filter((status) => !/^(206|none)$/.test(status))).toEqual([]);
    });

    it('plays by a private link', async () => {
      const played = await play(stack.url + (await makePrivateLink(stack)) + encodePath(FILM));
      expect(played.code).toBe(0);
      expect(played.stderr).toMatch(/Received first picture/);
      const reads = requestLines(stack, { client: 'vlc', method: 'GET', path: LINK_IN_LOG + FILM });
      expect(new Set(reads.map((read) => read.delivery))).toEqual(new Set([kind === 'app' ? 'redirect' : 'stream']));
    });
  });
});
