import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from 'vitest';
import { fileContent } from '../../src/emulator/store/content.ts';
import { startDaemon } from '../support/daemon.ts';
import { isMounted, unmount } from '../support/mounts.ts';
import { Player } from '../support/player.ts';
import { LINK_IN_LOG, makePrivateLink } from '../support/private-link.ts';
import { describeWith, run } from '../support/programs.ts';
import { rcloneEnv } from '../support/rclone.ts';
import { requestLines } from '../support/request-lines.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { type Stack, startStack } from '../support/stack.ts';

vi.setConfig({ testTimeout: 120_000 });

type Finish = TestContext['onTestFinished'];

const CONNECTION_BYTES_PER_SECOND = 500_000;
const LATENCY_MS = 40;
/** More than one connection brings, and less than three. */
const FAST = { bytesPerSecond: 800_000, noise: 60 };
/** Less than one connection brings. */
const SLOW = { bytesPerSecond: 300_000, noise: 8 };
const NAME = 'film.mkv';
/** Each is far from what was read before it. */
const SEEKS = [70, 30, 85];
/** From the command until the film goes on for good: several times what is usual, for machines that have other things to do. */
const RESUMED_WITHIN_MS = 10_000;
const PASSWORD = { ALIDAV_USER: 'mimi', ALIDAV_PASSWORD: 'secret' };

/** Makes a film of a hundred seconds, each of them as many bytes and readable from its beginning. */
async function makeFilm(path: string, { bytesPerSecond, noise }: typeof FAST): Promise<void> {
  const scene = `${path}.scene.mkv`;
  const picture = `testsrc2=size=640x360:rate=25:duration=10,noise=alls=${noise}:allf=t`;
  const sound = 'sine=sample_rate=48000:duration=10';
  const rate = `${(bytesPerSecond * 8) / 1000 - 128}k`;
  const codecs = ['-c:v', 'mpeg4', '-g', '25', '-bf', '0', '-c:a', 'aac', '-b:a', '128k'];
  const constant = ['-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', '2000k'];
  const quiet = ['-v', 'quiet'];
  await ffmpeg(...quiet, '-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', sound, ...codecs, ...constant, scene);
  await ffmpeg(...quiet, '-stream_loop', '9', '-i', scene, '-c', 'copy', '-cluster_time_limit', '1000', path);
}

async function ffmpeg(...args: readonly string[]): Promise<void> {
  expect((await run('ffmpeg', args)).code).toBe(0);
}

/** An account with the film at the top of its drive, as slow as the service is for ordinary ones. */
async function startWith(film: string, env: Readonly<Record<string, string>>, finish: Finish): Promise<Stack> {
  const stack = await startStack({ kind: 'open', emulator: { limits: 'real' }, env });
  finish(() => stack.close());
  const { store, drives, settings } = stack.emulator;
  // Digests of so many bytes would keep the emulator from all else for a second.
  store.addFile(store.root(drives.backup), NAME, { ...fileContent(film), digests: () => undefined });
  settings.bytesPerSecond = CONNECTION_BYTES_PER_SECOND;
  settings.storageLatencyMs = LATENCY_MS;
  settings.latencyMs = LATENCY_MS;
  return stack;
}

async function mountWithRclone(stack: Stack, folder: string, finish: Finish): Promise<string> {
  const mount = `${folder}/mount`;
  await mkdir(mount);
  const flags = ['--read-only', '--cache-dir', `${folder}/cache`];
  const daemon = startDaemon('rclone', ['mount', 'drive:', mount, ...flags], rcloneEnv(stack));
  finish(async () => {
    await unmount(mount);
    await daemon.stop();
  });
  await vi.waitFor(async () => expect(await isMounted(mount)).toBe(true), { timeout: 30_000, interval: 100 });
  return mount;
}

async function expectPlays(film: string, folder: string, finish: Finish): Promise<void> {
  const player = await Player.start(folder);
  finish(() => player.stop());
  for (const percent of [undefined, ...SEEKS]) {
    const playback = await (percent === undefined ? player.open(film) : player.seek(percent));
    const where = `${percent === undefined ? 'opened' : `sought to ${percent} %`}: ${JSON.stringify(playback)}`;
    expect(playback.resumedMs, where).toBeLessThan(RESUMED_WITHIN_MS);
    expect([playback.waits, playback.waitedMs], where).toEqual([0, 0]);
    expect(playback.speed, where).toBeGreaterThan(0.9);
  }
}

/** @returns the most bodies that were open at a time */
function expectWithinLimits({ emulator: { calls } }: Stack): number {
  const { bodies, overLimit } = calls.snapshot();
  expect({ refused: bodies.refused, overLimit }).toEqual({ refused: 0, overLimit: 0 });
  return bodies.peakCounted;
}

describeWith(['mpv', 'ffmpeg'], 'mpv, where a connection brings 500 KB a second', () => {
  let scratch: string;

  beforeAll(async () => {
    scratch = await makeScratch();
    await Promise.all([makeFilm(`${scratch}/fast.mkv`, FAST), makeFilm(`${scratch}/slow.mkv`, SLOW)]);
  });
  afterAll(() => removeScratch(scratch));

  async function makeFolder(name: string): Promise<string> {
    const folder = `${scratch}/${name}`;
    await mkdir(folder);
    return folder;
  }

  describe.concurrent('plays and seeks without a stall', () => {
    describeWith(['rclone', 'fusermount3'], 'in an rclone mount', () => {
      it('a film that needs more than one connection', async ({ onTestFinished: finish }) => {
        const stack = await startWith(`${scratch}/fast.mkv`, {}, finish);
        const folder = await makeFolder('mount');
        const mount = await mountWithRclone(stack, folder, finish);
        await expectPlays(`${mount}/${NAME}`, folder, finish);
        expect(expectWithinLimits(stack)).toBe(3);
      });
    });

    it('with a password, a film that needs more than one connection', async ({ onTestFinished: finish }) => {
      const stack = await startWith(`${scratch}/fast.mkv`, PASSWORD, finish);
      await expectPlays(`${stack.url.replace('//', '//mimi:secret@')}/${NAME}`, await makeFolder('password'), finish);
      expect(expectWithinLimits(stack)).toBe(3);
      const reads = requestLines(stack, { client: 'ffmpeg', method: 'GET' }).filter(({ status }) => status !== 401);
      expect(new Set(reads.map(({ delivery }) => delivery))).toEqual(new Set(['stream']));
    });

    it('by a private link, a film that needs no more than one', async ({ onTestFinished: finish }) => {
      const stack = await startWith(`${scratch}/slow.mkv`, PASSWORD, finish);
      const link = await makePrivateLink(stack);
      await expectPlays(`${stack.url}${link}/${NAME}`, await makeFolder('link'), finish);
      expect(expectWithinLimits(stack)).toBeLessThanOrEqual(3);
      const reads = requestLines(stack, { client: 'ffmpeg', method: 'GET', path: `${LINK_IN_LOG}/${NAME}` });
      expect(reads.some(({ delivery }) => delivery === 'redirect')).toBe(true);
    });
  });
});
