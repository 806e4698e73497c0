import { describe, expect, it } from 'vitest';
import { planEviction } from '../../../src/state/eviction.ts';

const BLOCKS = [
  { name: 'b', sizeBytes: 20, usedAt: 2 },
  { name: 'a', sizeBytes: 10, usedAt: 1 },
  { name: 'c', sizeBytes: 30, usedAt: 3 },
];

describe('planEviction', () => {
  it.each<[number, number, string[], number]>([
    [60, 50, [], 60],
    [59, 50, ['a'], 50],
    [59, 49, ['a', 'b'], 30],
    [0, 0, ['a', 'b', 'c'], 0],
    [-1, -1, ['a', 'b', 'c'], 0],
  ])('within %i, down to %i, removes %j', (limitBytes, goalBytes, names, keptBytes) => {
    const plan = planEviction(BLOCKS, limitBytes, goalBytes);
    expect([plan.evicted.map(({ name }) => name), plan.keptBytes]).toEqual([names, keptBytes]);
  });
});
