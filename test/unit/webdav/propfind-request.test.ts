import { describe, expect, it } from 'vitest';
import { parsePropfind } from '../../../src/webdav/propfind-request.ts';

const body = (inner: string) => `<?xml version="1.0"?><D:propfind xmlns:D="DAV:" xmlns:x="urn:x">${inner}</D:propfind>`;
const manyNames = (count: number) => Array.from({ length: count }, (_, index) => `<x:p${index}/>`).join('');

describe('parsePropfind', () => {
  it.each([
    ['an empty body', '', { kind: 'allprop', include: [] }],
    ['allprop', body('<D:allprop/>'), { kind: 'allprop', include: [] }],
    [
      'allprop with include',
      body('<D:allprop/><D:include><x:a/></D:include>'),
      { kind: 'allprop', include: [{ namespace: 'urn:x', name: 'a' }] },
    ],
    ['propname', body('<D:propname/>'), { kind: 'propname' }],
    ['prop without names', body('<D:prop/>'), { kind: 'prop', names: [] }],
    [
      'prop, each name once',
      body('<D:prop><D:getetag/><x:getetag/><D:getetag/><none xmlns=""><D:inner/></none></D:prop>'),
      {
        kind: 'prop',
        names: [
          { namespace: 'DAV:', name: 'getetag' },
          { namespace: 'urn:x', name: 'getetag' },
          { namespace: '', name: 'none' },
        ],
      },
    ],
    ['elements that nobody knows', body('<x:prop/><x:leave-me/><D:propname/>'), { kind: 'propname' }],
    ['as many names as may be', body(`<D:prop>${manyNames(256)}</D:prop>`), expect.objectContaining({ kind: 'prop' })],
  ])('reads %s', (_what, text, expected) => {
    expect(parsePropfind(text)).toEqual(expected);
  });

  it.each([
    ['another root', '<D:prop xmlns:D="DAV:"/>', 400],
    ['a root of another namespace', '<propfind xmlns="DAV"><prop/></propfind>', 400],
    ['nothing inside', body(''), 400],
    ['two kinds', body('<D:propname/><D:allprop/>'), 400],
    ['two props', body('<D:prop/><D:prop/>'), 400],
    ['blanks alone', '  ', 400],
    ['too many names', body(`<D:prop>${manyNames(257)}</D:prop>`), 413],
    ['too many included names', body(`<D:allprop/><D:include>${manyNames(257)}</D:include>`), 413],
  ])('refuses %s', (_what, text, status) => {
    expect(() => parsePropfind(text)).toThrow(expect.objectContaining({ name: 'DavError', status }));
  });
});
