import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/cli/arguments.ts';
import { parseExpiry } from '../../../src/cli/expiry.ts';

const NOW = new Date(2026, 10, 26, 8, 30).getTime();

describe('parseExpiry', () => {
  it.each([
    ['90m', NOW + 90 * 60_000],
    ['12h', NOW + 12 * 3_600_000],
    ['30d', NOW + 30 * 86_400_000],
    ['2w', NOW + 14 * 86_400_000],
    ['2027-01-01', new Date(2027, 0, 1).getTime()],
    ['2028-02-29', new Date(2028, 1, 29).getTime()],
    ['2027-01-01T18:00', new Date(2027, 0, 1, 18).getTime()],
    ['2027-01-01 18:00', new Date(2027, 0, 1, 18).getTime()],
    ['2027-01-01T18:00:30Z', Date.UTC(2027, 0, 1, 18, 0, 30)],
    ['2027-01-01T18:00+08:00', Date.UTC(2027, 0, 1, 10)],
  ])('reads %s', (text, at) => {
    expect(parseExpiry(text, NOW)).toBe(at);
  });

  it.each([
    '',
    '30',
    'd',
    '-1d',
    '1.5h',
    '30 d',
    '1y',
    '999999999999999999999d',
    'tomorrow',
    '2027',
    '2027-13-01',
    '2027-02-30',
    '2027-1-1',
    '01.02.2027',
    '2027-01-01T25:00',
    '9999-01-01',
  ])('refuses "%s" and says what it takes', (text) => {
    expect(() => parseExpiry(text, NOW)).toThrow(UsageError);
    expect(() => parseExpiry(text, NOW)).toThrow(/12h, 30d or 8w/);
  });

  it.each(['0d', '2026-11-26', '2026-11-26T08:30', '1999-12-31'])('refuses %s, which is over', (text) => {
    expect(() => parseExpiry(text, NOW)).toThrow(/over already/);
  });
});
