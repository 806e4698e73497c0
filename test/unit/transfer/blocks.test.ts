import { describe, expect, it } from 'vitest';
import { blockAt, isCacheable, isSmallRead } from '../../../src/transfer/blocks.ts';
import { makeEntry } from './fake-drive.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const film = (sizeBytes: number) => makeEntry({ name: 'film.mkv', sizeBytes });

describe('a block', () => {
  it.each([
    1,
    64 * KIB,
    256 * KIB,
    256 * KIB + 1,
    MIB - 1,
    MIB,
    MIB + 1,
    MIB + 64 * KIB,
    MIB + 70_000,
    3 * MIB + 17,
    5 * MIB,
    6 * MIB + 5,
    20 * 2 ** 30 + 5,
  ])('holds its byte and borders on the next, in a file of %i bytes', (sizeBytes) => {
    const entry = film(sizeBytes);
    const starts = sizeBytes <= 5 * MIB ? [0] : [0, sizeBytes - 4 * MIB];
    const names = new Set<string>();
    for (const start of starts) {
      const end = start === 0 ? Math.min(sizeBytes, starts.length > 1 ? MIB : sizeBytes) : sizeBytes;
      for (let position = start; position < end; ) {
        const block = blockAt(entry, position);
        expect(block.first).toBeLessThanOrEqual(position);
        if (position !== start) expect(block.first).toBe(position);
        expect(block.last).toBeGreaterThanOrEqual(position);
        expect(block.last - block.first).toBeLessThan(sizeBytes <= 256 * KIB ? 256 * KIB : 64 * KIB);
        expect(blockAt(entry, block.last)).toEqual(block);
        expect(names.has(block.name)).toBe(false);
        names.add(block.name);
        position = block.last + 1;
      }
      expect(blockAt(entry, end - 1).last).toBe(end - 1);
    }
  });

  it('is what a scanner reads at either end', () => {
    const entry = film(3_000_000_001);
    expect(blockAt(entry, 0)).toMatchObject({ first: 0, last: 65_535, isWholeFile: false });
    const { sizeBytes } = entry;
    expect(blockAt(entry, sizeBytes - 65_536)).toMatchObject({ first: sizeBytes - 65_536, last: sizeBytes - 1 });
  });

  it('is the whole of a small file', () => {
    expect(blockAt(film(1_000), 500)).toMatchObject({ first: 0, last: 999, isWholeFile: true });
  });

  it('differs with the content and its length', () => {
    const entry = film(5 * MIB);
    const { name } = blockAt(entry, 0);
    expect(blockAt({ ...entry, contentHash: 'B'.repeat(40) }, 0).name).not.toBe(name);
    expect(blockAt({ ...entry, sizeBytes: 6 * MIB }, 0).name).not.toBe(name);
    expect(blockAt({ ...entry, id: 'other', driveId: '2', name: 'copy.mkv', updatedAt: 5 }, 0).name).toBe(name);
  });

  it('of a file without a hash differs with the file and its last change', () => {
    const entry = makeEntry({ contentHash: undefined, sizeBytes: 5 * MIB });
    const names = [entry, { ...entry, id: 'other' }, { ...entry, driveId: '2' }, { ...entry, updatedAt: 5 }].map(
      (one) => blockAt(one, 0).name,
    );
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(/^[\w-]+$/);
    expect(blockAt({ ...entry, name: 'renamed.mkv' }, 0).name).toBe(names[0]);
  });
});

describe('isCacheable', () => {
  const size = 2 ** 30;
  it.each<[string, number, number, boolean]>([
    ['the first bytes', 0, 1, true],
    ['all of the head', 0, MIB - 1, true],
    ['more than the head', 0, MIB, false],
    ['the middle', 2 ** 29, 2 ** 29 + 1, false],
    ['the end', size - 1, size - 1, true],
    ['all of the tail', size - 4 * MIB, size - 1, true],
    ['more than the tail', size - 4 * MIB - 1, size - 1, false],
    ['the whole', 0, size - 1, false],
  ])('%s', (_, first, last, expected) => {
    expect(isCacheable(film(size), { first, last })).toBe(expected);
  });

  it.each<[string, number, number, number, boolean]>([
    ['a file of a MiB', MIB, 0, MIB - 1, true],
    ['a film that is hardly more than its ends', 3 * MIB, 0, 3 * MIB - 1, false],
    ['nearly all of such a film', 3 * MIB, 1_000, 3 * MIB - 1, false],
    ['the end of one whose tail meets its head', MIB + 100, MIB + 100 - 65_536, MIB + 99, true],
  ])('%s', (_, sizeBytes, first, last, expected) => {
    expect(isCacheable(film(sizeBytes), { first, last })).toBe(expected);
  });

  it.each([
    ['a live photo', { name: 'IMG_1.livp', contentHash: undefined }],
    ['a file that lives with us', { id: 'alidav:junk:1' }],
  ])('nothing of %s', (_, overrides) => {
    expect(isCacheable(makeEntry({ sizeBytes: 10, ...overrides }), { first: 0, last: 9 })).toBe(false);
  });
});

describe('isSmallRead', () => {
  it.each<[string, string, number, [number, number] | undefined, boolean, boolean]>([
    ['a probe', 'film.mkv', 2 ** 30, [0, 1], false, true],
    ['a scan of the beginning', 'film.mkv', 2 ** 30, [0, 65_535], false, true],
    ['a scan of the end', 'film.mkv', 2 ** 30, [2 ** 30 - 65_536, 2 ** 30 - 1], true, true],
    ['a range in the middle', 'film.mkv', 2 ** 30, [2 ** 29, 2 ** 29 + 65_535], false, false],
    ['a film that is played', 'film.mkv', 2 ** 30, [0, 2 ** 30 - 1], true, false],
    ['a film that is copied', 'film.mkv', 2 ** 30, undefined, false, false],
    ['a small file as a whole', 'letter.txt', 1_000, undefined, false, false],
    ['a small file as a whole, by a range', 'letter.txt', 1_000, [0, 999], true, false],
    ['a few bytes of it', 'letter.txt', 1_000, [5, 9], false, true],
    ['all of it, asked for by its numbers', 'letter.txt', 1_000, [0, 999], false, true],
    ['a description', 'film.NFO', 1_000, undefined, false, true],
    ['subtitles', 'film.zh.srt', 100_000, [0, 99_999], true, true],
    ['a poster', 'poster.jpg', MIB, undefined, false, true],
    ['a photograph', 'IMG_1.JPG', MIB + 1, undefined, false, false],
  ])('%s', (_, name, sizeBytes, range, isOpenEnded, expected) => {
    const asked = range && { first: range[0], last: range[1] };
    expect(isSmallRead(makeEntry({ name, sizeBytes }), asked, isOpenEnded)).toBe(expected);
  });
});
