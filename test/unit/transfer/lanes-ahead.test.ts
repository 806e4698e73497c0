import type { Readable } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BodyGate } from '../../../src/transfer/body-gate.ts';
import { DownloadLinks } from '../../../src/transfer/download-links.ts';
import { LanePool } from '../../../src/transfer/lane-pool.ts';
import { createOpenReadStream } from '../../../src/transfer/read-stream.ts';
import { createRandom } from '../../crash/random.ts';
import { FakeDrive, type Fault, makeBytes, makeEntry } from './fake-drive.ts';

// The one timer that is not the global one: let it follow the same clock.
vi.mock('node:timers/promises', async (importOriginal) => ({
  ...(await importOriginal<typeof import('node:timers/promises')>()),
  setTimeout: async (ms: number, _: unknown, { signal }: { signal: AbortSignal }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    signal.throwIfAborted();
  },
}));

const MIB = 2 ** 20;
const SIZE_BYTES = 16 * MIB + 7;
const CONTENT = makeBytes({ first: 0, last: SIZE_BYTES - 1 });
const LANE_BYTES = 24 * MIB;

/** Bodies of 640 KB/s each. */
function setUp(places = 3) {
  const clock = { now: 1_000_000 };
  const now = () => clock.now;
  const drive = new FakeDrive();
  drive.now = now;
  drive.isPaced = true;
  const gate = new BodyGate(places, now);
  const lanes = new LanePool(gate, now, LANE_BYTES);
  const links = new DownloadLinks({ drive, now });
  const log = pino({ level: 'silent' });
  const open = createOpenReadStream({ drive, links, gate, lanes, log, now, random: () => 0 });
  const openFile = (id: string, first = 0) =>
    open(makeEntry({ id, sizeBytes: SIZE_BYTES }), { first, last: SIZE_BYTES - 1 });

  /** Lets time pass, and bodies bring what they bring in it. */
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.now += 100;
      await vi.advanceTimersByTimeAsync(100);
      drive.step();
      for (let i = 0; i < 8; i++) await tick();
    }
  }
  const hasAllMemory = () => {
    const place = lanes.tryOpen(lanes.createReader({ driveId: 'd', id: 'f' }), LANE_BYTES, () => {});
    place?.leave();
    if (place) lanes.release(LANE_BYTES);
    return place !== undefined;
  };
  return { clock, drive, gate, lanes, openFile, pass, hasAllMemory };
}

