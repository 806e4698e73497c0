import { describe, expect, it } from 'vitest';
import { BodyGate } from '../../../src/transfer/body-gate.ts';

describe('BodyGate', () => {
  it('admits as many as there are places, the rest in the order of their arrival', async () => {
    const gate = new BodyGate(2, Date.now);
    const order: number[] = [];
    const leaves: (() => void)[] = [];
    const entering = [0, 1, 2, 3].map(async (reader) => {
      leaves[reader] = await gate.enter();
      order.push(reader);
    });
    await Promise.all(entering.slice(0, 2));
    expect([order, gate.isCrowded]).toEqual([[0, 1], true]);
    leaves[1]?.();
    await entering[2];
    expect([order, gate.isCrowded]).toEqual([[0, 1, 2], true]);
    leaves[0]?.();
    await entering[3];
    expect([order, gate.isCrowded]).toEqual([[0, 1, 2, 3], false]);
  });

  it('hands the place to the one who waits, not to one who comes in that moment', async () => {
    const gate = new BodyGate(1, Date.now);
    const leave = await gate.enter();
    const order: string[] = [];
    const waiting = gate.enter().then((leaveNext) => {
      order.push('waited');
      leaveNext();
    });
    leave();
    await Promise.all([waiting, gate.enter().then(() => order.push('came'))]);
    expect(order).toEqual(['waited', 'came']);
  });

  it('frees a place once, however often it is left', async () => {
    const gate = new BodyGate(1, Date.now);
    const leave = await gate.enter();
    leave();
    leave();
    await gate.enter();
    void gate.enter();
    expect(gate.isCrowded).toBe(true);
  });

  it('forgets at once who gives up waiting', async () => {
    const gate = new BodyGate(1, Date.now);
    const leave = await gate.enter();
    const controller = new AbortController();
    const waiting = gate.enter(controller.signal);
    controller.abort();
    expect(gate.isCrowded).toBe(false);
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await expect(gate.enter(controller.signal)).rejects.toMatchObject({ code: 'aborted' });
    leave();
    await expect(gate.enter()).resolves.toBeTypeOf('function');
  });

  it('tells who reads, who waits, and how long each has waited', async () => {
    let now = 0;
    const waits: number[] = [];
    const gate = new BodyGate(
      2,
      () => now,
      (waitedMs) => waits.push(waitedMs),
    );
    const figures = () => [gate.places, gate.bodiesInUse, gate.readersWaiting];
    expect(figures()).toEqual([2, 0, 0]);
    const leave = await gate.enter();
    await gate.enter();
    const third = gate.enter();
    const gone = new AbortController();
    const fourth = gate.enter(gone.signal);
    expect(figures()).toEqual([2, 2, 2]);
    now = 700;
    gone.abort();
    await expect(fourth).rejects.toMatchObject({ code: 'aborted' });
    leave();
    const leaveThird = await third;
    expect([figures(), waits]).toEqual([
      [2, 2, 0],
      [0, 0, 700],
    ]);
    leaveThird();
    expect(figures()).toEqual([2, 1, 0]);
  });
});

describe('the order of admission', () => {
  /** One place, taken; each wait notes its name when it comes in, and leaves at once. */
  async function setUpQueue() {
    const clock = { now: 0 };
    const waits: number[] = [];
    const gate = new BodyGate(
      1,
      () => clock.now,
      (ms) => waits.push(ms),
    );
    const order: string[] = [];
    const leave = await gate.enter();
    const join = (name: string, isSeek: boolean, leaves = true) =>
      (isSeek ? gate.enterForSeek() : gate.enter()).then((leaveNext) => {
        order.push(name);
        if (leaves) leaveNext();
        return leaveNext;
      });
    return { clock, waits, gate, order, leave, join };
  }

  it('is the newest seek first, then by arrival', async () => {
    const { gate, order, leave, join } = await setUpQueue();
    const joined = [join('a', false), join('seek 1', true), join('b', false), join('seek 2', true)];
    expect([gate.readersWaiting, gate.hasSeekWaiting]).toEqual([4, true]);
    leave();
    await Promise.all(joined);
    expect(order).toEqual(['seek 2', 'seek 1', 'a', 'b']);
  });

  it('lets whoever has waited for a second in after every other seek', async () => {
    const { clock, order, leave, join } = await setUpQueue();
    const joined = [join('old 1', false), join('old 2', false)];
    clock.now = 1_000;
    joined.push(join('seek 1', true), join('seek 2', true), join('seek 3', true));
    leave();
    await Promise.all(joined);
    expect(order).toEqual(['seek 3', 'old 1', 'seek 2', 'old 2', 'seek 1']);
  });

  it('is told how long it took', async () => {
    const { clock, waits, leave, join } = await setUpQueue();
    const joined = join('a', false);
    clock.now = 70;
    leave();
    await joined;
    expect(waits).toEqual([0, 70]);
  });
});

describe('lent places', () => {
  it('are called back for those who wait, the latest first, and no more than are needed', async () => {
    const gate = new BodyGate(3, Date.now);
    const calledBack: number[] = [];
    const places = [0, 1, 2].map((lane) => {
      const place = gate.tryBorrow(() => {
        calledBack.push(lane);
        place?.leave(25);
      });
      return place;
    });
    expect([gate.lanesInUse, gate.bodiesInUse, gate.tryBorrow(() => {})]).toEqual([3, 3, undefined]);
    const leave = await gate.enter();
    expect([calledBack, gate.lanesInUse]).toEqual([[2], 2]);
    leave();
    places[0]?.leave();
    expect([gate.bodiesInUse, gate.freePlaces]).toEqual([1, 2]);
  });

  it('are not called back once they are kept', () => {
    const gate = new BodyGate(1, Date.now);
    const place = gate.tryBorrow(() => {
      throw new Error('called back');
    });
    place?.keep();
    void gate.enter();
    expect([gate.lanesInUse, gate.bodiesInUse, gate.readersWaiting]).toEqual([0, 1, 1]);
  });

  it('of those who wait already are not called back twice', () => {
    const gate = new BodyGate(2, Date.now);
    const calledBack: number[] = [];
    for (const lane of [0, 1]) {
      const place = gate.tryBorrow(() => {
        calledBack.push(lane);
        place?.leave(25);
      });
    }
    void gate.enter();
    expect(calledBack).toEqual([1]);
    void gate.enter();
    expect(calledBack).toEqual([1, 0]);
  });
});
