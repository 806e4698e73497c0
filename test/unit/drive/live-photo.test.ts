import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { isLivePhoto, livePhotoMemberName, livePhotoZipSize } from '../../../src/drive/live-photo.ts';

const photo: Entry = {
  driveId: '1',
  id: 'a',
  parentId: 'root',
  name: 'IMG_0001.livp',
  kind: 'file',
  sizeBytes: 0,
  createdAt: 0,
  updatedAt: 0,
  contentHash: undefined,
  mimeType: undefined,
  liveStreams: undefined,
  blockedReason: undefined,
  trashed: false,
};

describe('livePhotoZipSize', () => {
  it('is that of an empty zip without streams', () => {
    expect(livePhotoZipSize('a.livp', [])).toBe(22);
  });

  it('counts each name twice, in bytes and not in characters', () => {
    const streams = [{ extension: 'mov', sizeBytes: 1000 }];
    expect(livePhotoZipSize('花.livp', streams) - livePhotoZipSize('x.livp', streams)).toBe(4);
    expect(livePhotoZipSize('x.livp', streams)).toBe(22 + 30 + 16 + 46 + 9 + 2 * 'x.mov'.length + 1000);
  });
});

describe('livePhotoMemberName', () => {
  it.each([
    ['IMG_1.livp', 'heic', 'IMG_1.heic'],
    ['IMG_1.LIVP', 'mov', 'IMG_1.mov'],
    ['a/b\\c.livp', 'mov', 'a_b_c.mov'],
    ['c:\u0007x.livp', 'mov', 'c__x.mov'],
    ['../../etc.livp', 'mov', '.._.._etc.mov'],
    ['.livp', 'mov', '.mov'],
  ])('%j with %s is %j', (name, extension, expected) => {
    expect(livePhotoMemberName(name, extension)).toBe(expected);
  });
});

describe('isLivePhoto', () => {
  it.each([
    ['listed without its streams', photo, true],
    ['known by its streams', { ...photo, name: 'renamed.zip', liveStreams: [] }, true],
    ['a zip somebody uploaded under that ending', { ...photo, contentHash: 'A'.repeat(40) }, false],
    ['another ending', { ...photo, name: 'a.jpg' }, false],
    ['a folder', { ...photo, kind: 'folder' as const }, false],
  ])('%s', (_, entry, expected) => {
    expect(isLivePhoto(entry)).toBe(expected);
  });
});