/** What a stream brought, and how it ended. */
function collect(stream: Readable) {
  const seen = { bytes: 0, isRight: true, end: undefined as unknown };
  stream.on('data', (chunk: Buffer) => {
    seen.isRight &&= chunk.equals(CONTENT.subarray(seen.bytes, seen.bytes + chunk.length));
    seen.bytes += chunk.length;
  });
  stream.once('end', () => {
    seen.end = 'end';
  });
  stream.on('error', (error) => {
    seen.end = error;
  });
  return seen;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a read that waits for its host', () => {
  it('begins with one body, grows to three, and comes in order', async () => {
    const { drive, gate, openFile, pass, hasAllMemory } = setUp();
    const seen = collect(await openFile('f'));
    await pass(100);
    expect(drive.bodies).toBe(1);
    await pass(500);
    expect([drive.bodies, gate.lanesInUse]).toEqual([3, 2]);
    await pass(9_500);
    expect(seen).toEqual({ bytes: SIZE_BYTES, isRight: true, end: 'end' });
    expect([drive.peakBodies, drive.bodies, gate.freePlaces, drive.linkCalls]).toEqual([3, 0, 3, 1]);
    expect(hasAllMemory()).toBe(true);
  });

  it('fetches every byte once', async () => {
    const { drive, openFile, pass } = setUp();
    const seen = collect(await openFile('f'));
    await pass(10_000);
    expect(seen.end).toBe('end');
    // The first body was asked for everything, and read only up to the first lane.
    expect(drive.bytesSent).toBeLessThan(SIZE_BYTES + 256 * 2 ** 10);
  });

  it('takes no more than one place of three where two are used', async () => {
    const { drive, gate, openFile, pass } = setUp();
    await Promise.all([gate.enter(), gate.enter()]);
    const seen = collect(await openFile('f'));
    await pass(5_000);
    expect([seen.isRight, drive.peakBodies]).toEqual([true, 1]);
  });

  it.each<[string, Fault]>([
    ['ends early', { endAfter: 100_000 }],
    ['is reset', { failAfter: 100_000, code: 'unavailable' }],
    ['closes without a word', { closeAfter: 100_000 }],
    ['brings too much', { extra: 100_000 }],
    ['is refused for its link', { refuse: 'link-expired' }],
    ['is refused as one too many', { refuse: 'too-many-downloads' }],
    ['cannot be opened', { refuse: 'unavailable' }],
  ])('goes on where a lane %s', async (_, fault) => {
    const { drive, openFile, pass, hasAllMemory } = setUp();
    drive.faults.push(undefined, fault, undefined, fault, fault);
    const seen = collect(await openFile('f'));
    await pass(30_000);
    expect(seen).toEqual({ bytes: SIZE_BYTES, isRight: true, end: 'end' });
    expect([drive.faults, drive.bodies, hasAllMemory()]).toEqual([[], 0, true]);
    expect(drive.peakBodies).toBeLessThanOrEqual(3);
  });

  it('does not wait long for a lane that brings nothing', async () => {
    const { drive, openFile, pass, hasAllMemory } = setUp();
    const openRange = drive.openRange.bind(drive);
    let given = 0;
    const stuck = (signal?: AbortSignal) =>
      new Promise<Readable>((_, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
      });
    drive.openRange = (link, range, signal) => (++given === 2 ? stuck(signal) : openRange(link, range, signal));
    const seen = collect(await openFile('f'));
    await pass(5_000);
    expect(seen.bytes).toBeGreaterThan(MIB);
    await pass(20_000);
    expect(seen).toEqual({ bytes: SIZE_BYTES, isRight: true, end: 'end' });
    expect(hasAllMemory()).toBe(true);
  });

  it('keeps what a broken lane has brought', async () => {
    const { drive, openFile, pass } = setUp();
    drive.faults.push(undefined, { endAfter: 100_000 });
    const seen = collect(await openFile('f'));
    await pass(30_000);
    const [, lane] = drive.opened;
    expect(seen.end).toBe('end');
    expect(drive.opened.filter(({ first }) => first === (lane?.first ?? 0) + 100_000)).toHaveLength(1);
    expect(drive.bytesSent).toBeLessThan(SIZE_BYTES + 512 * 2 ** 10);
  });

  it('stays with one body for a while when the host refuses a second', async () => {
    const { drive, openFile, pass } = setUp();
    drive.faults.push(undefined, { refuse: 'too-many-downloads' });
    const seen = collect(await openFile('f'));
    await pass(2_000);
    expect([drive.opened.length, drive.bodies, seen.isRight, seen.end]).toEqual([2, 1, true, undefined]);
    await pass(1_500);
    expect(drive.bodies).toBeGreaterThan(1);
  });

  it('gives its lanes up to another reader at once, and has them again after it', async () => {
    const { drive, gate, openFile, pass } = setUp();
    const seen = collect(await openFile('f'));
    await pass(1_000);
    expect(drive.bodies).toBe(3);
    const opening = [openFile('g'), openFile('h')];
    await pass(200);
    expect([drive.opened.filter(({ url }) => !url.includes('/f')).length, gate.readersWaiting]).toEqual([2, 0]);
    const others = await Promise.all(opening);
    await pass(1_000);
    expect(drive.peakBodies).toBe(3);
    for (const other of others) other.destroy();
    await pass(1_000);
    expect(gate.lanesInUse).toBe(2);
    await pass(15_000);
    expect(seen).toEqual({ bytes: SIZE_BYTES, isRight: true, end: 'end' });
  });

  it.each([
    ['the same file has a lane more than it', 'f', [1, 2]],
    ['another file has none before it', 'g', [2, 1]],
  ])('keeps its first body, where a later read of %s', async (_, id, bodies) => {
    const { drive, openFile, pass } = setUp();
    const earlier = collect(await openFile('f'));
    await pass(2_000);
    const opening = openFile(id);
    await pass(200);
    const later = collect(await opening);
    await pass(2_000);
    const [earlierBytes, laterBytes] = [earlier.bytes, later.bytes];
    await pass(5_000);
    const gotten = [earlier.bytes - earlierBytes, later.bytes - laterBytes];
    const perBody = 640_000 * 5;
    expect(gotten.map((bytes) => Math.round(bytes / perBody))).toEqual(bodies);
    expect([drive.peakBodies, earlier.isRight, later.isRight]).toEqual([3, true, true]);
  });

  it('leaves its places when all has come, whether or not the client has taken the last of it', async () => {
    const { drive, gate, openFile, pass } = setUp();
    const stream = await openFile('f');
    const seen = collect(stream);
    for (let passed = 0; passed < 20_000 && seen.bytes < SIZE_BYTES - 100_000; passed += 100) await pass(100);
    stream.pause();
    await pass(2_000);
    expect([seen.end, drive.bodies, gate.freePlaces]).toEqual([undefined, 0, 3]);
    stream.resume();
    await pass(100);
    expect(seen).toEqual({ bytes: SIZE_BYTES, isRight: true, end: 'end' });
  });

  it('that is left closes all of its bodies and gives all memory back', async () => {
    const { drive, gate, openFile, pass, hasAllMemory } = setUp();
    const stream = await openFile('f');
    collect(stream);
    await pass(3_000);
    expect(drive.bodies).toBe(3);
    stream.destroy();
    for (let i = 0; i < 8; i++) await tick();
    expect(drive.bodies).toBe(0);
    await pass(100);
    expect([gate.freePlaces, hasAllMemory()]).toEqual([3, true]);
  });
});

