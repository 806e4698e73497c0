import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { FakeProcess, ROOT, sha1 } from './fake-upload-drive.ts';
import {
  MIB,
  makeBody,
  makeWorld,
  requestFor,
  restart,
  settle,
  start,
  toStream,
  until,
  type World,
} from './upload-rig.ts';

vi.mock('node:timers/promises', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:timers/promises')>();
  return {
    ...original,
    setTimeout: async (_ms: number, _value: unknown, { signal }: { signal: AbortSignal }) => {
      await original.setImmediate();
      signal.throwIfAborted();
    },
  };
});

const NAME = 'a.bin';
const OLD = makeBody(5000, 7);
const SMALL = makeBody(30_000);
const SPOOLED = makeBody(1.5 * MIB);
const LONG = makeBody(9 * MIB);
/** So little that a body of nine MiB goes through in parts. */
const memoryBytes = 24 * MIB;

interface Scenario {
  readonly body: Buffer;
  readonly isLengthKnown: boolean;
  readonly isAnnounced?: boolean;
  readonly isKnown?: boolean;
}

const SCENARIOS: readonly [string, Scenario][] = [
  ['a small body', { body: SMALL, isLengthKnown: true }],
  ['a small known body', { body: SMALL, isLengthKnown: true, isKnown: true }],
  ['an empty body', { body: Buffer.alloc(0), isLengthKnown: true }],
  ['a spooled body', { body: SPOOLED, isLengthKnown: false }],
  ['a spooled known body', { body: SPOOLED, isLengthKnown: false, isKnown: true }],
  ['a long body', { body: LONG, isLengthKnown: true }],
  ['a long known body', { body: LONG, isLengthKnown: true, isAnnounced: true, isKnown: true }],
];

/** Uploads until the process dies at its `killAt`th step; false when it came to its end before. */
async function uploadUntilKilled(world: World, scenario: Scenario, hasOld: boolean, killAt: number): Promise<boolean> {
  const { body, isLengthKnown, isAnnounced, isKnown } = scenario;
  if (isKnown) world.service.known.set(sha1(body), body);
  const replaces = hasOld ? world.service.addFile(NAME, OLD) : undefined;
  const process = new FakeProcess();
  const killed = new Promise<true>((resolve) => {
    process.onKilled = () => resolve(true);
  });
  process.killAt = killAt;
  let violation: unknown;
  process.onStep = () => {
    try {
      expectOldOrNew(world.readers.see(NAME), body, hasOld);
    } catch (error) {
      violation ??= new Error(`after ${process.steps.join(', ')}`, { cause: error });
    }
  };
  const { uploads } = await start(world, { process, memoryBytes });
  const upload = uploads.upload(
    {
      target: { parent: ROOT, name: NAME, replaces },
      sizeBytes: isLengthKnown ? body.length : undefined,
      contentHash: isAnnounced ? sha1(body) : undefined,
    },
    toStream(body),
  );
  const isKilled = await Promise.race([killed, upload.then(() => false)]);
  if (violation) throw violation;
  return isKilled;
}

function expectOldOrNew(seen: readonly Entry[], body: Buffer, hasOld: boolean): void {
  const hashes = seen.map(({ contentHash }) => contentHash);
  const good = [[sha1(body)], hasOld ? [sha1(OLD)] : []];
  if (!good.some((one) => JSON.stringify(one) === JSON.stringify(hashes))) {
    throw new Error(`Readers see ${hashes.length} files.`);
  }
}

