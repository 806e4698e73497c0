import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { parseDestination, parseOverwrite } from '../../../src/webdav/destination.ts';

const withHeaders = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage;

describe('the Destination header', () => {
  it.each([
    ['http://127.0.0.1:8080/a/b.txt', '/a/b.txt'],
    ['https://nas.example/a%20b/%E6%96%87', '/a b/文'],
    ['http://user:p%40ss@host/a', '/a'],
    ['/relative/path/', '/relative/path'],
    ['http://host', '/'],
    ['HTTP://HOST/a', '/a'],
    ['/a/Notes.', '/a/Notes．'],
  ])('%s names %s', (destination, path) => {
    expect(parseDestination(withHeaders({ destination }))).toBe(path);
  });

  it.each(['', 'a/b', '/a?b', 'http://h/a#b', '/%zz', '/a/../b', '/%2e%2e/b', '/a%2fb', '/a%00', '/ä¸\u00ad.txt'])(
    'refuses "%s"',
    (destination) => {
      expect(() => parseDestination(withHeaders({ destination }))).toThrow(expect.objectContaining({ status: 400 }));
    },
  );
});

describe('the Overwrite header', () => {
  it.each([
    [undefined, true],
    ['T', true],
    ['t', true],
    ['F', false],
    [' f ', false],
  ])('%s means %s', (overwrite, expected) => {
    expect(parseOverwrite(withHeaders(overwrite === undefined ? {} : { overwrite }))).toBe(expected);
  });

  it('refuses anything else', () => {
    expect(() => parseOverwrite(withHeaders({ overwrite: 'yes' }))).toThrow(expect.objectContaining({ status: 400 }));
  });
});
