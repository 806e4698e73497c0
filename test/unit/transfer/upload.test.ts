import { readdir } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import type { DriveErrorCode } from '../../../src/drive/errors.ts';
import { makeLocalEntry } from '../../../src/drive/local-entry.ts';
import { ROOT, sha1 } from './fake-upload-drive.ts';
import { MIB, makeBody, makeWorld, requestFor, settle, start, toStream, until } from './upload-rig.ts';

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

const SMALL = makeBody(100_000);
const LONG = makeBody(20 * MIB);

/** Nothing of an upload that failed is left anywhere. */
async function expectNoTrace(world: Awaited<ReturnType<typeof makeWorld>>): Promise<void> {
  expect(world.service.sessions.size).toBe(0);
  expect(world.journal.values.filter(({ kind }) => kind === 'upload')).toEqual([]);
  expect(world.readers.guards.size).toBe(0);
  expect(await readdir(world.dir)).toEqual([]);
}

describe('an upload', () => {
  it.each([
    ['nothing', 0, 0],
    ['a small body', 100_000, 100_000],
    ['a body of unknown length', 100_000, undefined],
    ['a long body of unknown length', 20 * MIB, undefined],
    ['a long body', 20 * MIB, 20 * MIB],
    ['a long body that fills its last part', 32 * MIB, 32 * MIB],
  ])('brings %s into the drive whole', async (_, size, announced) => {
    const world = await makeWorld();
    const { uploads } = await start(world);
    const body = makeBody(size);
    const entry = await uploads.upload(requestFor('a.bin', { sizeBytes: announced }), toStream(body));
    expect(entry).toMatchObject({ name: 'a.bin', sizeBytes: size, contentHash: sha1(body) });
    expect(world.service.named('a.bin').map(({ bytes }) => sha1(bytes))).toEqual([sha1(body)]);
    expect(world.readers.changes).toEqual([{ removed: [], placed: [entry], origins: [] }]);
    await expectNoTrace(world);
  });

  it.each([
    ['a small new one: create, part, complete', SMALL, false, ['createFile', 'putPart', 'completeUpload']],
    ['a small known one: create', SMALL, true, ['createFile']],
    ['a long one', LONG, false, ['createFile', 'putPart', 'putPart', 'completeUpload']],
  ])('costs few calls: %s', async (_, body, isKnown, calls) => {
    const world = await makeWorld();
    if (isKnown) world.service.known.set(sha1(body), body);
    const { uploads } = await start(world);
    await uploads.upload(requestFor('a.bin', { sizeBytes: body.length }), toStream(body));
    expect(world.service.calls).toEqual(calls);
    expect(world.service.named('a.bin').map(({ bytes }) => sha1(bytes))).toEqual([sha1(body)]);
  });

  it.each([
    ['finished', false, undefined],
    ['instant', true, undefined],
    ['failed', false, 'name-refused'],
  ] as const)('tells that it has begun, and that it %s', async (outcome, isKnown, code) => {
    const world = await makeWorld();
    if (isKnown) world.service.known.set(sha1(SMALL), SMALL);
    if (code) world.service.faults.push({ call: 'createFile', code });
    const told: string[] = [];
    const onUpload = () => {
      told.push('begun');
      return (ended: string) => told.push(ended);
    };
    const { uploads } = await start(world, { onUpload });
    const upload = uploads.upload(requestFor('a', { sizeBytes: SMALL.length }), toStream(SMALL));
    await (code ? expect(upload).rejects.toMatchObject({ code }) : upload);
    expect(told).toEqual(['begun', outcome]);
  });

  it('sends an empty file that the service does not know as one empty part', async () => {
    const world = await makeWorld();
    const { uploads } = await start(world);
    await uploads.upload(requestFor('a', { sizeBytes: 0 }), toStream(Buffer.alloc(0)));
    expect(world.service.partSizes).toEqual([0]);
  });

  describe.each([
    ['the open API', false],
    ['the web API', true],
  ])('over a file, with %s', (_, swaps) => {
    it.each([
      ['small', SMALL, false],
      ['small and known', SMALL, true],
      ['long', LONG, false],
    ])('puts a %s one in its place', async (_size, body, isKnown) => {
      const world = await makeWorld(swaps);
      if (isKnown) world.service.known.set(sha1(body), body);
      const old = world.service.addFile('a', Buffer.from('old'));
      const { uploads } = await start(world);
      const target = { parent: ROOT, name: 'a', replaces: old };
      const entry = await uploads.upload({ target, sizeBytes: body.length, contentHash: undefined }, toStream(body));
      expect(world.service.named('a').map(({ bytes }) => sha1(bytes))).toEqual([sha1(body)]);
      expect(entry.id === old.id).toBe(swaps);
      expect(world.service.files.get(old.id)?.entry.trashed).toBe(!swaps);
      const origins = swaps ? [] : [{ how: 'overwritten', from: old, to: entry }];
      expect(world.readers.changes).toEqual([{ removed: swaps ? [] : [old], placed: [entry], origins }]);
      expect(world.service.count('settleReplaced')).toBe(swaps ? 0 : 1);
      await expectNoTrace(world);
    });
  });

  it('succeeds when the replaced file cannot be cleared away yet, and clears it away later', async () => {
    const world = await makeWorld();
    const old = world.service.addFile('a', Buffer.from('old'));
    world.service.faults.push({ call: 'settleReplaced' });
    const { uploads } = await start(world);
    const target = { parent: ROOT, name: 'a', replaces: old };
    const entry = await uploads.upload({ target, sizeBytes: 3, contentHash: undefined }, toStream(Buffer.from('new')));
    expect(world.service.contentsOf('a')).toEqual(['old', 'new']);
    expect(world.readers.see('a')).toMatchObject([{ contentHash: sha1(Buffer.from('new')) }]);
    await uploads.recover();
    expect(world.service.contentsOf('a')).toEqual(['new']);
    expect(world.readers.changes).toMatchObject([{ removed: [old], placed: [entry] }]);
    await expectNoTrace(world);
  });

  it('replaces what turns out to stand under the name', async () => {
    const world = await makeWorld();
    const unknown = world.service.addFile('a', Buffer.from('unknown'));
    const { uploads } = await start(world);
    const entry = await uploads.upload(requestFor('a', { sizeBytes: 3 }), toStream(Buffer.from('new')));
    expect(world.service.contentsOf('a')).toEqual(['new']);
    expect(world.readers.changes).toMatchObject([{ removed: [unknown], placed: [entry] }]);
    await expectNoTrace(world);
  });

  it.each<[string, Parameters<typeof requestFor>[1], 'file' | 'folder', DriveErrorCode]>([
    ['a file where it must be new', { mustBeNew: true }, 'file', 'already-exists'],
    ['a folder', {}, 'folder', 'is-a-folder'],
  ])('is refused over %s', async (_, overrides, kind, code) => {
    const world = await makeWorld();
    world.service.addFile('a', Buffer.from('unknown'), { kind });
    const { uploads } = await start(world);
    const upload = uploads.upload(requestFor('a', { sizeBytes: 3, ...overrides }), toStream(Buffer.from('new')));
    await expect(upload).rejects.toMatchObject({ code });
    expect(world.service.contentsOf('a')).toEqual(['unknown']);
    await expectNoTrace(world);
  });

  it('takes the place of the empty file that was held for it, in one change', async () => {
    const world = await makeWorld();
    const { uploads } = await start(world);
    const held = makeLocalEntry('held', ROOT, 'a', { kind: 'file', at: 1 });
    world.readers.apply({ removed: [], placed: [held] });
    const seen: unknown[] = [];
    world.service.partDelay = async () => void seen.push(world.readers.see('a'));
    const entry = await uploads.upload(requestFor('a', { sizeBytes: 3, held }), toStream(Buffer.from('new')));
    expect(seen).toEqual([[held]]);
    const origins = [{ how: 'overwritten', from: held, to: entry }];
    expect(world.readers.changes.at(-1)).toEqual({ removed: [held], placed: [entry], origins });
    expect(world.consumed).toEqual([[held, entry]]);
  });

  it.each([
    ['shorter than announced', 99, 'bad-body'],
    ['longer than announced', 101, 'bad-body'],
  ])('refuses a body %s', async (_, length, code) => {
    for (const announced of [100, 20 * MIB + 100]) {
      const world = await makeWorld();
      const { uploads } = await start(world);
      const body = toStream(makeBody(announced - 100 + length));
      await expect(uploads.upload(requestFor('a', { sizeBytes: announced }), body)).rejects.toMatchObject({ code });
      expect(world.service.named('a')).toEqual([]);
      await expectNoTrace(world);
    }
  });

  it.each([
    ['small', SMALL, 'small'],
    ['long', LONG, 'long'],
  ])('refuses a %s body that does not have the announced checksum', async (_, body) => {
    for (const swaps of [false, true]) {
      const world = await makeWorld(swaps);
      const old = world.service.addFile('a', Buffer.from('old'));
      const { uploads } = await start(world);
      const upload = uploads.upload(
        {
          target: { parent: ROOT, name: 'a', replaces: old },
          sizeBytes: body.length,
          contentHash: sha1(Buffer.from('other')),
        },
        toStream(body),
      );
      await expect(upload).rejects.toMatchObject({ code: 'bad-body' });
      expect(world.service.contentsOf('a')).toEqual(['old']);
      await expectNoTrace(world);
    }
  });

  it.each([
    ['small', 50_000, 100_000],
    ['unknown', 5 * MIB, undefined],
    ['long, in its first part', 5 * MIB, 40 * MIB],
    ['long, in its second part', 20 * MIB, 40 * MIB],
  ])('leaves nothing of a body that breaks off: %s', async (_, sent, announced) => {
    const world = await makeWorld();
    const { uploads } = await start(world);
    const body = new PassThrough();
    body.on('error', () => {});
    const upload = uploads.upload(requestFor('a', { sizeBytes: announced }), body);
    upload.catch(() => {});
    toStream(makeBody(sent)).pipe(body, { end: false });
    await settle(300);
    body.destroy(new Error('ECONNRESET'));
    await expect(upload).rejects.toMatchObject({ code: 'aborted' });
    expect(world.service.named('a')).toEqual([]);
    await expectNoTrace(world);
  });

  it('hears the signal while it waits for the body, and leaves the body whole', async () => {
    const world = await makeWorld();
    const { uploads } = await start(world);
    const abort = new AbortController();
    const body = new PassThrough();
    const upload = uploads.upload(requestFor('a', { sizeBytes: 40 * MIB }), body, abort.signal);
    upload.catch(() => {});
    body.write(makeBody(1000));
    await settle();
    abort.abort();
    await expect(upload).rejects.toMatchObject({ code: 'aborted' });
    expect(body.destroyed).toBe(false);
    await expectNoTrace(world);
  });

  it.each([
    ['small', SMALL],
    ['long', LONG],
  ])('goes on without its client once a %s body is whole', async (_, body) => {
    const world = await makeWorld();
    const { uploads } = await start(world);
    const abort = new AbortController();
    let parts = 0;
    world.service.partDelay = async () => {
      parts++;
      if (parts === Math.ceil(body.length / (16 * MIB))) abort.abort();
      await settle(5);
    };
    const upload = uploads.upload(requestFor('a', { sizeBytes: body.length }), toStream(body), abort.signal);
    await expect(upload).resolves.toMatchObject({ contentHash: sha1(body) });
    expect(abort.signal.aborted).toBe(true);
    await expectNoTrace(world);
  });

  it.each<[string, DriveErrorCode, 'before' | 'after', number]>([
    ['no answer', 'unavailable', 'before', 3],
    ['a lost answer', 'unavailable', 'after', 3],
    ['too many calls', 'throttled', 'before', 3],
    ['a part out of order', 'part-out-of-order', 'after', 2],
  ])('sends a part again after %s', async (_, code, when, puts) => {
    const world = await makeWorld();
    world.service.faults.push({ call: 'putPart', code, when });
    const { uploads } = await start(world);
    await uploads.upload(requestFor('a', { sizeBytes: LONG.length }), toStream(LONG));
    expect(world.service.named('a').map(({ bytes }) => sha1(bytes))).toEqual([sha1(LONG)]);
    expect(world.service.count('putPart')).toBe(puts);
    await expectNoTrace(world);
  });

  it('gives up a part that fails for ever, and what was begun with it', async () => {
    const world = await makeWorld();
    for (let tries = 0; tries < 5; tries++) world.service.faults.push({ call: 'putPart' });
    const { uploads } = await start(world);
    const upload = uploads.upload(requestFor('a', { sizeBytes: LONG.length }), toStream(LONG));
    await expect(upload).rejects.toMatchObject({ code: 'unavailable' });
    await expectNoTrace(world);
  });

  it('tries again when the storage host takes nothing any more', async () => {
    const world = await makeWorld();
    world.service.faults.push({ call: 'putPart', how: 'hang' });
    const { uploads } = await start(world, { stallMs: 20 });
    await uploads.upload(requestFor('a', { sizeBytes: 5 }), toStream(Buffer.from('hello')));
    expect(world.service.contentsOf('a')).toEqual(['hello']);
  });

  it.each([
    ['a small body', SMALL, 0, true],
    ['a long body in its first part', LONG, 0, true],
    ['a long body in its second part', LONG, 1, false],
  ])('begins anew when the service forgets the upload of %s, if all is in hand', async (_, body, skip, isSaved) => {
    const world = await makeWorld();
    world.service.faults.push({ call: 'putPart', code: 'upload-session-gone', skip });
    const { uploads } = await start(world);
    const upload = uploads.upload(requestFor('a', { sizeBytes: body.length }), toStream(body));
    if (isSaved) await expect(upload).resolves.toMatchObject({ contentHash: sha1(body) });
    else await expect(upload).rejects.toMatchObject({ code: 'unavailable' });
    expect(world.service.named('a')).toHaveLength(isSaved ? 1 : 0);
  });

  it('sends again what the storage host has lost of a body that is in hand', async () => {
    const world = await makeWorld();
    const { uploads } = await start(world);
    const body = makeBody(50 * MIB);
    world.service.partDelay = async () => {
      const [open] = world.service.sessions.values();
      if (open?.parts.length === 2) open.parts.splice(0);
      world.service.partDelay = open?.parts.length === 0 ? undefined : world.service.partDelay;
    };
    await uploads.upload(requestFor('a'), toStream(body));
    expect(world.service.named('a').map(({ bytes }) => sha1(bytes))).toEqual([sha1(body)]);
  });

  it('finds out what became of a completion without an answer', async () => {
    const world = await makeWorld();
    world.service.faults.push({ call: 'completeUpload', when: 'after' });
    const { uploads } = await start(world);
    await uploads.upload(requestFor('a', { sizeBytes: 5 }), toStream(Buffer.from('hello')));
    expect(world.service.contentsOf('a')).toEqual(['hello']);
    await expectNoTrace(world);
  });

  it('hides what may have been made while nobody knows, and settles it before the next upload of the name', async () => {
    const world = await makeWorld();
    const old = world.service.addFile('a', Buffer.from('old'));
    world.service.known.set(sha1(SMALL), SMALL);
    world.service.faults.push({ call: 'createFile', when: 'after' });
    const { uploads } = await start(world);
    const target = { parent: ROOT, name: 'a', replaces: old };
    const first = uploads.upload({ target, sizeBytes: SMALL.length, contentHash: undefined }, toStream(SMALL));
    await expect(first).rejects.toMatchObject({ code: 'unavailable' });
    expect(world.service.named('a')).toHaveLength(2);
    expect(world.readers.see('a')).toEqual([old]);

    await uploads.upload({ target, sizeBytes: 3, contentHash: undefined }, toStream(Buffer.from('new')));
    expect(world.service.contentsOf('a')).toEqual(['new']);
    expect(world.readers.see('a')).toMatchObject([{ contentHash: sha1(Buffer.from('new')) }]);
    await expectNoTrace(world);
  });

  it('deletes a new file that did not become what was sent', async () => {
    const world = await makeWorld();
    const { uploads } = await start(world);
    world.service.corrupts = true;
    const upload = uploads.upload(requestFor('a', { sizeBytes: SMALL.length }), toStream(SMALL));
    await expect(upload).rejects.toMatchObject({ code: 'content-mismatch' });
    expect(world.service.named('a')).toEqual([]);
    expect(world.service.deletedForGood).toHaveLength(1);
    await expectNoTrace(world);
  });

  it('tells that a replaced file did not become what was sent', async () => {
    const world = await makeWorld(true);
    const old = world.service.addFile('a', Buffer.from('old'));
    world.service.corrupts = true;
    const { uploads } = await start(world);
    const target = { parent: ROOT, name: 'a', replaces: old };
    const upload = uploads.upload({ target, sizeBytes: 3, contentHash: undefined }, toStream(Buffer.from('new')));
    await expect(upload).rejects.toMatchObject({ code: 'content-mismatch' });
    expect(world.service.named('a').map(({ entry }) => entry)).toEqual([world.readers.changes.at(-1)?.placed[0]]);
    await expectNoTrace(world);
  });

  it.each<[DriveErrorCode]>([['quota-exhausted'], ['too-large'], ['name-refused'], ['throttled']])(
    'passes on that the service refuses with %s, and leaves nothing',
    async (code) => {
      const world = await makeWorld();
      world.service.faults.push({ call: 'createFile', code });
      const { uploads } = await start(world);
      const upload = uploads.upload(requestFor('a', { sizeBytes: SMALL.length }), toStream(SMALL));
      await expect(upload).rejects.toMatchObject({ code });
      await expectNoTrace(world);
    },
  );

  it('begins nothing that it cannot record', async () => {
    const world = await makeWorld();
    world.journal.failure = new Error('MDB_MAP_FULL');
    const { uploads } = await start(world);
    const upload = uploads.upload(requestFor('a', { sizeBytes: SMALL.length }), toStream(SMALL));
    await expect(upload).rejects.toMatchObject({ code: 'spool-full' });
    expect(world.service.calls).toEqual([]);
  });
});

