import { describe, expect, it, vi } from 'vitest';
import { BodyGate } from '../../../src/transfer/body-gate.ts';
import { LanePool } from '../../../src/transfer/lane-pool.ts';

const MIB = 2 ** 20;

function setUp(places = 3) {
  const clock = { now: 1_000_000 };
  const now = () => clock.now;
  const gate = new BodyGate(places, now);
  const pool = new LanePool(gate, now, 4 * MIB);
  const calledBack: number[] = [];
  const anyone = pool.createReader({ driveId: 'd', id: 'f' });
  const open = (lane: number, bytes = MIB, reader = anyone) => {
    const place = pool.tryOpen(reader, bytes, () => {
      calledBack.push(lane);
      place?.leave(25);
    });
    return place;
  };
  return { clock, gate, pool, open, calledBack };
}

describe('LanePool', () => {
  it('lends what memory there is, and again what was given back', () => {
    const { gate, pool, open } = setUp(16);
    expect([open(1, 3 * MIB), open(2, 2 * MIB), open(3)].map(Boolean)).toEqual([true, false, true]);
    expect(gate.lanesInUse).toBe(2);
    pool.release(2 * MIB);
    expect(open(4, 2 * MIB)).toBeDefined();
  });

  it('keeps a place for a client that was redirected, for as long as it takes to come', () => {
    const { clock, pool, open, calledBack } = setUp();
    expect([open(1), open(2)].map(Boolean)).toEqual([true, true]);
    pool.expectOutside({ driveId: 'd', id: 'a' });
    expect([calledBack, open(3)]).toEqual([[], undefined]);
    pool.expectOutside({ driveId: 'd', id: 'b' });
    expect(calledBack).toEqual([2]);
    pool.expectOutside({ driveId: 'd', id: 'b' });
    expect(calledBack).toEqual([2]);
    clock.now += 10_000;
    expect(open(4)).toBeDefined();
  });

  it('makes an earlier read of the same file give up its lanes to a later one, one after the other', () => {
    vi.useFakeTimers();
    try {
      const { gate, pool, open, calledBack } = setUp();
      const film = { driveId: 'd', id: 'film' };
      const earlier = pool.createReader(film);
      const other = pool.createReader({ driveId: 'd', id: 'other' });
      const later = pool.createReader(film);
      open(1, MIB, earlier);
      open(2, MIB, earlier);
      open(3, MIB, earlier)?.keep();
      expect([open(4, MIB, other), calledBack]).toEqual([undefined, []]);
      expect([open(5, MIB, later), calledBack]).toEqual([undefined, [2]]);
      // The place is not to be had yet, and a further one need not be called back for it.
      expect([open(6, MIB, later), calledBack, gate.freePlaces]).toEqual([undefined, [2], 0]);
      vi.advanceTimersByTime(1_000);
      expect(open(7, MIB, later)).toBeDefined();
      expect([open(8, MIB, earlier), calledBack]).toEqual([undefined, [2]]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('calls every lane back on a refusal, and opens none for a while that grows', () => {
    const { clock, pool, open, calledBack } = setUp();
    open(1);
    open(2);
    pool.noteRefusal();
    expect(calledBack).toEqual([2, 1]);
    const waits = [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000].map((waitMs) => {
      pool.noteRefusal();
      clock.now += waitMs - 1;
      const early = open(3);
      clock.now += 1;
      const place = open(3);
      place?.leave();
      pool.release(place ? MIB : 0);
      const isRight = early === undefined && place !== undefined;
      pool.noteRefusal();
      return isRight;
    });
    expect(waits).toEqual(waits.map(() => true));
    clock.now += 180_000;
    pool.noteRefusal();
    clock.now += 2_000;
    expect(open(4)).toBeDefined();
  });

  it('tells how long a refused place is better left alone: not longer than there are no lanes, nor than five seconds', () => {
    const { clock, pool } = setUp();
    expect(pool.noteRefusal()).toBe(2_000);
    clock.now += 1_500;
    expect(pool.noteRefusal()).toBe(500);
    const rests = [500, 4_000, 8_000].map((ms) => {
      clock.now += ms;
      return pool.noteRefusal();
    });
    expect(rests).toEqual([4_000, 5_000, 5_000]);
  });

  it('lends nothing that somebody waits for', async () => {
    const { gate, open, calledBack } = setUp(1);
    open(1);
    const leave = await gate.enter();
    expect([calledBack, open(2)]).toEqual([[1], undefined]);
    leave();
    vi.useFakeTimers();
    try {
      open(3)?.leave(25);
      expect(open(4)).toBeUndefined();
      vi.advanceTimersByTime(25);
      expect(open(4)).toBeDefined();
    } finally {
      vi.useRealTimers();
    }
  });
});
