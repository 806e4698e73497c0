import { describe, expect, it } from 'vitest';
import {
  evaluateConditions,
  isRangeCurrent,
  parseHttpDate,
  parseRange,
  type Validators,
} from '../../../src/webdav/conditions.ts';

const MODIFIED = 'Fri, 01 Mar 2024 08:15:30 GMT';
const BEFORE = 'Fri, 01 Mar 2024 08:15:29 GMT';
const AFTER = 'Sat, 02 Mar 2024 00:00:00 GMT';
const current: Validators = { etag: '"abc"', lastModifiedAt: Date.parse(MODIFIED) + 123 };

describe('evaluateConditions', () => {
  it.each<[Record<string, string>, string]>([
    [{}, 'proceed'],
    [{ 'if-match': '"abc"' }, 'proceed'],
    [{ 'if-match': '*' }, 'proceed'],
    [{ 'if-match': '"x", "abc"' }, 'proceed'],
    [{ 'if-match': '"x"' }, 'precondition-failed'],
    [{ 'if-match': 'abc' }, 'precondition-failed'],
    // Strong comparison: a weak tag never matches.
    [{ 'if-match': 'W/"abc"' }, 'precondition-failed'],
    [{ 'if-unmodified-since': MODIFIED }, 'proceed'],
    [{ 'if-unmodified-since': BEFORE }, 'precondition-failed'],
    [{ 'if-unmodified-since': 'yesterday' }, 'proceed'],
    // If-Match stands in for If-Unmodified-Since.
    [{ 'if-match': '"abc"', 'if-unmodified-since': BEFORE }, 'proceed'],
    [{ 'if-none-match': '"abc"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"abc"' }, 'not-modified'],
    [{ 'if-none-match': '"a,b",W/"abc"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"x"' }, 'proceed'],
    [{ 'if-none-match': 'abc' }, 'proceed'],
    [{ 'if-none-match': 'JoplinIgnore-1700000000000' }, 'proceed'],
    [{ 'if-modified-since': MODIFIED }, 'not-modified'],
    [{ 'if-modified-since': AFTER }, 'not-modified'],
    [{ 'if-modified-since': BEFORE }, 'proceed'],
    [{ 'if-modified-since': '2024-03-02' }, 'proceed'],
    // If-None-Match stands in for If-Modified-Since.
    [{ 'if-none-match': '"x"', 'if-modified-since': AFTER }, 'proceed'],
    [{ 'if-match': '"x"', 'if-none-match': '"abc"' }, 'precondition-failed'],
    [{ 'if-match': '"abc"', 'if-none-match': '"abc"' }, 'not-modified'],
    [{ 'if-unmodified-since': BEFORE, 'if-none-match': '"abc"' }, 'precondition-failed'],
  ])('GET with %j: %s', (headers, expected) => {
    expect(evaluateConditions('GET', headers, current)).toBe(expected);
    expect(evaluateConditions('HEAD', headers, current)).toBe(expected);
  });

  it.each<[Record<string, string>, string]>([
    [{ 'if-none-match': '"abc"' }, 'precondition-failed'],
    [{ 'if-none-match': '*' }, 'precondition-failed'],
    [{ 'if-none-match': 'JoplinIgnore-1' }, 'proceed'],
    [{ 'if-modified-since': AFTER }, 'proceed'],
    [{ 'if-match': '"abc"' }, 'proceed'],
  ])('PUT with %j: %s', (headers, expected) => {
    expect(evaluateConditions('PUT', headers, current)).toBe(expected);
  });

  it.each([{ 'if-modified-since': AFTER }, { 'if-unmodified-since': BEFORE }])(
    'ignores %j where no time is known',
    (headers) => {
      expect(evaluateConditions('GET', headers, { ...current, lastModifiedAt: 0 })).toBe('proceed');
    },
  );

  it.each<[Record<string, string>, string]>([
    [{ 'if-none-match': '*' }, 'proceed'],
    [{ 'if-match': '*' }, 'precondition-failed'],
    [{ 'if-match': '"abc"' }, 'precondition-failed'],
    [{ 'if-unmodified-since': BEFORE }, 'proceed'],
  ])('PUT of something new with %j: %s', (headers, expected) => {
    expect(evaluateConditions('PUT', headers, undefined)).toBe(expected);
  });
});

describe('isRangeCurrent', () => {
  it.each([
    ['"abc"', true],
    ['"x"', false],
    ['W/"abc"', false],
    [MODIFIED, true],
    [AFTER, false],
    [BEFORE, false],
    ['abc', false],
  ])('%s: %s', (ifRange, expected) => {
    expect(isRangeCurrent(ifRange, current)).toBe(expected);
  });

  it('takes no date for current where no time is known', () => {
    expect(isRangeCurrent(new Date(0).toUTCString(), { ...current, lastModifiedAt: 0 })).toBe(false);
  });
});

describe('parseRange', () => {
  it.each([
    ['bytes=0-0', [0, 0]],
    ['bytes=10-19', [10, 19]],
    ['bytes=10-', [10, 99]],
    ['bytes=-10', [90, 99]],
    ['bytes=-1000', [0, 99]],
    ['bytes=90-1000', [90, 99]],
    [`bytes=90-${'9'.repeat(400)}`, [90, 99]],
    ['Bytes=1-2', [1, 2]],
    ['bytes = 1 - 2 ', [1, 2]],
    ['bytes=1-2,', [1, 2]],
    ['bytes=99-99', [99, 99]],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=100-200', 'unsatisfiable'],
    [`bytes=${'9'.repeat(400)}-`, 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', 'whole'],
    ['bytes=0-1,3-4', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=', 'whole'],
    ['bytes=a-b', 'whole'],
    ['bytes=1-2x', 'whole'],
    ['bytes=--1', 'whole'],
    ['bytes=0x1-2', 'whole'],
    ['bytes', 'whole'],
    ['items=0-3', 'whole'],
    ['npt=0-', 'whole'],
    ['', 'whole'],
    [undefined, 'whole'],
  ])('%s', (header, expected) => {
    const asked = parseRange(header, 100);
    expect(asked.kind === 'part' ? [asked.range.first, asked.range.last] : asked.kind).toEqual(expected);
  });

  it.each(['bytes=0-', 'bytes=0-0', 'bytes=-5', 'bytes=10-'])('of an empty file is all of it: %s', (header) => {
    expect(parseRange(header, 0)).toEqual({ kind: 'whole' });
  });
});

describe('parseHttpDate', () => {
  it.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT', 784_111_777],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 784_111_777],
    ['Sun Nov  6 08:49:37 1994', 784_111_777],
    ['Sun, 06 Nov 1994 08:49:37 +0100', undefined],
    ['1994', undefined],
    ['Sun, 99 Nov 1994 08:49:37 GMT', undefined],
    [undefined, undefined],
  ])('%s', (text, expected) => {
    expect(parseHttpDate(text)).toBe(expected);
  });
});
