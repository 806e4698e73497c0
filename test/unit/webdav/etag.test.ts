import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { findContentLength, formatETag } from '../../../src/webdav/etag.ts';

const file: Entry = {
  driveId: 'd',
  id: '65f0a1b2c3d4e5f6',
  parentId: 'root',
  name: 'a.txt',
  kind: 'file',
  sizeBytes: 3,
  createdAt: 1_700_000_000_000,
  updatedAt: 1_700_000_001_000,
  contentHash: 'A9993E364706816ABA3E25717850C26C9CD0D89D',
  mimeType: 'text/plain',
  liveStreams: undefined,
  blockedReason: undefined,
  trashed: false,
};
const hashless: Entry = { ...file, contentHash: undefined };
const livePhoto: Entry = { ...hashless, name: 'IMG_1.LIVP', sizeBytes: 0 };
const knownLivePhoto: Entry = { ...livePhoto, sizeBytes: 99, liveStreams: [{ extension: 'mov', sizeBytes: 9 }] };

describe('formatETag', () => {
  it('is the content hash, so that a rename keeps it', () => {
    expect(formatETag(file)).toBe('"a9993e364706816aba3e25717850c26c9cd0d89d"');
    expect(formatETag({ ...file, id: 'other', name: 'b', updatedAt: 1 })).toBe(formatETag(file));
  });

  it.each([
    ['id', { id: 'other' }],
    ['size', { sizeBytes: 4 }],
    ['time', { updatedAt: 1_700_000_001_001 }],
  ])('without a hash changes with the %s', (_what, change) => {
    expect(formatETag({ ...hashless, ...change })).not.toBe(formatETag(hashless));
  });

  it.each([file, hashless, livePhoto, { ...hashless, id: 'we"ird \ud800 文' }])('is a strong entity tag', (entry) => {
    expect(formatETag(entry)).toMatch(/^"[\x21\x23-\x7e]+"$/);
  });

  it('of a live photo stays when its streams become known', () => {
    expect(formatETag(knownLivePhoto)).toBe(formatETag(livePhoto));
  });
});

describe('findContentLength', () => {
  it.each([
    ['a file', file, 3],
    ['an empty file', { ...file, sizeBytes: 0 }, 0],
    ['a live photo whose streams are unknown', livePhoto, undefined],
    ['a live photo whose streams are known', knownLivePhoto, 99],
    ['a plain file of that name', { ...file, name: 'IMG_1.livp' }, 3],
  ])('of %s', (_what, entry, expected) => {
    expect(findContentLength(entry)).toBe(expected);
  });
});
