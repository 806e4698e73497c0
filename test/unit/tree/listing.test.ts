import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { Listing } from '../../../src/tree/listing.ts';
import { ListingCursor } from '../../../src/tree/listing-cursor.ts';
import { makeEntry, makeFiles, makeFolder } from './fake-drive.ts';

const ID = '65e1aa00bb11cc22dd33ee44ff5500112233';

function file(name: string, createdAt: number, tail: string): Entry {
  return makeEntry(name, { createdAt, id: ID + tail });
}

function namesById(pages: readonly (readonly Entry[])[], reservedName?: string): Record<string, string> {
  const listing = new Listing(reservedName);
  for (const page of pages) listing.addPage(page);
  for (const node of listing.nodes) expect(listing.findNode(node.name)).toBe(node);
  expect(new Set(listing.nodes.map((node) => node.name)).size).toBe(listing.nodes.length);
  return Object.fromEntries(listing.nodes.map((node) => [node.entry.id.slice(ID.length), node.name]));
}

describe('Listing', () => {
  it.each([
    [
      'the oldest keeps the plain name',
      [[file('a.txt', 2, 'bbbb'), file('a.txt', 1, 'aaaa')]],
      { aaaa: 'a.txt', bbbb: 'a (bbbb).txt' },
    ],
    [
      'equally old ones go by id',
      [[file('a.txt', 1, 'bbbb'), file('a.txt', 1, 'aaaa')]],
      { aaaa: 'a.txt', bbbb: 'a (bbbb).txt' },
    ],
    [
      'what came on an earlier page keeps its name',
      [[file('a', 2, 'bbbb')], [file('a', 1, 'aaaa')]],
      { aaaa: 'a (aaaa)', bbbb: 'a' },
    ],
    [
      'what is quoted at a name’s end alone is not quoted before the id',
      [[file('．', 1, 'aaaa'), file('．', 2, 'bbbb')]],
      { aaaa: '‛．', bbbb: '． (bbbb)' },
    ],
    [
      'only the last extension counts',
      [[file('a.tar.gz', 1, 'aaaa'), file('a.tar.gz', 2, 'bbbb')]],
      { aaaa: 'a.tar.gz', bbbb: 'a.tar (bbbb).gz' },
    ],
    [
      'a leading full stop begins no extension',
      [[file('.env', 1, 'aaaa'), file('.env', 2, 'bbbb')]],
      { aaaa: '.env', bbbb: '.env (bbbb)' },
    ],
    [
      'a sentence has no extension',
      [[file('1. Night falls', 1, 'aaaa'), file('1. Night falls', 2, 'bbbb')]],
      { aaaa: '1. Night falls', bbbb: '1. Night falls (bbbb)' },
    ],
    [
      'a taken suffix grows',
      [[file('a', 1, 'aaaa'), file('a (bbbb)', 2, 'cccc'), file('a', 3, 'bbbb')]],
      { aaaa: 'a', cccc: 'a (bbbb)', bbbb: 'a (2233bbbb)' },
    ],
    [
      'a suffixed name given before keeps its owner',
      [[file('a', 1, 'aaaa'), file('a', 2, 'bbbb'), file('a (bbbb)', 3, 'cccc')]],
      { aaaa: 'a', bbbb: 'a (bbbb)', cccc: 'a (bbbb) (cccc)' },
    ],
    [
      'case and normalisation tell names apart',
      [[file('é', 1, 'aaaa'), file('e\u0301', 2, 'bbbb'), file('É', 3, 'cccc')]],
      { aaaa: 'é', bbbb: 'e\u0301', cccc: 'É' },
    ],
    [
      'names that look alike are distinct',
      [[file('a/b', 1, 'aaaa'), file('a／b', 2, 'bbbb')]],
      { aaaa: 'a／b', bbbb: 'a‛／b' },
    ],
    [
      'an entry that two pages hold is listed once',
      [
        [file('a', 1, 'aaaa'), file('a', 2, 'bbbb')],
        [file('a', 2, 'bbbb'), file('a', 1, 'aaaa')],
      ],
      { aaaa: 'a', bbbb: 'a (bbbb)' },
    ],
  ])('%s', (_, pages, expected) => {
    expect(namesById(pages)).toEqual(expected);
  });

  it('gives a folder its suffix at the end', () => {
    const pages = [[makeFolder('v1.2', { id: `${ID}aaaa` }), makeFolder('v1.2', { id: `${ID}bbbb`, createdAt: 2 })]];
    expect(namesById(pages)).toEqual({ aaaa: 'v1.2', bbbb: 'v1.2 (bbbb)' });
  });

  it('gives away no reserved name', () => {
    expect(namesById([[file('.alidav', 1, 'aaaa')]], '.alidav')).toEqual({ aaaa: '.alidav (aaaa)' });
    expect(namesById([[file('.alidav', 1, 'aaaa')]])).toEqual({ aaaa: '.alidav' });
  });

  it('keeps entries apart whose ids say nothing', () => {
    const listing = new Listing(undefined);
    listing.addPage(['', '-', '--', 'x'].map((id, createdAt) => makeEntry('a', { id, createdAt })));
    expect(listing.nodes.map((node) => node.name)).toEqual(['a', 'a ( 2)', 'a ( 3)', 'a (x)']);
  });

  it('names a thousand entries of one name', () => {
    const entries = Array.from({ length: 1000 }, (_, n) => file('a', n, String(n).padStart(4, '0')));
    expect(Object.keys(namesById([entries]))).toHaveLength(1000);
  });
});

