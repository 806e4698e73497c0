import { describe, expect, it } from 'vitest';
import { createDateFormats } from '../../../src/webdav/date-formats.ts';

describe('createDateFormats', () => {
  it.each([
    ['the first millisecond', 1],
    ['a leap day', Date.UTC(2024, 1, 29, 23, 59, 59, 999)],
    ['midnight', Date.UTC(2026, 0, 1)],
    ['the last second of four digits', Date.UTC(9999, 11, 31, 23, 59, 59)],
    ['a fraction of a millisecond', 1_700_000_000_000.75],
  ])('agrees with Date on %s', (_what, atMs) => {
    const dates = createDateFormats();
    for (const _once of ['computed', 'remembered']) {
      expect(dates.formatHttpDate(atMs)).toBe(new Date(atMs).toUTCString());
      expect(dates.formatIsoDate(atMs)).toBe(new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z'));
    }
  });

  it('agrees with Date wherever in a year', () => {
    const dates = createDateFormats();
    for (let atMs = Date.UTC(2025, 0); atMs < Date.UTC(2026, 1); atMs += 12_345_678) {
      expect(dates.formatHttpDate(atMs)).toBe(new Date(atMs).toUTCString());
    }
  });

  it.each([Number.NaN, -1, 0, Number.POSITIVE_INFINITY, Date.UTC(10_000, 0)])('has no form for %s', (atMs) => {
    const dates = createDateFormats();
    expect([dates.formatHttpDate(atMs), dates.formatIsoDate(atMs)]).toEqual([undefined, undefined]);
  });
});
