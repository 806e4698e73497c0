import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { BodyGate } from '../../../src/transfer/body-gate.ts';
import { DownloadLinks } from '../../../src/transfer/download-links.ts';
import { LanePool } from '../../../src/transfer/lane-pool.ts';
import { createOpenReadStream } from '../../../src/transfer/read-stream.ts';
import { FakeDrive, type Fault, HOUR_MS, makeBytes, makeEntry, readAll } from './fake-drive.ts';

const delays = vi.hoisted((): number[] => []);
vi.mock('node:timers/promises', async (importOriginal) => ({
  ...(await importOriginal<typeof import('node:timers/promises')>()),
  setTimeout: async (ms: number, _: unknown, { signal }: { signal: AbortSignal }) => {
    delays.push(ms);
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  },
}));

const MIB = 2 ** 20;

function setUp(places = 3) {
  const clock = { now: 1_000_000 };
  const drive = new FakeDrive();
  drive.now = () => clock.now;
  drive.lifeMs = HOUR_MS;
  const gate = new BodyGate(places, () => clock.now);
  const now = () => clock.now;
  const lanes = new LanePool(gate, now);
  const links = new DownloadLinks({ drive, now });
  const open = createOpenReadStream({
    drive,
    links,
    gate,
    lanes,
    log: pino({ level: 'silent' }),
    now,
    random: () => 1,
  });
  const openWhole = (entry: Entry, signal?: AbortSignal) =>
    open(entry, { first: 0, last: entry.sizeBytes - 1 }, signal);
  return { clock, drive, gate, open, openWhole };
}

/** Reads until so many bytes have come, then no more. */
async function readSome(stream: Readable, bytes: number): Promise<void> {
  for (let got = 0; got < bytes; ) {
    const chunk: Buffer | null = stream.read();
    if (chunk) got += chunk.length;
    else await once(stream, 'readable');
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await tick();
}

beforeEach(() => {
  delays.length = 0;
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a read stream', () => {
  it.each([
    ['whole', { first: 0, last: 999_999 }],
    ['from the middle', { first: 123_457, last: 999_999 }],
    ['one byte', { first: 5, last: 5 }],
  ])('yields exactly the range: %s', async (_, range) => {
    const { drive, open } = setUp();
    const bytes = await readAll(await open(makeEntry(), range));
    expect(bytes.equals(makeBytes(range))).toBe(true);
    expect(drive.opened).toMatchObject([range]);
    expect([drive.bodies, drive.linkCalls]).toEqual([0, 1]);
  });

  it.each<[string, Fault[], number, number]>([
    ['a reset', [{ failAfter: 300_000, code: 'unavailable' }], 2, 1],
    ['a body that ends early', [{ endAfter: 300_000 }], 2, 1],
    ['a connection that closes without a word', [{ closeAfter: 300_000 }], 2, 1],
    ['a link that died', [{ refuse: 'link-expired' }], 2, 2],
    ['a link that died in mid-body', [{ failAfter: 65_536, code: 'link-expired' }], 2, 2],
    ['a link refused for no known reason', [{ refuse: 'forbidden' }], 2, 2],
    ['too many downloads', [{ refuse: 'too-many-downloads' }, { refuse: 'too-many-downloads' }], 3, 1],
    ['a host that cannot be reached', [{ refuse: 'unavailable' }, { refuse: 'unavailable' }], 3, 1],
  ])('survives %s', async (_, faults, opens, linkCalls) => {
    const { drive, openWhole } = setUp();
    drive.faults.push(...faults);
    const bytes = await readAll(await openWhole(makeEntry()));
    expect(bytes.equals(makeBytes({ first: 0, last: 999_999 }))).toBe(true);
    expect(drive.opened).toHaveLength(opens);
    expect(drive.linkCalls).toBe(linkCalls);
    const [fault] = faults;
    const resumedAt = fault && 'failAfter' in fault ? fault.failAfter : fault && 'refuse' in fault ? 0 : 300_000;
    expect(drive.opened.at(-1)).toMatchObject({ first: resumedAt, last: 999_999 });
  });

  it('goes on through any number of failures as long as bytes come', async () => {
    const { drive, openWhole } = setUp();
    drive.faults.push(...Array.from({ length: 12 }, () => ({ endAfter: 70_000 })));
    expect(await readAll(await openWhole(makeEntry()))).toHaveLength(1_000_000);
    expect(delays.every((ms) => ms === 100)).toBe(true);
  });

  it('gives up on the sixth failure without progress, waiting longer each time', async () => {
    const { drive, openWhole } = setUp();
    drive.faults.push(undefined, ...Array.from({ length: 20 }, () => ({ refuse: 'unavailable' }) as const));
    drive.faults[0] = { endAfter: 1_000 };
    const stream = await openWhole(makeEntry());
    await expect(readAll(stream)).rejects.toMatchObject({ code: 'unavailable' });
    expect(delays).toEqual([100, 300, 900, 2700, 5000]);
    expect(drive.bodies).toBe(0);
  });

  it.each([
    ['a blocked file', 'blocked'],
    ['a file that is gone', 'not-found'],
    ['a service that cannot be reached', 'unavailable'],
  ] as const)('says at once why there is no link: %s', async (_, code) => {
    const { drive, openWhole } = setUp();
    drive.fetchError = code;
    await expect(openWhole(makeEntry())).rejects.toMatchObject({ code });
    expect(delays).toEqual([]);
  });

  it('asks once for a link to content that is no more', async () => {
    const { clock, drive, openWhole } = setUp();
    drive.faults.push({ endAfter: 300_000 });
    const stream = await openWhole(makeEntry());
    clock.now += HOUR_MS;
    drive.fetchError = 'content-mismatch';
    await expect(readAll(stream)).rejects.toMatchObject({ code: 'content-mismatch' });
    expect(drive.linkCalls).toBe(2);
  });

  it('never passes on more than was asked for', async () => {
    const { drive, openWhole } = setUp();
    drive.faults.push({ extra: 10 });
    const stream = await openWhole(makeEntry());
    await expect(readAll(stream)).rejects.toMatchObject({ code: 'content-mismatch' });
  });

  it('does not read ahead of a slow client', async () => {
    const { drive, openWhole } = setUp();
    const stream = await openWhole(makeEntry({ sizeBytes: 100 * MIB }));
    await readSome(stream, MIB);
    await settle();
    expect(drive.bytesSent).toBeLessThan(2 * MIB);
    stream.destroy();
  });

  it.each(['destroyed', 'aborted'])('closes the body and leaves its place when it is %s', async (how) => {
    const { drive, gate, openWhole } = setUp(1);
    const controller = new AbortController();
    const stream = await openWhole(makeEntry(), controller.signal);
    stream.on('error', () => {});
    await readSome(stream, 1);
    if (how === 'aborted') controller.abort();
    else stream.destroy();
    await tick();
    expect(drive.bodies).toBe(0);
    await expect(gate.enter()).resolves.toBeTypeOf('function');
  });

  it('leaves its place when the storage host refuses for good', async () => {
    const { drive, gate, openWhole } = setUp(1);
    drive.faults.push({ refuse: 'range-not-satisfiable' });
    await expect(openWhole(makeEntry())).rejects.toMatchObject({ code: 'range-not-satisfiable' });
    await expect(gate.enter()).resolves.toBeTypeOf('function');
  });

  it('keeps no place when the client leaves while it is on its way', async () => {
    const { drive, gate, openWhole } = setUp(1);
    const leave = await gate.enter();
    const controller = new AbortController();
    const opening = openWhole(makeEntry(), controller.signal);
    await settle();
    expect(gate.isCrowded).toBe(true);
    leave();
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: 'aborted' });
    await expect(gate.enter()).resolves.toBeTypeOf('function');
    expect(drive.opened).toEqual([]);
  });
});