/** Names and the ids under them, and that every way to them agrees. */
function view(listing: Listing): Record<string, string> {
  for (const node of listing.nodes) {
    expect(listing.findNode(node.name)).toBe(node);
    expect(listing.has(node.entry.id)).toBe(true);
  }
  const shown = Object.fromEntries(listing.nodes.map(({ name, entry }) => [name, entry.id]));
  expect(Object.keys(shown)).toHaveLength(listing.size);
  return shown;
}

describe('a listing that our own writes change', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name, createdAt) => makeEntry(name, { id: name, createdAt }));
  if (!a || !b || !c) throw new Error('three entries');

  function list(...entries: Entry[]): Listing {
    const listing = new Listing('reserved');
    listing.addPage(entries);
    return listing;
  }

  it.each<[string, Entry[], Entry[], Record<string, string>]>([
    ['a new entry', [], [makeEntry('d', { id: 'd' })], { a: 'a', b: 'b', c: 'c', d: 'd' }],
    ['one that is gone', [b], [], { a: 'a', c: 'c' }],
    ['one that never was', [makeEntry('x', { id: 'x' })], [], { a: 'a', b: 'b', c: 'c' }],
    ['a new name', [b], [{ ...b, name: 'd' }], { a: 'a', d: 'b', c: 'c' }],
    ['new content', [], [{ ...b, sizeBytes: 9 }], { a: 'a', b: 'b', c: 'c' }],
    ['a successor', [b], [{ ...b, id: 'd' }], { a: 'a', b: 'd', c: 'c' }],
    ['a move over another', [c, b], [{ ...b, name: 'c' }], { a: 'a', c: 'b' }],
    ['a name in use by another', [], [{ ...b, id: 'dddd' }], { a: 'a', b: 'b', c: 'c', 'b (dddd)': 'dddd' }],
    ['a reserved name', [], [{ ...b, name: 'reserved' }], { a: 'a', c: 'c', 'reserved (b)': 'b' }],
  ])('takes in %s', (_, removed, placed, expected) => {
    const listing = list(a, b, c);
    const { nodes } = listing;
    const before = [...nodes];
    listing.patch(removed, placed);
    expect(view(listing)).toEqual(expected);
    for (const entry of placed) {
      expect(listing.nodes.find((node) => node.entry.id === entry.id)?.entry).toBe(entry);
    }
    expect(nodes).toEqual(before);
  });

  it('lets a name that became free stay free, and gives it to the next who comes', () => {
    const twin = { ...b, id: 'bbbb' };
    const listing = list(a, b, twin);
    listing.remove('b');
    expect(view(listing)).toEqual({ a: 'a', 'b (bbbb)': 'bbbb' });
    listing.put({ ...c, name: 'b' });
    expect(view(listing)).toEqual({ a: 'a', 'b (bbbb)': 'bbbb', b: 'c' });
  });

  it('calls a successor as its predecessor was called', () => {
    const twin = { ...b, id: 'bbbb' };
    const listing = list(b, twin);
    listing.patch([twin], [{ ...b, id: 'dddd' }]);
    expect(view(listing)).toEqual({ b: 'b', 'b (bbbb)': 'dddd' });
  });

  it('takes a page that tells otherwise of an entry that is here', () => {
    const listing = list(a);
    listing.put(b);
    listing.addPage([{ ...b, name: 'renamed' }, c, a]);
    expect(view(listing)).toEqual({ a: 'a', renamed: 'b', c: 'c' });
  });
});

describe('ListingCursor', () => {
  it('hands out what comes, once', () => {
    const listing = new Listing(undefined);
    const cursor = new ListingCursor(listing);
    expect(cursor.take()).toEqual([]);
    listing.addPage(makeFiles(3));
    expect(cursor.take()).toHaveLength(3);
    listing.addPage(makeFiles(2, 3));
    listing.put(makeEntry('own'));
    expect(cursor.take().map(({ name }) => name)).toEqual(['file-000003', 'file-000004', 'own']);
    expect(cursor.take()).toEqual([]);
  });

  it('hands out no name and no entry again when the listing was changed behind it', () => {
    const listing = new Listing(undefined);
    const cursor = new ListingCursor(listing);
    const [first, second, third, fourth] = makeFiles(4);
    if (!first || !second || !third || !fourth) throw new Error('four files');
    listing.addPage([first, second]);
    cursor.take();
    listing.patch([first], [{ ...first, name: 'renamed' }]);
    listing.patch([second], [{ ...second, id: 'successor' }]);
    listing.addPage([third, fourth]);
    listing.remove(fourth.id);
    expect(cursor.take().map(({ name }) => name)).toEqual([third.name]);
    listing.put(makeEntry('own'));
    expect(cursor.take().map(({ name }) => name)).toEqual(['own']);
    expect(cursor.take()).toEqual([]);
  });
});
