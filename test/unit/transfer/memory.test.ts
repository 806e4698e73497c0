import { describe, expect, it, vi } from 'vitest';
import { SLAB_BYTES, SlabPool } from '../../../src/transfer/memory.ts';
import { settle } from './upload-rig.ts';

function takeAll(pool: SlabPool): Buffer[] {
  const slabs: Buffer[] = [];
  for (let slab = pool.tryTake(); slab; slab = pool.tryTake()) slabs.push(slab);
  return slabs;
}

describe('the memory of uploads', () => {
  it.each([
    [0, 0],
    [SLAB_BYTES - 1, 0],
    [4 * SLAB_BYTES, 4],
  ])('of %d bytes has %d slabs, made once', (budget, count) => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow');
    const pool = new SlabPool(budget);
    const slabs = takeAll(pool);
    expect(slabs).toHaveLength(count);
    for (const slab of slabs) pool.give(slab);
    expect(new Set(takeAll(pool))).toEqual(new Set(slabs));
    expect(allocate).toHaveBeenCalledTimes(count);
    allocate.mockRestore();
  });

  it('is given to those who wait only while some is to spare for those who cannot', async () => {
    const pool = new SlabPool(8 * SLAB_BYTES);
    const patience = new AbortController();
    const patient = await Promise.all(Array.from({ length: 6 }, () => pool.take(patience.signal)));
    expect(patient.every((slab) => slab !== undefined)).toBe(true);
    let seventh: Buffer | undefined | 'waits' = 'waits';
    void pool.take(patience.signal).then((slab) => {
      seventh = slab;
    });
    await settle(2);
    expect(seventh).toBe('waits');
    expect(pool.tryTake()).toBeDefined();
    for (const slab of patient.slice(0, 1)) if (slab) pool.give(slab);
    await settle(2);
    expect(seventh).toBe('waits');
    for (const slab of patient.slice(1, 2)) if (slab) pool.give(slab);
    await settle(2);
    expect(seventh).toBeInstanceOf(Buffer);
  });

  it('goes to those who wait in their order, and not to those who have left', async () => {
    const pool = new SlabPool(SLAB_BYTES * 2);
    const taken = takeAll(pool);
    const order: string[] = [];
    const impatient = new AbortController();
    const patience = new AbortController().signal;
    const wait = (name: string, signal: AbortSignal) =>
      void pool.take(signal).then((slab) => order.push(`${name} ${slab ? 'has one' : 'leaves'}`));
    wait('a', impatient.signal);
    wait('b', patience);
    wait('c', patience);
    impatient.abort();
    wait('d', impatient.signal);
    await settle(2);
    expect(order).toEqual(['a leaves', 'd leaves']);
    for (const slab of taken) pool.give(slab);
    await settle(2);
    expect(order.slice(2)).toEqual(['b has one']);
    expect(pool.freeSlabs).toBe(1);
  });
});