describe('readers that share places', () => {
  it('all progress and end byte-exact, eight on three places', async () => {
    const { drive, openWhole } = setUp(3);
    const sizeBytes = 20 * MIB + 7;
    const expected = makeBytes({ first: 0, last: sizeBytes - 1 });
    const progress = new Array<number>(8).fill(0);
    const readers = progress.map(async (_, reader) => {
      const stream = await openWhole(makeEntry({ id: `f${reader}`, sizeBytes }));
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        const at = progress[reader] ?? 0;
        expect(chunk.equals(expected.subarray(at, at + chunk.length))).toBe(true);
        progress[reader] = at + chunk.length;
        // Nobody has read it all while somebody has read nothing.
        if (progress[reader] === sizeBytes) expect(Math.min(...progress)).toBeGreaterThan(0);
      }
    });
    await Promise.all(readers);
    expect(progress).toEqual(new Array(8).fill(sizeBytes));
    expect(drive.peakBodies).toBeLessThanOrEqual(3);
    expect(drive.linkCalls).toBe(8);
  });

  it('keep their place past a fair turn while nobody waits', async () => {
    const { drive, openWhole } = setUp(1);
    await readAll(await openWhole(makeEntry({ sizeBytes: 20 * MIB })));
    expect(drive.opened).toHaveLength(1);
  });

  it('take turns by time when they are as slow as players', async () => {
    const { clock, drive, openWhole } = setUp(1);
    const slow = await openWhole(makeEntry({ sizeBytes: 20 * MIB }));
    await readSome(slow, MIB);
    const opening = openWhole(makeEntry({ id: 'f2' }));
    await settle();
    expect(drive.opened).toHaveLength(1);
    clock.now += 2_000;
    vi.advanceTimersByTime(500);
    expect(await readAll(await opening)).toHaveLength(1_000_000);
    await readSome(slow, 10 * MIB);
    expect(drive.opened).toHaveLength(3);
    slow.destroy();
  });

  it('let the storage host learn of a body that was cut off before the next one takes its place', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const { drive, openWhole } = setUp(1);
    const left = await openWhole(makeEntry());
    await readSome(left, 1);
    const opening = openWhole(makeEntry({ id: 'f2' }));
    await settle();
    left.destroy();
    await settle();
    expect([drive.bodies, drive.opened.length]).toEqual([0, 1]);
    vi.advanceTimersByTime(100);
    await readAll(await opening);
    expect(drive.opened).toHaveLength(2);
  });

  it('leave their place after 30 s without reading and resume at their byte', async () => {
    const { clock, drive, gate, openWhole } = setUp(1);
    const sizeBytes = 4 * MIB;
    const stream = await openWhole(makeEntry({ sizeBytes }));
    await settle();
    clock.now += 29_000;
    vi.advanceTimersByTime(500);
    expect(drive.bodies).toBe(1);
    clock.now += 1_000;
    vi.advanceTimersByTime(500);
    await tick();
    expect(drive.bodies).toBe(0);
    (await gate.enter())();
    const bytes = await readAll(stream);
    expect(bytes.equals(makeBytes({ first: 0, last: sizeBytes - 1 }))).toBe(true);
    expect(drive.opened).toHaveLength(2);
  });

  it('come back to a link that died while they were away', async () => {
    const { clock, drive, openWhole } = setUp(1);
    const stream = await openWhole(makeEntry());
    await settle();
    clock.now += HOUR_MS + 1;
    vi.advanceTimersByTime(500);
    await readAll(stream);
    expect(drive.linkCalls).toBe(2);
    expect(drive.opened[1]?.url).not.toBe(drive.opened[0]?.url);
  });
});
