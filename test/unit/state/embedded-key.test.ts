import { describe, expect, it } from 'vitest';
import { encodeKey, startsWith } from '../../../src/state/embedded-key.ts';

const LONG = 'x'.repeat(300);

describe('encodeKey', () => {
  it.each([
    [['user', 'v1', 'device']],
    [['user', 'v1', '']],
    [['user', 'v1', 7, -1.5]],
    [['用户', 'v1', '😀']],
    [['user', '\u0001']],
  ])('leaves %j as it is', (key) => {
    expect(encodeKey(key)).toEqual({ parts: key, folded: false });
  });

  it.each([
    ['too long a part', LONG],
    ['a NUL', 'a\0b'],
    ['a lone surrogate', 'a\ud800'],
    ['a long part of few characters', '文'.repeat(90)],
  ])('folds %s', (_, part) => {
    const { parts, folded } = encodeKey(['user', part]);
    expect(folded).toBe(true);
    expect(Buffer.byteLength(String(parts[1]))).toBeLessThan(300);
    expect(parts[0]).toBe('user');
  });

  it.each([
    ['long parts that differ at their end', `${LONG}a`, `${LONG}b`],
    ['lone surrogates', '\ud800', '\ud801'],
    ['a NUL and none', 'a\0b', 'ab'],
  ])('keeps apart %s', (_, one, other) => {
    expect(encodeKey([one]).parts).not.toEqual(encodeKey([other]).parts);
  });

  it('gives no part the form of a folded one', () => {
    const [folded = ''] = encodeKey([LONG]).parts;
    expect(encodeKey([folded]).parts[0]).not.toBe(folded);
  });
});

describe('startsWith', () => {
  it.each([
    [['a', 'b'], ['a'], true],
    [['a'], ['a'], true],
    [['a'], ['a', 'b'], false],
    [['ab'], ['a'], false],
    [['a', 1], ['a', '1'], false],
  ])('%j under %j: %s', (key, prefix, expected) => {
    expect(startsWith(key, prefix)).toBe(expected);
  });
});
