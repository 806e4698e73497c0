import { describe, expect, it } from 'vitest';
import { countParts } from '../../../src/drive/part-count.ts';
import { choosePartSize, toPartRange } from '../../../src/transfer/parts-size.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe('the size of parts', () => {
  it.each([
    ['a small body is one part', 3 * MIB, 64 * MIB, 1, 8],
    ['one upload alone has large parts', GIB, 64 * MIB, 1, 12],
    ['they do not get too large', GIB, GIB, 1, 16],
    ['four share the memory', GIB, 64 * MIB, 4, 3],
    ['among many it does not get too small', GIB, 64 * MIB, 20, 1],
    ['little memory makes small parts', GIB, MIB, 1, 1],
    ['a huge body has parts as large as it takes', 100 * GIB, 64 * MIB, 20, 12],
    ['the largest file that the service takes', 2 * 1024 * GIB, 64 * MIB, 1, 234],
  ])('%s', (_, sizeBytes, memoryBytes, uploads, mib) => {
    const partSizeBytes = choosePartSize(sizeBytes, memoryBytes, uploads);
    expect(partSizeBytes).toBe(mib * MIB);
    expect(countParts(sizeBytes, partSizeBytes)).toBeLessThanOrEqual(9_000);
  });

  it.each([
    [0, 1, [{ number: 1, start: 0, end: 0 }]],
    [8, 8, [{ number: 1, start: 0, end: 8 }]],
    [
      17,
      8,
      [
        { number: 1, start: 0, end: 8 },
        { number: 2, start: 8, end: 16 },
        { number: 3, start: 16, end: 17 },
      ],
    ],
  ])('divides %d bytes by %d', (sizeBytes, partSizeBytes, ranges) => {
    const count = countParts(sizeBytes, partSizeBytes);
    expect(Array.from({ length: count }, (_, at) => toPartRange(at + 1, sizeBytes, partSizeBytes))).toEqual(ranges);
  });
});
