import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePath, FILM, POEM, POEMS, startDemo } from '../support/demo.ts';
import { LINK_IN_LOG, makePrivateLink } from '../support/private-link.ts';
import { describeWith, run } from '../support/programs.ts';
import { requestLines } from '../support/request-lines.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack } from '../support/stack.ts';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describeWith(['chromium', 'timeout'], 'Chromium', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let profile: string;

    beforeAll(async () => {
      stack = await startDemo(kind);
      profile = await makeScratch();
    });
    afterAll(async () => {
      await stack?.close();
      if (profile) await removeScratch(profile);
    });

    async function open(path: string, ...actions: readonly string[]): Promise<string> {
      const args = [...FLAGS, `--user-data-dir=${profile}/profile`, ...actions, stack.url + encodePath(path)];
      const { code, stdout } = await run('timeout', ['-k', '5', '50', 'chromium', ...args], { env: { HOME: profile } });
      expect(code).toBe(0);
      return stdout;
    }

    it('shows the root', async () => {
      const page = await open('/', '--dump-dom');
      for (const name of ['备份盘', '资源库']) {
        expect(page).toContain(`<li class="folder"><a href="${encodePath(name)}/">${name}/</a>`);
      }
    });

    it('shows a folder, with a way back', async () => {
      const page = await open(`${POEMS}/`, '--dump-dom');
      expect(page).toMatch(/<a href="[^"]+">静夜思（李白）\.txt<\/a><span>103 B<\/span>/);
      expect(page).toContain('<a href="../">..</a>');
    });

    if (kind !== 'app') {
      it('shows a text as it is, streamed to it', async () => {
        const page = await open(POEM, '--dump-dom');
        expect(page).toContain('床前明月光');
        expect(requestLines(stack, { client: 'browser', path: POEM })).toMatchObject([
          { status: 200, delivery: 'stream' },
        ]);
      });

      it('plays a film, whose end its player asks for as one of us', async () => {
        await open(FILM, '--timeout=4000', `--screenshot=${profile}/film.png`);
        const played = requestLines(stack, { client: 'browser', path: FILM });
        expect(played.map(({ status }) => status)).toContain(206);
        expect(played.map(({ status }) => status)).not.toContain(403);
      });

      it('does so by a private link too, from a folder’s page on', async () => {
        const link = await makePrivateLink(stack, FILM.slice(0, FILM.lastIndexOf('/')));
        const film = FILM.slice(FILM.lastIndexOf('/'));
        const page = await open(link, '--dump-dom');
        expect(page).toMatch(new RegExp(`<a href="${link.split('/').at(-1)}/[^"]+">${film.slice(1, 3)}`));
        await open(link + film, '--timeout=4000', `--screenshot=${profile}/linked.png`);
        const played = requestLines(stack, { client: 'browser', path: LINK_IN_LOG + film });
        expect(played.map(({ status }) => status)).toContain(206);
        expect(played.map(({ status }) => status)).not.toContain(403);
      });
    }
  });
});
