import { describe, expect, it } from 'vitest';
import { countParts } from '../../../src/drive/part-count.ts';

describe('countParts', () => {
  it.each([
    [0, 1],
    [1, 1],
    [10, 1],
    [11, 2],
  ])('%i bytes', (sizeBytes, expected) => {
    expect(countParts(sizeBytes, 10)).toBe(expected);
  });
});
