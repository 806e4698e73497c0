import { describe, expect, it } from 'vitest';
import { BodyGate } from '../../../src/transfer/body-gate.ts';

describe('BodyGate', () => {
  it('admits as many as there are places, the rest in the order of their arrival', async () => {
    const gate = new BodyGate(2);
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
    const gate = new BodyGate(1);
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
    const gate = new BodyGate(1);
    const leave = await gate.enter();
    leave();
    leave();
    await gate.enter();
    void gate.enter();
    expect(gate.isCrowded).toBe(true);
  });

  it('forgets at once who gives up waiting', async () => {
    const gate = new BodyGate(1);
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
});