describe('a read whose client is slow', () => {
  it('has one body', async () => {
    const { drive, openFile, pass } = setUp();
    const stream = await openFile('f');
    for (let round = 0; round < 30; round++) {
      await pass(100);
      stream.read(32 * 2 ** 10);
    }
    expect(drive.peakBodies).toBe(1);
    stream.destroy();
  });

  it('holds no more than its chunks, and nothing once it has not read for long', async () => {
    const { drive, gate, openFile, pass, hasAllMemory } = setUp();
    const stream = await openFile('f');
    const seen = collect(stream);
    await pass(3_000);
    stream.pause();
    await pass(10_000);
    const atRest = drive.bytesSent;
    expect(atRest - seen.bytes).toBeLessThan(6 * MIB);
    expect(gate.lanesInUse).toBe(0);
    await pass(21_000);
    expect([drive.bytesSent, drive.bodies, gate.freePlaces, hasAllMemory()]).toEqual([atRest, 0, 3, true]);
    stream.resume();
    await pass(20_000);
    expect(seen).toEqual({ bytes: SIZE_BYTES, isRight: true, end: 'end' });
  });

  it('whose turn ended holds nothing either once it has not read for long', async () => {
    const { drive, gate, openFile, pass, hasAllMemory } = setUp();
    const stream = await openFile('f');
    const seen = collect(stream);
    await pass(4_000);
    stream.pause();
    await pass(200);
    const waiting = ['g', 'h', 'i'].map((id) => openFile(id));
    await pass(2_000);
    for (const other of await Promise.all(waiting)) other.destroy();
    expect([gate.readersWaiting, hasAllMemory()]).toEqual([0, false]);
    await pass(30_000);
    expect([drive.bodies, gate.freePlaces, hasAllMemory()]).toEqual([0, 3, true]);
    stream.resume();
    await pass(20_000);
    expect(seen).toEqual({ bytes: SIZE_BYTES, isRight: true, end: 'end' });
  });
});