describe.each([
  ['the open API', false],
  ['the web API', true],
])('with %s, an upload that is killed at any step', (_api, swaps) => {
  describe.each([
    ['of a new name', false],
    ['over a file', true],
  ])('%s', (_what, hasOld) => {
    it.each(SCENARIOS)('leaves one whole file and nothing else: %s', async (_name, scenario) => {
      let kills = 0;
      for (let killAt = 1; ; killAt++) {
        const world = await makeWorld(swaps);
        if (!(await uploadUntilKilled(world, scenario, hasOld, killAt))) break;
        kills++;
        const sessionsOnRecord = JSON.stringify(world.journal.values);
        const { uploads } = await restart(world, { memoryBytes });
        expectOldOrNew(world.readers.see(NAME), scenario.body, hasOld);
        await uploads.recover();

        const standing = world.service.named(NAME).map(({ entry }) => entry);
        expectOldOrNew(standing, scenario.body, hasOld);
        expect(world.readers.see(NAME)).toEqual(standing);
        // What the service began without our knowledge is invisible, and its own to forget.
        const left = [...world.service.sessions.keys()].filter((uploadId) =>
          sessionsOnRecord.includes(`"${uploadId}"`),
        );
        expect(left).toEqual([]);
        expect(world.journal.values.filter(({ kind }) => kind === 'upload')).toEqual([]);
        expect(world.readers.guards.size).toBe(0);
        expect(await readdir(world.dir)).toEqual([]);
        expect(world.claims).toEqual([]);
      }
      expect(kills).toBeGreaterThan(3);
    });
  });
});

/** Uploads until the storage host hangs at a part, then stops the process. */
async function stopAtPart(world: World, body: Buffer, sizeBytes: number | undefined, skip: number): Promise<void> {
  world.service.faults.push({ call: 'putPart', how: 'hang', skip });
  const { uploads } = await start(world, { memoryBytes });
  const upload = uploads.upload(requestFor(NAME, { sizeBytes }), toStream(body));
  upload.catch(() => {});
  await until(() => world.service.count('putPart') === skip + 1);
  await settle();
  await uploads.stop(10);
  await expect(upload).rejects.toMatchObject({ code: 'unavailable' });
}

describe('a process that is told to stop', () => {
  it.each([
    ['a small body', SMALL, SMALL.length, 0],
    ['a spooled body', SPOOLED, undefined, 0],
    ['the last part of a long body', LONG, LONG.length, 2],
    ['the last two parts of a long body', LONG, LONG.length, 1],
  ])('leaves %s to the next one', async (_, body, sizeBytes, skip) => {
    const world = await makeWorld();
    await stopAtPart(world, body, sizeBytes, skip);
    const { uploads } = await restart(world);
    await uploads.recover();
    expect(world.service.named(NAME).map(({ bytes }) => sha1(bytes))).toEqual([sha1(body)]);
    expect(world.readers.see(NAME)).toHaveLength(1);
    expect(await readdir(world.dir)).toEqual([]);
    expect(world.service.sessions.size).toBe(0);
  });

  it('lets uploads that can end do so, and takes no new ones', async () => {
    const world = await makeWorld();
    world.service.partDelay = () => settle(20);
    const { uploads } = await start(world);
    const upload = uploads.upload(requestFor(NAME, { sizeBytes: SMALL.length }), toStream(SMALL));
    await settle(5);
    const stopped = uploads.stop(10_000);
    const late = uploads.upload(requestFor('b', { sizeBytes: 0 }), toStream(Buffer.alloc(0)));
    await expect(late).rejects.toMatchObject({ code: 'unavailable' });
    await expect(upload).resolves.toMatchObject({ name: NAME });
    await stopped;
    expect(world.journal.values.filter(({ kind }) => kind === 'upload')).toEqual([]);
  });
});

