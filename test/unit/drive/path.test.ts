import { describe, expect, it } from 'vitest';
import { encodeSegment, formatHref, parseHref, parsePath, splitPath } from '../../../src/drive/path.ts';

describe('parsePath', () => {
  it.each([
    ['/', '/'],
    ['', '/'],
    ['Films', '/Films'],
    ['/Films/电影/', '/Films/电影'],
    ['/100%/a b#?', '/100%/a b#?'],
    ['/%2e%2e', '/%2e%2e'],
    ['/a/../b', undefined],
    ['..', undefined],
    ['/a\0', undefined],
  ])('%j is %j', (text, path) => {
    expect(parsePath(text)).toBe(path);
  });
});

describe('parseHref', () => {
  it.each([
    ['/', '/'],
    ['/a', '/a'],
    ['/a/b/', '/a/b'],
    ['//a///b//', '/a/b'],
    ['/%E7%94%B5%E5%BD%B1', '/电影'],
    ['/电影', '/电影'],
    ['/a%20b+c', '/a b+c'],
    ['/100%25', '/100%'],
    ['/%23%3F', '/#?'],
    ['/...', '/...'],
    ['/.hidden', '/.hidden'],
    ['/a%5Cb', '/a\\b'],
    ['/%F0%9F%8E%AC', '/🎬'],
    ['/e%CC%81', '/e\u0301'],
  ])('%s is %s', (href, path) => {
    expect(parseHref(href)).toBe(path);
  });

  it.each([
    ...['', 'a', '*', '%2Fa', '/%', '/%4', '/%zz', '/%E4%BD', '/%FF', '/%C0%AF', '/%ED%A0%80', '/a%00'],
    ...['/.', '/..', '/a/../b', '/%2E%2e/a', '/a/.%2e', '/a%2Fb', '/a/%2f'],
  ])('%s is malformed', (href) => {
    expect(parseHref(href)).toBeUndefined();
  });
});

describe('formatHref', () => {
  it.each([
    ['/', '/'],
    ['/a b/电影', '/a%20b/%E7%94%B5%E5%BD%B1'],
    ["/it's (a) *test*!", '/it%27s%20%28a%29%20%2Atest%2A%21'],
    ['/50% #1? <x>&"y"+z=;:@$,', '/50%25%20%231%3F%20%3Cx%3E%26%22y%22%2Bz%3D%3B%3A%40%24%2C'],
    ['/-._~', '/-._~'],
    ['/a\\b|c^d', '/a%5Cb%7Cc%5Ed'],
  ])('%s is %s, and back', (path, href) => {
    expect(formatHref(path)).toBe(href);
    expect(parseHref(href)).toBe(path);
  });

  it('replaces a lone surrogate, which has no UTF-8', () => {
    expect(encodeSegment('a\ud83c')).toBe('a%EF%BF%BD');
    expect(encodeSegment('\udfaca')).toBe('%EF%BF%BDa');
  });
});

describe('paths', () => {
  it('split into names', () => {
    expect(splitPath('/')).toEqual([]);
    expect(splitPath('/a')).toEqual(['a']);
    expect(splitPath('/a/b c')).toEqual(['a', 'b c']);
  });
});