describe('an upload with an announced checksum', () => {
  it('is instant when the service has the content', async () => {
    for (const replacing of [false, true]) {
      const world = await makeWorld();
      world.service.known.set(sha1(LONG), LONG);
      const old = replacing ? world.service.addFile('a', Buffer.from('old')) : undefined;
      const { uploads } = await start(world);
      await uploads.upload(
        { target: { parent: ROOT, name: 'a', replaces: old }, sizeBytes: LONG.length, contentHash: sha1(LONG) },
        toStream(LONG),
      );
      expect(world.service.calls).toEqual(['createFile', 'createFile', ...(replacing ? ['settleReplaced'] : [])]);
      expect(world.service.named('a').map(({ bytes }) => sha1(bytes))).toEqual([sha1(LONG)]);
      await expectNoTrace(world);
    }
  });

  it('streams through when the service does not know its beginning', async () => {
    const world = await makeWorld();
    const { uploads } = await start(world);
    await uploads.upload(requestFor('a', { sizeBytes: LONG.length, contentHash: sha1(LONG) }), toStream(LONG));
    expect(world.service.calls).toEqual(['createFile', 'putPart', 'putPart', 'completeUpload']);
  });

  it('is sent like any other after a false hit', async () => {
    const world = await makeWorld();
    const other = Buffer.from(LONG);
    other.fill(0, 2000);
    world.service.known.set(sha1(other), other);
    const { uploads } = await start(world);
    await uploads.upload(
      requestFor('a', { sizeBytes: LONG.length, contentHash: sha1(LONG).toLowerCase() }),
      toStream(LONG),
    );
    expect(world.service.named('a').map(({ bytes }) => sha1(bytes))).toEqual([sha1(LONG)]);
    await expectNoTrace(world);
  });

  it('streams through when there is no room to wait for the whole', async () => {
    const world = await makeWorld();
    world.service.known.set(sha1(LONG), LONG);
    const { uploads } = await start(world, { spoolBytes: 10 * MIB });
    await uploads.upload(requestFor('a', { sizeBytes: LONG.length, contentHash: sha1(LONG) }), toStream(LONG));
    expect(world.service.calls).toEqual(['createFile', 'createFile', 'putPart', 'putPart', 'completeUpload']);
  });

  it('makes nothing visible of a false announcement of known content', async () => {
    const world = await makeWorld();
    const known = Buffer.from(LONG);
    known.fill(0, 2000);
    world.service.known.set(sha1(known), known);
    const { uploads } = await start(world);
    const upload = uploads.upload(
      requestFor('a', { sizeBytes: LONG.length, contentHash: sha1(known) }),
      toStream(LONG),
    );
    await expect(upload).rejects.toMatchObject({ code: 'bad-body' });
    expect(world.service.named('a')).toEqual([]);
    await expectNoTrace(world);
  });
});

