import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import { BodyGate } from '../../../src/transfer/body-gate.ts';
import { createCachedRead } from '../../../src/transfer/cached-read.ts';
import { DownloadLinks } from '../../../src/transfer/download-links.ts';
import { LanePool } from '../../../src/transfer/lane-pool.ts';
import { createOpenReadStream } from '../../../src/transfer/read-stream.ts';
import { FakeDrive, makeBytes, makeEntry, readAll } from './fake-drive.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZE = 100 * MIB;
const END = SIZE - 1;

function setUp() {
  const drive = new FakeDrive();
  const now = Date.now;
  const gate = new BodyGate(3, now);
  const lanes = new LanePool(gate, now);
  const links = new DownloadLinks({ drive, now });
  const kept = new Map<string, Buffer>();
  const lookups: string[] = [];
  const open = createCachedRead({
    open: createOpenReadStream({ drive, links, gate, lanes, log: pino({ level: 'silent' }), now, random: () => 0 }),
    store: {
      read: async (name) => kept.get(name),
      write: async (name, bytes) => {
        kept.set(name, bytes);
      },
    },
    onLookup: (outcome) => lookups.push(outcome),
  });
  const film = makeEntry({ name: 'film.mkv', sizeBytes: SIZE });
  const read = async (first: number, last: number, entry: Entry = film) => readAll(await open(entry, { first, last }));
  return { drive, kept, lookups, gate, open, read, film };
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

describe('a cached read', () => {
  it.each<[string, number, number]>([
    ['a probe', 0, 1],
    ['the first 64 KiB', 0, 65_535],
    ['over block borders', 60_000, 200_000],
    ['all of the head', 0, MIB - 1],
    ['the last 64 KiB', END - 65_535, END],
    ['the last byte', END, END],
    ['all of the tail', SIZE - 4 * MIB, END],
    ['within the tail', SIZE - 100_001, SIZE - 50_000],
  ])('is byte-exact and costs nothing the second time: %s', async (_, first, last) => {
    const { drive, lookups, read } = setUp();
    const expected = makeBytes({ first, last });
    expect((await read(first, last)).equals(expected)).toBe(true);
    await settle();
    expect([drive.opened.length, drive.linkCalls, drive.bodies]).toEqual([1, 1, 0]);
    const cost = drive.bytesSent;
    expect(cost).toBeLessThan(last - first + 1 + 128 * KIB);
    expect((await read(first, last)).equals(expected)).toBe(true);
    expect([drive.opened.length, drive.linkCalls, drive.bytesSent]).toEqual([1, 1, cost]);
    expect(lookups).toEqual([
      ...lookups.slice(0, lookups.length / 2).map(() => 'miss'),
      ...lookups.slice(lookups.length / 2).map(() => 'hit'),
    ]);
  });

  it.each<[string, Partial<Entry>, number, number]>([
    ['in the middle', { sizeBytes: SIZE }, 50 * MIB, 50 * MIB + 10],
    ['of what lives with us', { id: 'alidav:junk:1' }, 0, 10],
    ['of a whole film', { sizeBytes: 2 * MIB }, 0, 2 * MIB - 1],
  ])('leaves no trace %s', async (_, overrides, first, last) => {
    const { drive, kept, lookups, read } = setUp();
    const entry = makeEntry(overrides);
    for (let time = 1; time <= 2; time++) {
      expect((await read(first, last, entry)).equals(makeBytes({ first, last }))).toBe(true);
      expect(drive.opened).toHaveLength(time);
    }
    expect([kept.size, lookups]).toEqual([0, []]);
  });

  it('fetches only what is not there', async () => {
    const { drive, read } = setUp();
    await read(64 * KIB, 128 * KIB - 1);
    expect((await read(0, 192 * KIB - 1)).equals(makeBytes({ first: 0, last: 192 * KIB - 1 }))).toBe(true);
    await settle();
    expect(drive.bodies).toBe(0);
    await read(0, 192 * KIB - 1);
    expect(drive.opened.map(({ first }) => first)).toEqual([64 * KIB, 0, 128 * KIB]);
  });

  it('keeps no body open before blocks that are there', async () => {
    const { drive, open, read, film } = setUp();
    await read(64 * KIB, 128 * KIB - 1);
    const stream = await open(film, { first: 0, last: MIB - 1 });
    await settle();
    expect(drive.bodies).toBe(1);
    await readSome(stream, 64 * KIB);
    await settle();
    expect(drive.bodies).toBe(0);
    stream.destroy();
  });

  it('costs a reader nothing that lasts for each body that it takes to fill many gaps', async () => {
    const { kept, read } = setUp();
    const warnings: string[] = [];
    const note = ({ name }: Error) => warnings.push(name);
    process.on('warning', note);
    await read(SIZE - 4 * MIB, END);
    for (const name of [...kept.keys()].filter((_, index) => index % 2)) kept.delete(name);
    expect((await read(SIZE - 4 * MIB, END)).equals(makeBytes({ first: SIZE - 4 * MIB, last: END }))).toBe(true);
    await settle();
    process.removeListener('warning', note);
    expect(warnings).toEqual([]);
  });

  it('fetches a block anew that has another length than it must', async () => {
    const { kept, read } = setUp();
    await read(0, 10);
    for (const name of kept.keys()) kept.set(name, Buffer.alloc(10));
    expect((await read(0, 10)).equals(makeBytes({ first: 0, last: 10 }))).toBe(true);
  });

  it('keeps a small file only if it has the hash that it should have', async () => {
    const { drive, read } = setUp();
    const content = makeBytes({ first: 0, last: 999 });
    const contentHash = createHash('sha1').update(content).digest('hex').toUpperCase();
    const genuine = makeEntry({ id: 'f2', sizeBytes: 1_000, contentHash });
    const other = makeEntry({ id: 'f3', sizeBytes: 1_000 });
    for (let time = 1; time <= 2; time++) {
      expect((await read(0, 999, genuine)).equals(content)).toBe(true);
      expect((await read(5, 9, other)).equals(content.subarray(5, 10))).toBe(true);
    }
    expect(drive.opened.map(({ url }) => url.includes('f3'))).toEqual([false, true, true]);
  });

  it('goes on through the failures that a download survives', async () => {
    const { drive, read } = setUp();
    drive.faults.push({ endAfter: 70_000 }, { refuse: 'link-expired' });
    expect((await read(0, MIB - 1)).equals(makeBytes({ first: 0, last: MIB - 1 }))).toBe(true);
  });

  it.each(['blocked', 'not-found', 'unavailable'] as const)('says at once why there is nothing: %s', async (code) => {
    const { drive, kept, open, film } = setUp();
    drive.fetchError = code;
    await expect(open(film, { first: 0, last: 9 })).rejects.toMatchObject({ code });
    expect(kept.size).toBe(0);
  });

  it('fails in the middle as the download does, and keeps no torn block', async () => {
    const { drive, kept, open, film } = setUp();
    drive.faults.push({ failAfter: 100_000, code: 'unavailable' }, { refuse: 'range-not-satisfiable' });
    const stream = await open(film, { first: 0, last: MIB - 1 });
    await expect(readAll(stream)).rejects.toMatchObject({ code: 'range-not-satisfiable' });
    expect([...kept.values()].map(({ length }) => length)).toEqual([64 * KIB]);
  });
});

describe('readers of the same blocks', () => {
  it.each<[string, number, number]>([
    ['one block', 0, 65_535],
    ['many', 0, MIB - 1],
  ])('share one body: %s', async (_, first, last) => {
    const { drive, read } = setUp();
    const all = await Promise.all(Array.from({ length: 20 }, () => read(first, last)));
    for (const bytes of all) expect(bytes.equals(makeBytes({ first, last }))).toBe(true);
    expect([drive.opened.length, drive.linkCalls]).toEqual([1, 1]);
    expect(drive.bytesSent).toBe(last - first + 1);
  });

  it('share it where their ranges overlap, and the longer one goes on alone', async () => {
    const { drive, read } = setUp();
    const [short, long] = await Promise.all([read(0, 131_071), read(1_000, 300_000)]);
    expect(short.equals(makeBytes({ first: 0, last: 131_071 }))).toBe(true);
    expect(long.equals(makeBytes({ first: 1_000, last: 300_000 }))).toBe(true);
    expect(drive.opened).toMatchObject([
      { first: 0, last: 131_071 },
      { first: 131_072, last: 327_679 },
    ]);
  });

  it('do not fail when the one leaves who began', async () => {
    const { drive, gate, open, film } = setUp();
    let release = () => {};
    drive.gate = new Promise((resolve) => {
      release = resolve;
    });
    const leaving = new AbortController();
    const left = open(film, { first: 0, last: MIB - 1 }, leaving.signal);
    const staying = open(film, { first: 0, last: 200_000 });
    await settle();
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'aborted' });
    release();
    expect((await readAll(await staying)).equals(makeBytes({ first: 0, last: 200_000 }))).toBe(true);
    await settle();
    expect(drive.bodies).toBe(0);
    await expect(gate.enter()).resolves.toBeTypeOf('function');
  });

  it('all learn of a failure', async () => {
    const { drive, read } = setUp();
    drive.fetchError = 'throttled';
    const outcomes = await Promise.allSettled([read(0, 9), read(5, 20)]);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'throttled' } });
    expect(drive.linkCalls).toBe(1);
  });
});

