import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import type { ByteRange } from '../../../src/drive/drive.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import { makeEntry } from './fake-drive.ts';
import { ROOT, sha1 } from './fake-upload-drive.ts';
import { MIB, makeBody, makeWorld, start, toStream } from './upload-rig.ts';

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

const BODY = makeBody(20 * MIB);
const TARGET = { parent: ROOT, name: 'a.bin' };

async function setUp(body: Buffer) {
  const world = await makeWorld();
  const ranges: ByteRange[] = [];
  const { uploads } = await start(world, {
    openReadStream: async (_entry, range) => {
      ranges.push(range);
      return toStream(body.subarray(range.first, range.last + 1));
    },
  });
  const source = makeEntry({ driveId: '2', id: 's', sizeBytes: body.length, contentHash: sha1(body) });
  return { world, uploads, source, ranges };
}

describe('a file of another drive', () => {
  it('costs eight bytes where the service has its content', async () => {
    const { world, uploads, source, ranges } = await setUp(BODY);
    world.service.known.set(sha1(BODY), BODY);
    const entry = await uploads.relay(source, TARGET);
    expect(entry).toMatchObject({ driveId: ROOT.driveId, name: 'a.bin', contentHash: sha1(BODY) });
    expect(ranges.map(({ first, last }) => last - first + 1)).toEqual([8]);
    expect(world.service.calls).toEqual(['createFile']);
    const origins = [{ how: 'copied', from: source, to: entry }];
    expect(world.readers.changes).toEqual([{ removed: [], placed: [entry], origins }]);
  });

  it.each([
    ['small', makeBody(1000)],
    ['long', BODY],
  ])('goes through us where it does not: %s', async (_, body) => {
    const { world, uploads, source, ranges } = await setUp(body);
    const old = world.service.addFile('a.bin', Buffer.from('old'));
    await uploads.relay(source, { ...TARGET, replaces: old });
    expect(world.service.named('a.bin').map(({ bytes }) => sha1(bytes))).toEqual([sha1(body)]);
    expect(ranges.at(-1)).toEqual({ first: 0, last: body.length - 1 });
    expect(world.service.count('createFile')).toBe(1);
    expect(world.journal.values.filter(({ kind }) => kind === 'upload')).toEqual([]);
  });

  it('goes through us when its checksum is not known', async () => {
    const { world, uploads, source } = await setUp(BODY);
    await uploads.relay({ ...source, contentHash: undefined }, TARGET);
    expect(world.service.named('a.bin').map(({ bytes }) => sha1(bytes))).toEqual([sha1(BODY)]);
  });

  it('may be empty', async () => {
    const { world, uploads, source, ranges } = await setUp(Buffer.alloc(0));
    await uploads.relay(source, TARGET);
    expect(world.service.contentsOf('a.bin')).toEqual(['']);
    expect(ranges).toEqual([]);
  });

  it('becomes nothing when it changes while it is read', async () => {
    const { world, uploads, source } = await setUp(BODY);
    const relay = uploads.relay({ ...source, contentHash: sha1(Buffer.from('before')) }, TARGET);
    await expect(relay).rejects.toMatchObject({ code: 'content-mismatch' });
    expect(world.service.named('a.bin')).toEqual([]);
    expect(world.service.sessions.size).toBe(0);
  });

  it('becomes nothing when it cannot be read', async () => {
    const world = await makeWorld();
    const { uploads } = await start(world, {
      openReadStream: async () =>
        new Readable({
          read() {
            this.destroy(new DriveError('unavailable', 'gone'));
          },
        }),
    });
    const relay = uploads.relay(makeEntry({ contentHash: undefined }), TARGET);
    await expect(relay).rejects.toMatchObject({ code: 'unavailable' });
    expect(world.service.calls).toEqual([]);
  });

  it('stays where it is when it is a live photo', async () => {
    const { uploads, source } = await setUp(BODY);
    const photo = { ...source, name: 'a.livp', contentHash: undefined };
    await expect(uploads.relay(photo, TARGET)).rejects.toMatchObject({ code: 'unsupported' });
  });
});
