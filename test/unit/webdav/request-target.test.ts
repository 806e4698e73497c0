import { describe, expect, it } from 'vitest';
import { parseRequestTarget } from '../../../src/webdav/request-target.ts';

describe('parseRequestTarget', () => {
  it.each([
    ['/', '/', true],
    ['/a/b', '/a/b', false],
    ['/a/b/', '/a/b', true],
    ['//a///b', '/a/b', false],
    ['/a%20b/%E6%96%87?x=/y/', '/a b/文', false],
    ['/a%5Cb%23%3F', '/a\\b#?', false],
    ['/..%5C..%5Cx', '/..\\..\\x', false],
    ['http://host:80/a/?x', '/a', true],
    ['HTTPS://host', '/', true],
    ['http://host?x', '/', true],
  ])('reads %s', (target, path, hasTrailingSlash) => {
    expect(parseRequestTarget(target, 'GET')).toEqual({ path, askedPath: path, hasTrailingSlash });
  });

  it('knows a name under the form that listings show, and remembers how it was asked for', () => {
    expect(parseRequestTarget('/a%20/Notes.', 'GET')).toMatchObject({ path: '/a␠/Notes．', askedPath: '/a /Notes.' });
    const shown = '/a␠/Notes．/‛␀';
    expect(parseRequestTarget(encodeURI(shown), 'GET')).toMatchObject({ path: shown, askedPath: shown });
  });

  it('takes * for the server, of OPTIONS alone', () => {
    expect(parseRequestTarget('*', 'OPTIONS').path).toBe('/');
    expect(() => parseRequestTarget('*', 'PROPFIND')).toThrow(expect.objectContaining({ status: 400 }));
  });

  it.each(['/%', '/%E4%BD', '/a%zz', '/a%2Fb', '/a/../b', '/%2e%2e/x', '/.', '/a%00', '/a#b', 'a'])(
    'refuses %j',
    (target) => {
      expect(() => parseRequestTarget(target, 'GET')).toThrow(
        expect.objectContaining({ name: 'DavError', status: 400 }),
      );
    },
  );
});