describe('readers beside others at the storage host', () => {
  it.each([
    [1, 3],
    [1, 8],
    [2, 3],
    [2, 8],
  ])('%i of three places taken by these, all get on: %i readers', async (others, count) => {
    const { drive, gate, openFile, pass } = setUp();
    drive.mostBodies = 3 - others;
    const readers = Array.from({ length: count }, (_, index) => {
      const reader = { bytes: 0, end: undefined as unknown, stream: undefined as Readable | undefined };
      const fail = (error: unknown) => {
        reader.end = error;
      };
      openFile(`f${index}`).then((stream) => {
        reader.stream = stream.on('error', fail).on('data', ({ length }: Buffer) => {
          reader.bytes += length;
        });
      }, fail);
      return reader;
    });
    for (let round = 0; round < 5; round++) {
      const before = readers.map(({ bytes }) => bytes);
      await pass(7_000);
      expect(readers.map(({ end }) => end)).toEqual(readers.map(() => undefined));
      expect(Math.min(...readers.map(({ bytes }, index) => bytes - (before[index] ?? 0)))).toBeGreaterThan(0);
    }
    // Nor is the host asked over and over for what it does not give.
    expect(drive.refusals).toBeLessThan(40);
    for (const { stream } of readers) stream?.destroy();
    await pass(6_000);
    expect([drive.bodies, gate.freePlaces]).toEqual([0, 3]);
  });
});

describe('readers that come, pause and leave as they like', () => {
  const FAULTS: readonly (Fault | undefined)[] = [
    { endAfter: 90_000 },
    { failAfter: 150_000, code: 'unavailable' },
    { closeAfter: 70_000 },
    { refuse: 'link-expired' },
    { refuse: 'too-many-downloads' },
    ...new Array<undefined>(12).fill(undefined),
  ];
  const LAST_STEP = 1_500;

  it.each([1, 2, 3, 4, 5])('lose no byte, no place and no memory: seed %i', async (seed) => {
    const random = createRandom(seed);
    const pick = (count: number) => Math.floor(random() * count);
    const { drive, gate, openFile, pass, hasAllMemory } = setUp();
    drive.faults.push(...Array.from({ length: 200 }, () => FAULTS[pick(FAULTS.length)]));
    let step = 0;
    const settleAt = async (at: number) => {
      while (step < Math.min(at, LAST_STEP)) await tick();
    };
    const visits = Array.from({ length: 6 }, async (_, reader) => {
      await settleAt(pick(30));
      const stream = await openFile(`f${reader}`);
      const seen = collect(stream);
      const isLeaving = pick(2) === 0;
      for (let pauses = pick(4); pauses > 0 && seen.end === undefined; pauses--) {
        await settleAt(step + pick(80));
        stream.pause();
        await settleAt(step + pick(pick(3) === 0 ? 400 : 20));
        stream.resume();
      }
      if (isLeaving) stream.destroy();
      else while (seen.end === undefined && step < LAST_STEP) await settleAt(step + 1);
      return { isLeaving, ...seen };
    });
    for (; step < LAST_STEP; step++) {
      await pass(100);
      expect(drive.bodies).toBeLessThanOrEqual(3);
    }
    for (const { isLeaving, ...seen } of await Promise.all(visits)) {
      expect(seen).toEqual(isLeaving ? { ...seen, isRight: true } : { bytes: SIZE_BYTES, isRight: true, end: 'end' });
    }
    await pass(6_000);
    expect([drive.bodies, gate.freePlaces, gate.lanesInUse]).toEqual([0, 3, 0]);
    expect(hasAllMemory()).toBe(true);
  });
});
