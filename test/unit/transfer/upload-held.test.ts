import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { HeldFiles, type HeldRecord } from '../../../src/transfer/held-files.ts';
import type { Uploads } from '../../../src/transfer/upload.ts';
import { FakeJournal, FakeProcess, ROOT, sha1 } from './fake-upload-drive.ts';
import { makeBody, makeWorld, requestFor, start, toStream, type World } from './upload-rig.ts';

const NAME = 'a.txt';
const BODY = makeBody(5000);
const EMPTY = sha1(Buffer.alloc(0));

async function startBoth(world: World, journal: FakeJournal<HeldRecord>, process = new FakeProcess()) {
  let uploads: Uploads | undefined;
  const held = new HeldFiles({
    journal: async () => journal.connect(process),
    createEmpty: (target, entry, signal) =>
      uploads?.createEmpty(target, entry, signal) ?? Promise.reject(new Error('too early')),
    onChanged: (change) => process.step('onChanged', () => world.readers.apply(change)),
    claim: async () => () => {},
    isLocked: async () => true,
    now: () => world.now,
    log: pino({ level: 'silent' }),
  });
  const started = await start(world, { process, consumeHeld: (entry, real) => held.consumed(entry, real) });
  uploads = started.uploads;
  onTestFinished(() => held.stop());
  return { held, uploads };
}

function seen(world: World): (string | undefined)[] {
  return world.readers.see(NAME).map(({ contentHash }) => contentHash);
}

type Work = (both: Awaited<ReturnType<typeof startBoth>>, entry: Entry) => Promise<unknown>;

describe('a held file whose process is killed', () => {
  it.each<[string, Work, string]>([
    [
      'while its content comes',
      ({ uploads }, held) => uploads.upload(requestFor(NAME, { sizeBytes: BODY.length, held }), toStream(BODY)),
      sha1(BODY),
    ],
    ['while it is created for good', ({ held }, entry) => held.flush(entry), EMPTY],
  ])('is one file at every step: %s', async (_, work, hash) => {
    for (const isKnown of [false, true]) {
      let kills = 0;
      for (let killAt = 1; ; killAt++) {
        const world = await makeWorld();
        if (isKnown) world.service.known.set(hash, hash === EMPTY ? Buffer.alloc(0) : BODY);
        const journal = new FakeJournal<HeldRecord>();
        const process = new FakeProcess();
        const both = await startBoth(world, journal, process);
        const entry = await both.held.hold({ parent: ROOT, name: NAME, path: `/${NAME}` }, 'put');
        const views: (string | undefined)[][] = [];
        process.onStep = () => views.push(seen(world));
        process.steps.length = 0;
        process.killAt = killAt;
        const killed = new Promise<true>((resolve) => {
          process.onKilled = () => resolve(true);
        });
        const isKilled = await Promise.race([killed, work(both, entry).then(() => false)]);
        if (!isKilled) break;
        kills++;

        world.readers.restart();
        world.now += 60_000;
        const next = await startBoth(world, journal);
        await next.held.load();
        await next.uploads.restoreGuards();
        views.push(seen(world));
        await next.uploads.recover();
        views.push(seen(world));
        for (const view of views) expect([[EMPTY], [hash]]).toContainEqual(view);
        // In the drive or with us, and not in both.
        expect(world.service.named(NAME).length + journal.values.length).toBe(1);
        expect(world.journal.values.filter(({ kind }) => kind === 'upload')).toEqual([]);
        expect(world.readers.guards.size).toBe(0);
      }
      expect(kills).toBeGreaterThan(5);
    }
  });
});
