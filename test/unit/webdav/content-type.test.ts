import { expect, it } from 'vitest';
import { contentTypeOf } from '../../../src/webdav/content-type.ts';
import { entryOf } from './memory-tree.ts';

it.each([
  ['a.txt', 'image/png', 'image/png'],
  ['a.txt', 'text/markdown; charset="utf-8"', 'text/markdown; charset="utf-8"'],
  ['a.bin', 'application/vnd.oasis.opendocument.text', 'application/vnd.oasis.opendocument.text'],
  ['a.txt', undefined, 'text/plain'],
  ['a.txt', '', 'text/plain'],
  ['a.txt', 'image', 'text/plain'],
  ['a.txt', 'a/b\r\nX-Evil: 1', 'text/plain'],
  ['a.txt', 'text/plain; charset=\u4e2d', 'text/plain'],
  ['nothing', 'image/', 'application/octet-stream'],
  ['a.unheard-of', undefined, 'application/octet-stream'],
])('%s that the service calls %j is %s', (name, mimeType, expected) => {
  expect(contentTypeOf({ name, entry: entryOf(name, { kind: 'file', mimeType }) })).toBe(expected);
});