describe('recovery', () => {
  it.each<[string, boolean, (world: World) => void]>([
    ['was written elsewhere', false, (world) => world.service.addFile(NAME, Buffer.from('elsewhere'))],
    [
      'was changed elsewhere',
      true,
      (world) => {
        const [standing] = world.service.named(NAME);
        world.service.trash(standing?.entry.id ?? '');
        world.service.addFile(NAME, Buffer.from('elsewhere'));
      },
    ],
  ])('gives its body up when the name %s meanwhile', async (_, hasOld, change) => {
    const world = await makeWorld();
    const replaces = hasOld ? world.service.addFile(NAME, OLD) : undefined;
    world.service.faults.push({ call: 'putPart', how: 'hang' });
    const { uploads } = await start(world);
    const target = { parent: ROOT, name: NAME, replaces };
    const upload = uploads.upload({ target, sizeBytes: SMALL.length, contentHash: undefined }, toStream(SMALL));
    upload.catch(() => {});
    await until(() => world.service.count('putPart') === 1);
    await uploads.stop(0);
    change(world);
    const next = await restart(world);
    await next.uploads.recover();
    expect(world.service.contentsOf(NAME)).toEqual(['elsewhere']);
    expect(world.service.sessions.size).toBe(0);
    expect(await readdir(world.dir)).toEqual([]);
  });

  it('goes on by itself when the service was away', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const world = await makeWorld();
      await uploadUntilKilled(world, { body: SPOOLED, isLengthKnown: false }, true, 5);
      const { uploads } = await restart(world);
      for (let away = 0; away < 3; away++) {
        for (const call of ['fetchEntry', 'listFresh', 'createFile']) world.service.faults.push({ call });
      }
      await uploads.recover();
      expect(world.readers.see(NAME)).toHaveLength(1);
      for (let round = 0; round < 10; round++) {
        await vi.advanceTimersByTimeAsync(300_000);
        await settle(500);
      }
      expect(world.journal.values.filter(({ kind }) => kind === 'upload')).toEqual([]);
      expectOldOrNew(
        world.service.named(NAME).map(({ entry }) => entry),
        SPOOLED,
        true,
      );
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([
    ['to other calls while nobody waits for it', false],
    ['to nobody when the name is wanted', true],
  ])('gives way %s', async (_what, isWanted) => {
    const world = await makeWorld();
    await stopAtPart(world, SMALL, SMALL.length, 0);
    const { uploads } = await restart(world, { memoryBytes });
    const { calls, backgroundCalls } = world.service;
    const before = calls.length;
    if (isWanted) await uploads.upload(requestFor(NAME, { sizeBytes: OLD.length }), toStream(OLD));
    else await uploads.recover();
    expect(calls.slice(before)).toContain('completeUpload');
    // Bytes go to the storage host, where nobody waits for a turn.
    expect(backgroundCalls).toEqual(isWanted ? [] : calls.slice(before).filter((call) => call !== 'putPart'));
  });

  it('waits before it believes that nothing was made beside another file, for a listing may lag', async () => {
    const world = await makeWorld();
    const old = world.service.addFile(NAME, Buffer.from('old'));
    world.service.known.set(sha1(SMALL), SMALL);
    world.service.faults.push({ call: 'createFile', when: 'after' });
    const { uploads } = await start(world);
    const target = { parent: ROOT, name: NAME, replaces: old };
    const upload = uploads.upload({ target, sizeBytes: SMALL.length, contentHash: undefined }, toStream(SMALL));
    await expect(upload).rejects.toMatchObject({ code: 'unavailable' });
    const made = world.service.named(NAME).find(({ entry }) => entry.id !== old.id);
    if (!made) throw new Error('nothing was made');
    world.service.files.delete(made.entry.id);
    await uploads.recover();
    expect(world.readers.guards.size).toBe(1);
    world.service.files.set(made.entry.id, made);
    await uploads.recover();
    expect(world.readers.see(NAME)).toMatchObject([{ id: made.entry.id }]);
    expect(world.readers.guards.size).toBe(0);
  });

  it.each(['forbidden', 'drive-locked', 'task-failed', 'unavailable'] as const)(
    'never takes back a file that was told of, though what it replaced may not go (%s)',
    async (code) => {
      const world = await makeWorld();
      const old = world.service.addFile(NAME, OLD);
      for (let times = 0; times < 4; times++) world.service.faults.push({ call: 'settleReplaced', code });
      const { uploads } = await start(world);
      const target = { parent: ROOT, name: NAME, replaces: old };
      const made = await uploads.upload({ ...requestFor(NAME), target }, toStream(SMALL));
      for (let round = 0; round < 2; round++) await uploads.recover();
      expect(world.readers.see(NAME)).toEqual([made]);
      expect(world.journal.values).toHaveLength(1);
      const next = await restart(world);
      await next.uploads.recover();
      expect(world.readers.see(NAME)).toMatchObject([{ id: made.id }]);
      await next.uploads.recover();
      expect(world.service.named(NAME).map(({ entry }) => entry.id)).toEqual([made.id]);
      expect([world.service.deletedForGood, world.journal.values]).toEqual([[], []]);
    },
  );

  it('leaves what it replaced to whoever has moved it away since', async () => {
    const world = await makeWorld();
    const old = world.service.addFile(NAME, OLD);
    world.service.faults.push({ call: 'settleReplaced' });
    const { uploads } = await start(world);
    await uploads.upload({ ...requestFor(NAME), target: { parent: ROOT, name: NAME, replaces: old } }, toStream(SMALL));
    const stored = world.service.files.get(old.id);
    if (stored) stored.entry = { ...old, name: 'kept.bin' };
    await uploads.recover();
    expect(world.service.contentsOf('kept.bin')).toHaveLength(1);
    expect(world.journal.values).toEqual([]);
  });

  it('takes the word of a refusal for nothing where the answer before was lost', async () => {
    const world = await makeWorld();
    const old = world.service.addFile(NAME, OLD);
    world.service.faults.push({ call: 'completeUpload', when: 'after' });
    world.service.faults.push({ call: 'completeUpload', code: 'forbidden' });
    const { uploads } = await start(world);
    const target = { parent: ROOT, name: NAME, replaces: old };
    const upload = uploads.upload({ ...requestFor(NAME), target }, toStream(SMALL));
    await expect(upload).rejects.toMatchObject({ code: 'forbidden' });
    expect(world.readers.see(NAME)).toMatchObject([{ id: old.id }]);
    await uploads.recover();
    expect(world.readers.see(NAME)).toMatchObject([{ contentHash: sha1(SMALL) }]);
    expect(world.service.named(NAME)).toHaveLength(1);
  });

  it('counts the time that a listing may lag from the last question, not from the first byte', async () => {
    const world = await makeWorld();
    const old = world.service.addFile(NAME, OLD);
    world.service.known.set(sha1(SMALL), SMALL);
    world.service.faults.push({ call: 'createFile', when: 'after' });
    world.service.listsNothing = true;
    const { uploads } = await start(world);
    const slow = Readable.from(
      (async function* () {
        yield SMALL.subarray(0, 1000);
        world.now += 60_000;
        yield SMALL.subarray(1000);
      })(),
      { objectMode: false },
    );
    const upload = uploads.upload({ ...requestFor(NAME), target: { parent: ROOT, name: NAME, replaces: old } }, slow);
    await expect(upload).rejects.toMatchObject({ code: 'unavailable' });
    await uploads.recover();
    expect(world.readers.see(NAME)).toMatchObject([{ id: old.id }]);
    world.service.listsNothing = false;
    await uploads.recover();
    expect(world.readers.see(NAME)).toMatchObject([{ contentHash: sha1(SMALL) }]);
  });

  it('is done at once for whoever wants the name and holds it', async () => {
    const world = await makeWorld();
    const old = world.service.addFile(NAME, OLD);
    for (const when of ['after', 'before', 'before'] as const)
      world.service.faults.push({ call: 'completeUpload', when });
    const { uploads } = await start(world);
    const target = { parent: ROOT, name: NAME, replaces: old };
    await expect(uploads.upload({ ...requestFor(NAME), target }, toStream(SMALL))).rejects.toMatchObject({
      code: 'unavailable',
    });
    world.service.faults.push({ call: 'fetchEntry' });
    await expect(uploads.settleAt([{ folder: ROOT, name: NAME }])).rejects.toMatchObject({ code: 'unavailable' });
    await uploads.settleAt([{ folder: ROOT, name: 'another' }]);
    expect(world.readers.see(NAME)).toMatchObject([{ id: old.id }]);
    await uploads.settleAt([{ folder: ROOT, name: NAME }]);
    expect(world.readers.see(NAME)).toMatchObject([{ contentHash: sha1(SMALL) }]);
    expect(world.journal.values).toEqual([]);
  });

  it.each([
    ['of a new file', false],
    ['of a file that was not received well', true],
  ])('lets go of a name though the drive does not let go of what is left %s', async (_, isMade) => {
    const world = await makeWorld();
    const call = isMade ? 'deleteForGood' : 'abandonUpload';
    for (let times = 0; times < 2; times++) world.service.faults.push({ call, code: 'forbidden' });
    if (isMade) world.service.corrupts = true;
    else world.service.faults.push({ call: 'completeUpload', code: 'name-refused' });
    const { uploads } = await start(world);
    const upload = uploads.upload(requestFor(NAME, { sizeBytes: SMALL.length }), toStream(SMALL));
    await expect(upload).rejects.toMatchObject({ code: isMade ? 'content-mismatch' : 'name-refused' });
    world.service.corrupts = false;
    expect(world.readers.guards.size).toBe(0);
    await uploads.upload(requestFor(NAME, { sizeBytes: SMALL.length }), toStream(SMALL));
    expect(world.readers.see(NAME)).toMatchObject([{ contentHash: sha1(SMALL) }]);
    expect(world.journal.values).toEqual([]);
  });

  it.each([
    ['nothing was made', false],
    ['a file was made', true],
  ])('asks for a free name itself at once, and finds that %s', async (_what, wasMade) => {
    const world = await makeWorld();
    world.service.known.set(sha1(SMALL), SMALL);
    world.service.faults.push({ call: 'createFile', when: wasMade ? 'after' : 'before' });
    const { uploads } = await start(world);
    const upload = uploads.upload(requestFor(NAME, { sizeBytes: SMALL.length }), toStream(SMALL));
    await expect(upload).rejects.toMatchObject({ code: 'unavailable' });
    // A listing that lags.
    world.service.listsNothing = true;
    await uploads.recover();
    expect(world.readers.see(NAME)).toHaveLength(wasMade ? 1 : 0);
    expect(world.service.sessions.size).toBe(0);
    expect(world.readers.guards.size).toBe(0);
  });

  it('sees at once that nothing was made in place of a file that still stands, where the service swaps', async () => {
    const world = await makeWorld(true);
    const old = world.service.addFile(NAME, Buffer.from('old'));
    world.service.known.set(sha1(SMALL), SMALL);
    world.service.faults.push({ call: 'createFile', when: 'before' });
    const { uploads } = await start(world);
    const target = { parent: ROOT, name: NAME, replaces: old };
    const upload = uploads.upload({ target, sizeBytes: SMALL.length, contentHash: undefined }, toStream(SMALL));
    await expect(upload).rejects.toMatchObject({ code: 'unavailable' });
    await uploads.recover();
    expect(world.readers.guards.size).toBe(0);
    expect(world.service.contentsOf(NAME)).toEqual(['old']);
  });

  it('does not ask on for all of many when the service is away, and begins with others the next time', async () => {
    const world = await makeWorld();
    const { uploads } = await start(world);
    for (let at = 0; at < 5; at++) {
      world.service.faults.push({ call: 'createFile' });
      const upload = uploads.upload(requestFor(`${at}`, { sizeBytes: SMALL.length }), toStream(SMALL));
      await expect(upload).rejects.toMatchObject({ code: 'unavailable' });
    }
    world.now += 60_000;
    for (let at = 0; at < 3; at++) world.service.faults.push({ call: 'listFresh' });
    await uploads.recover();
    expect(world.service.count('listFresh')).toBe(3);
    await uploads.recover();
    expect(world.readers.guards.size).toBe(0);
  });

  it('leaves the bodies of living processes alone', async () => {
    const world = await makeWorld();
    const { blobs } = await start(world);
    const writer = await blobs.create();
    await writer.write(SMALL);
    const { uploads } = await restart(world);
    await uploads.recover();
    expect(await readdir(world.dir)).toEqual([writer.name]);
    await writer.discard();
  });
});
