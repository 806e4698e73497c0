import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePath, FILM, startDemo } from '../support/demo.ts';
import { LINK_IN_LOG, makePrivateLink } from '../support/private-link.ts';
import { describeWith, run } from '../support/programs.ts';
import { requestLines } from '../support/request-lines.ts';
import { LOGIN_KINDS, type LoginKind, type Stack } from '../support/stack.ts';

/** Link calls of one film, opened and sought in by one player after the other. */
const LINK_ENDPOINT = {
  page: '/v2/file/get_download_url',
  app: '/v2/file/get_download_url',
  open: '/adrive/v1.0/openFile/getDownloadUrl',
} as const;
const PASSWORD = { ALIDAV_USER: 'mimi', ALIDAV_PASSWORD: 'pässwort 1' };
const DOORS = [
  { door: 'without a password', env: {}, isPrivate: false },
  { door: 'with a password', env: PASSWORD, isPrivate: false },
  { door: 'by a private link past a password', env: PASSWORD, isPrivate: true },
] as const;
type Door = (typeof DOORS)[number];
const COMBINATIONS = LOGIN_KINDS.flatMap((kind) => DOORS.map((door) => ({ kind, ...door })));

/** The film's address: with the credentials that the door asks for, or by a link, where nobody asks. */
async function makeFilmUrl(stack: Stack, { env, isPrivate }: Door): Promise<string> {
  if (isPrivate) return stack.url + (await makePrivateLink(stack)) + encodePath(FILM);
  const url = new URL(stack.url + encodePath(FILM));
  const login: Readonly<Record<string, string>> = env;
  url.username = login.ALIDAV_USER ?? '';
  url.password = login.ALIDAV_PASSWORD ?? '';
  return url.href;
}

/** The index is at the film's end, so a player that shows anything has read from at least two places. */
function expectSeeks(stack: Stack, client: string, kind: LoginKind, isPrivate: boolean): void {
  const path = isPrivate ? LINK_IN_LOG + FILM : FILM;
  const all = requestLines(stack, { client, method: 'GET', path });
  const reads = isPrivate ? all : all.filter(({ status }) => status !== 401);
  expect(reads.length).toBeGreaterThan(0);
  for (const { status, delivery } of reads) {
    expect([200, 206, 302]).toContain(status);
    if (kind === 'page') expect(delivery).toBe('stream');
  }
  if (isPrivate && kind !== 'page') expect(reads.some(({ delivery }) => delivery === 'redirect')).toBe(true);
  const { storage } = stack.emulator.calls.snapshot().endpoints;
  expect(storage?.byStatus[206]).toBeGreaterThanOrEqual(2);
  expect(Object.keys(storage?.byStatus ?? {}).filter((status) => !/^(2|none)/.test(status))).toEqual([]);
}

describe.each(COMBINATIONS)(
  'a film whose index is at its end, over a login of kind $kind, $door',
  ({ kind, ...door }) => {
    let stack: Stack;
    let filmUrl: string;

    beforeAll(async () => {
      stack = await startDemo(kind, door.env);
      filmUrl = await makeFilmUrl(stack, door);
    });
    afterAll(() => stack?.close());

    describeWith(['ffprobe'], 'ffprobe', () => {
      it('reads the packets around the twelfth second', async () => {
        const show = ['-select_streams', 'v:0', '-show_entries', 'format=duration:packet=pts_time', '-of', 'json'];
        const args = ['-v', 'error', '-read_intervals', '12%+1', ...show, filmUrl];
        const { code, stdout, stderr } = await run('ffprobe', args);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        const { format, packets } = JSON.parse(stdout);
        expect(Number(format.duration)).toBeCloseTo(15, 1);
        const times: number[] = packets.map((packet: { pts_time: string }) => Number(packet.pts_time));
        expect(times.some((time) => time > 12 && time < 13)).toBe(true);
        expect(Math.min(...times)).toBeGreaterThan(8);
        expectSeeks(stack, 'ffmpeg', kind, door.isPrivate);
      });
    });

    describeWith(['mpv'], 'mpv', () => {
      it('shows a frame of the tenth second, then of the third', async () => {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: mpv fills it in.
        const tellTime = '--term-playing-msg=at ${=time-pos}';
        const flags = ['--no-config', '--vo=null', '--ao=null', '--frames=1', '--ytdl=no', tellTime];
        for (const start of [10, 3]) {
          const shown = await run('mpv', [...flags, `--start=${start}`, filmUrl]);
          expect(shown.code).toBe(0);
          expect(shown.stdout + shown.stderr).toContain(`at ${start}.0`);
        }
        expectSeeks(stack, 'ffmpeg', kind, door.isPrivate);
      });
    });

    it('cost one link', () => {
      expect(stack.emulator.calls.count(LINK_ENDPOINT[kind])).toBe(1);
    });
  },
);