describe('a client that leaves', () => {
  it.each(['destroyed', 'aborted'] as const)('takes its body along: %s', async (how) => {
    const { drive, open, film } = setUp();
    const controller = new AbortController();
    const stream = await open(film, { first: SIZE - 4 * MIB, last: END }, controller.signal);
    await readSome(stream, 1);
    await settle();
    expect(drive.bodies).toBe(1);
    // No megabytes ahead of who reads.
    expect(drive.bytesSent).toBeLessThan(MIB);
    if (how === 'aborted') controller.abort();
    else stream.destroy();
    await settle();
    expect(drive.bodies).toBe(0);
  });

  it('takes along a body that is stuck in the middle of a block', async () => {
    const { drive, open, film } = setUp();
    let isOpen = false;
    drive.openRange = async () => {
      isOpen = true;
      const stuck = new Readable({ read() {} });
      stuck.push(Buffer.alloc(10));
      return stuck.once('close', () => {
        isOpen = false;
      });
    };
    const controller = new AbortController();
    const opening = open(film, { first: 0, last: 9 }, controller.signal);
    await settle();
    expect(isOpen).toBe(true);
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: 'aborted' });
    await settle();
    expect(isOpen).toBe(false);
  });

  it('is not waited for before its first byte', async () => {
    const { drive, open, film } = setUp();
    drive.gate = new Promise(() => {});
    const controller = new AbortController();
    const opening = open(film, { first: 0, last: 9 }, controller.signal);
    await settle();
    controller.abort();
    await expect(opening).rejects.toBeInstanceOf(DriveError);
    await expect(open(film, { first: 0, last: 9 }, controller.signal)).rejects.toMatchObject({ code: 'aborted' });
  });
});