describe('bodies together', () => {
  it('share one memory, and the disk where it does not do', async () => {
    const world = await makeWorld();
    const memoryBytes = 16 * MIB;
    const { uploads, blobs } = await start(world, { memoryBytes });
    let peakDisk = 0;
    world.service.partDelay = async () => {
      await settle(20);
      peakDisk = Math.max(peakDisk, blobs.usedBytes);
    };
    const allocated = vi.spyOn(Buffer, 'allocUnsafeSlow');
    const bodies = Array.from({ length: 10 }, (_, index) => makeBody(20 * MIB, index + 1));
    await Promise.all(
      bodies.map((body, index) => uploads.upload(requestFor(`${index}`, { sizeBytes: body.length }), toStream(body))),
    );
    const slabs = allocated.mock.calls.filter(([size]) => size === 256 * 1024).length;
    allocated.mockRestore();
    for (const [index, body] of bodies.entries()) {
      expect(world.service.named(`${index}`).map(({ bytes }) => sha1(bytes))).toEqual([sha1(body)]);
    }
    expect(slabs).toBeLessThanOrEqual(memoryBytes / (256 * 1024));
    expect(peakDisk).toBeGreaterThan(0);
    expect(peakDisk).toBeLessThanOrEqual(10 * 2 * 16 * MIB);
    expect(world.service.partSizes.every((size) => size <= 8 * MIB)).toBe(true);
    await expectNoTrace(world);
  });

  it('need no memory at all', async () => {
    const world = await makeWorld();
    const { uploads } = await start(world, { memoryBytes: 0 });
    const upload = (name: string, body: Buffer) =>
      uploads.upload(requestFor(name, { sizeBytes: body.length }), toStream(body));
    await Promise.all([upload('a', SMALL), upload('b', LONG)]);
    expect(world.service.named('b').map(({ bytes }) => sha1(bytes))).toEqual([sha1(LONG)]);
    await expectNoTrace(world);
  });

  it.each([
    ['of unknown length', undefined, 64 * MIB],
    ['without memory', 20 * MIB, 0],
  ])('%s are refused when the disk is full, and leave it as it was', async (_, sizeBytes, memoryBytes) => {
    const world = await makeWorld();
    const { uploads } = await start(world, { memoryBytes, spoolBytes: MIB / 2 });
    const body = toStream(LONG);
    await expect(uploads.upload(requestFor('a', { sizeBytes }), body)).rejects.toMatchObject({ code: 'spool-full' });
    expect(body.destroyed).toBe(false);
    await expectNoTrace(world);
  });

  it('are received no faster than they are sent', async () => {
    const world = await makeWorld();
    const { uploads } = await start(world);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.service.partDelay = () => held;
    const body = toStream(makeBody(100 * MIB), MIB);
    const upload = uploads.upload(requestFor('a', { sizeBytes: 100 * MIB }), body);
    let got = 0;
    body.on('readable', () => {});
    await until(() => world.service.count('putPart') === 1);
    await settle(500);
    got = (body as unknown as { _readableState: { length: number } })._readableState.length;
    expect(got).toBeGreaterThan(0);
    expect(world.service.count('putPart')).toBe(1);
    release();
    await upload;
  });
});
