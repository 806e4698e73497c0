import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { blockAt } from '../../../src/transfer/blocks.ts';
import { BodyGate } from '../../../src/transfer/body-gate.ts';
import { createCachedRead } from '../../../src/transfer/cached-read.ts';
import { DownloadLinks } from '../../../src/transfer/download-links.ts';
import { LanePool } from '../../../src/transfer/lane-pool.ts';
import { createPlayRead } from '../../../src/transfer/play-stream.ts';
import { createOpenReadStream } from '../../../src/transfer/read-stream.ts';
import { FakeDrive, makeBytes, makeEntry, readAll } from './fake-drive.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZE = 8 * MIB + 5;
const END = SIZE - 1;

function setUp() {
  const drive = new FakeDrive();
  const now = Date.now;
  const links = new DownloadLinks({ drive, now });
  const gate = new BodyGate(3, now);
  const lanes = new LanePool(gate, now);
  const kept = new Map<string, Buffer>();
  const lookups: string[] = [];
  const deps = {
    store: {
      read: async (name: string) => kept.get(name),
      write: async (name: string, bytes: Buffer) => {
        kept.set(name, bytes);
      },
    },
    onLookup: (outcome: string) => lookups.push(outcome),
  };
  const plain = createOpenReadStream({
    drive,
    links,
    gate,
    lanes,
    log: pino({ level: 'silent' }),
    now,
    random: () => 0,
  });
  const open = createPlayRead({ ...deps, open: createCachedRead({ ...deps, open: plain }) });
  const film = makeEntry({ name: 'film.mkv', sizeBytes: SIZE });
  const read = async (first: number, last = END) => readAll(await open(film, { first, last }));
  return { drive, gate, kept, lookups, open, read, film };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await tick();
}

async function readSome(stream: Readable, bytes: number): Promise<void> {
  for (let got = 0; got < bytes; ) {
    const chunk: Buffer | null = stream.read();
    if (chunk) got += chunk.length;
    else await once(stream, 'readable');
  }
}

describe('a film that is played', () => {
  it.each([0, 5, 64 * KIB, 100_000, MIB - 1])(
    'is byte-exact from byte %i, the first time and the next',
    async (first) => {
      const { drive, read } = setUp();
      const expected = makeBytes({ first, last: END });
      for (let time = 1; time <= 2; time++) expect((await read(first)).equals(expected)).toBe(true);
      await settle();
      expect([drive.opened[0]?.first, drive.bodies]).toEqual([first, 0]);
    },
  );

  it('leaves its beginning in the cache as it passes, whatever the pieces it comes in', async () => {
    const { drive, kept, read, film } = setUp();
    for (const chunkBytes of [64 * KIB, 1_000, 77_777, 3 * MIB]) {
      kept.clear();
      drive.chunkBytes = chunkBytes;
      await read(5);
      expect(kept.size).toBe(15);
      for (let index = 1; index < 16; index++) {
        const { name, first, last } = blockAt(film, index * 64 * KIB);
        expect(kept.get(name)?.equals(makeBytes({ first, last }))).toBe(true);
      }
    }
  });

  it('begins without a link or a body where its beginning is kept, and goes on behind it', async () => {
    const { drive, lookups, open, read, film } = setUp();
    await read(0);
    drive.opened.length = 0;
    drive.fetchError = 'unavailable';
    lookups.length = 0;
    const stream = await open(film, { first: 0, last: END });
    await readSome(stream, 512 * KIB);
    await settle();
    expect([drive.opened.length, lookups.length > 8, new Set(lookups)]).toEqual([0, true, new Set(['hit'])]);
    await readSome(stream, 512 * KIB + 1);
    expect(drive.opened).toMatchObject([{ first: MIB, last: END }]);
    stream.destroy();
    await settle();
    expect(drive.bodies).toBe(0);
  });

  it('is read from where its kept beginning ends', async () => {
    const { drive, read } = setUp();
    await read(0, 128 * KIB - 1);
    expect((await read(0)).equals(makeBytes({ first: 0, last: END }))).toBe(true);
    expect(drive.opened.map(({ first }) => first)).toEqual([0, 128 * KIB]);
  });

  it('is not read ahead of a slow client', async () => {
    const { drive, open, film } = setUp();
    const stream = await open(film, { first: 0, last: END });
    await readSome(stream, 1);
    await settle();
    expect(drive.bytesSent).toBeLessThan(MIB);
    stream.destroy();
  });

  it('fails with what the drive says, before its first byte and behind it', async () => {
    const { drive, open, read, film } = setUp();
    drive.fetchError = 'blocked';
    await expect(open(film, { first: 0, last: END })).rejects.toMatchObject({ code: 'blocked' });
    drive.fetchError = undefined;
    await read(0, MIB - 1);
    drive.faults.push({ failAfter: 2 * MIB, code: 'unavailable' }, { refuse: 'range-not-satisfiable' });
    await expect(read(0)).rejects.toMatchObject({ code: 'range-not-satisfiable' });
  });

  it('takes its body along when its client leaves, or is aborted on the way', async () => {
    const { drive, gate, open, film } = setUp();
    const stream = await open(film, { first: 0, last: END });
    await readSome(stream, 1);
    expect(drive.bodies).toBe(1);
    stream.destroy();
    drive.gate = new Promise(() => {});
    const controller = new AbortController();
    const opening = open(
      { ...film, id: 'f2', contentHash: 'B'.repeat(40) },
      { first: 10, last: END },
      controller.signal,
    );
    await settle();
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: 'aborted' });
    await settle();
    expect(drive.bodies).toBe(0);
    await expect(gate.enter()).resolves.toBeTypeOf('function');
  });

  it('is read as ever from behind its beginning', async () => {
    const { drive, lookups, read } = setUp();
    expect((await read(MIB, 2 * MIB)).equals(makeBytes({ first: MIB, last: 2 * MIB }))).toBe(true);
    expect([drive.opened.length, lookups]).toEqual([1, []]);
  });
});
