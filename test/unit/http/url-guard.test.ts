import { describe, expect, it } from 'vitest';
import { parseTarget } from '../../../src/http/url-guard.ts';

describe('parseTarget', () => {
  it.each([
    ['GET', '/', { path: '/', url: '/', authority: undefined }],
    ['GET', '/a/b/', { path: '/a/b', url: '/a/b/', authority: undefined }],
    ['GET', '/a%20b?x=%zz', { path: '/a b', url: '/a%20b?x=%zz', authority: undefined }],
    ['GET', '//evil.example/a', { path: '/evil.example/a', url: '//evil.example/a', authority: undefined }],
    ['GET', '/%2e%61lidav', { path: '/.alidav', url: '/%2e%61lidav', authority: undefined }],
    ['OPTIONS', '*', { path: '/', url: '/', authority: undefined }],
    ['GET', 'http://host:81/a?b', { path: '/a', url: '/a?b', authority: 'host:81' }],
    ['GET', 'HTTPS://user:pass@host', { path: '/', url: '/', authority: 'host' }],
    ['GET', 'http://host?q', { path: '/', url: '/?q', authority: 'host' }],
  ])('%s %s', (method, target, expected) => {
    expect(parseTarget(method, target)).toEqual(expected);
  });

  it.each([
    ['broken encoding', 'GET', '/%'],
    ['broken encoding', 'GET', '/%zz'],
    ['cut UTF-8', 'GET', '/%E4%BD'],
    ['raw UTF-8, as a parser that takes it hands it on', 'GET', '/Ã©'],
    ['NUL', 'GET', '/a%00b'],
    ['parent segment', 'GET', '/a/../b'],
    ['encoded parent segment', 'GET', '/a/%2e%2E/b'],
    ['parent segment at the end', 'GET', '/..'],
    ['dot segment', 'GET', '/./a'],
    ['encoded slash', 'GET', '/a%2Fb'],
    ['fragment', 'DELETE', '/a#b'],
    ['no slash', 'GET', 'a'],
    ['empty', 'GET', ''],
    ['asterisk of another method', 'PROPFIND', '*'],
    ['no host', 'GET', 'http:///a'],
    ['another scheme', 'GET', 'ftp://host/a'],
    ['parent segment in absolute-form', 'GET', 'http://host/../a'],
  ])('refuses %s: %s %s', (_what, method, target) => {
    expect(parseTarget(method, target)).toMatchObject({ status: 400 });
  });

  it('refuses what is too long', () => {
    expect(parseTarget('GET', `/${'a'.repeat(32 * 1024)}`)).toMatchObject({ status: 414 });
    expect(parseTarget('GET', `/${'a'.repeat(32 * 1024 - 1)}`)).toHaveProperty('path');
  });
});
