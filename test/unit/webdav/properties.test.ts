import { describe, expect, it } from 'vitest';
import {
  applyChanges,
  inheritRecord,
  modifiedAtOf,
  type PropertyRecord,
  visibleProperties,
  WIN32_MODIFIED,
} from '../../../src/webdav/properties.ts';
import { entryOf, UPDATED_AT } from './memory-tree.ts';

const HASH = 'AB'.repeat(20);
const WITH_HASH = entryOf('a.txt', { kind: 'file', sizeBytes: 3, contentHash: HASH });
const WITHOUT_HASH = entryOf('a.livp', { kind: 'file', sizeBytes: 3 });
const FOLDER = entryOf('folder');
const property = (name: string, value: string) => ({ namespace: 'urn:x', name, xml: `<${name}>${value}</${name}>` });
const remember = (entry = WITH_HASH, at = 5_000) => applyChanges(entry, undefined, [{ kind: 'modified-at', at }]);

describe('applyChanges', () => {
  it('follows the order of the changes', () => {
    const before: PropertyRecord = { properties: [property('a', '1'), property('b', '1')], modified: undefined };
    const after = applyChanges(WITH_HASH, before, [
      { kind: 'remove', name: { namespace: 'urn:x', name: 'a' } },
      { kind: 'set', property: property('c', '1') },
      { kind: 'set', property: property('a', '2') },
      { kind: 'set', property: property('c', '2') },
      { kind: 'remove', name: { namespace: 'urn:y', name: 'b' } },
    ]);
    expect(after.properties).toEqual([property('b', '1'), property('c', '2'), property('a', '2')]);
    expect(before.properties).toHaveLength(2);
  });

  it('keeps namespaces apart', () => {
    const twins = [
      { namespace: 'urn:x', name: 'a', xml: '1' },
      { namespace: 'urn:xa', name: 'a', xml: '2' },
      { namespace: '', name: 'a', xml: '3' },
    ];
    const { properties } = applyChanges(
      WITH_HASH,
      undefined,
      twins.map((twin) => ({ kind: 'set', property: twin })),
    );
    expect(properties).toEqual(twins);
  });
});

describe('a remembered time', () => {
  it.each([
    ['another name', WITH_HASH, { name: 'b.txt', updatedAt: 1 }, 5_000],
    ['a hash in other letters', WITH_HASH, { contentHash: HASH.toLowerCase() }, 5_000],
    ['other content', WITH_HASH, { contentHash: 'CD'.repeat(20) }, UPDATED_AT],
    ['nothing, without a hash', WITHOUT_HASH, {}, 5_000],
    ['another size, without a hash', WITHOUT_HASH, { sizeBytes: 4 }, UPDATED_AT],
    ['another time, without a hash', WITHOUT_HASH, { updatedAt: UPDATED_AT + 1 }, UPDATED_AT + 1],
    ['whatever of a folder', FOLDER, { updatedAt: 1, name: 'x' }, 5_000],
  ])('after %s', (_what, entry, part, expected) => {
    expect(modifiedAtOf({ ...entry, ...part }, remember(entry))).toBe(expected);
  });

  it('is taken back', () => {
    const record = applyChanges(WITH_HASH, remember(), [{ kind: 'modified-at', at: undefined }]);
    expect(modifiedAtOf(WITH_HASH, record)).toBe(UPDATED_AT);
    expect(modifiedAtOf(WITH_HASH, undefined)).toBe(UPDATED_AT);
  });

  it("takes Explorer's with it", () => {
    const win32 = { ...WIN32_MODIFIED, xml: '<w/>' };
    const set = applyChanges(WITH_HASH, undefined, [
      { kind: 'modified-at', at: 5_000 },
      { kind: 'set', property: win32 },
      { kind: 'set', property: property('a', '1') },
    ]);
    expect(visibleProperties(WITH_HASH, set)).toEqual([win32, property('a', '1')]);
    expect(visibleProperties({ ...WITH_HASH, contentHash: 'CD'.repeat(20) }, set)).toEqual([property('a', '1')]);
    expect(applyChanges(WITH_HASH, set, [{ kind: 'modified-at', at: 1 }]).properties).toEqual([property('a', '1')]);
  });
});

describe('inheritRecord', () => {
  const inherited = applyChanges(WITH_HASH, remember(), [{ kind: 'set', property: property('a', 'old') }]);

  it('of content that changed keeps the properties and not the time', () => {
    const to = { ...WITH_HASH, id: 'new', contentHash: 'CD'.repeat(20) };
    const record = inheritRecord(WITH_HASH, to, inherited, undefined, false);
    expect([record.properties, modifiedAtOf(to, record)]).toEqual([[property('a', 'old')], UPDATED_AT]);
  });

  it('leaves what the new one has already', () => {
    const to = { ...WITH_HASH, id: 'new', contentHash: 'CD'.repeat(20) };
    const own = applyChanges(to, remember(to, 9_000), [{ kind: 'set', property: property('b', 'own') }]);
    const record = inheritRecord(WITH_HASH, to, inherited, own, false);
    expect(record.properties).toEqual([property('a', 'old'), property('b', 'own')]);
    expect(modifiedAtOf(to, record)).toBe(9_000);
  });

  it.each([
    [true, 5_000],
    [false, UPDATED_AT + 7],
  ])('of a file without a hash, where its content is known to be the same: %s', (isSame, expected) => {
    const to = { ...WITHOUT_HASH, parentId: 'elsewhere', updatedAt: UPDATED_AT + 7 };
    const record = inheritRecord(WITHOUT_HASH, to, remember(WITHOUT_HASH), undefined, isSame);
    expect(modifiedAtOf(to, record)).toBe(expected);
  });
});
