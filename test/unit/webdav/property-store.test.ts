import { describe, expect, it, onTestFinished } from 'vitest';
import { openEmbeddedStore } from '../../../src/state/embedded.ts';
import { PropertyStore, recordIdOf } from '../../../src/webdav/property-store.ts';
import { temporaryFolder } from '../state/temporary-folder.ts';
import { entryOf } from './memory-tree.ts';
import { createState } from './state.ts';

const FILE = entryOf('a.txt', { kind: 'file', parentId: 'p', contentHash: 'AB'.repeat(20) });
const OTHER = { ...FILE, id: 'other' };
const FOLDER = { driveId: '1', id: 'p' };
const property = (name: string, xml = `<${name}/>`) => ({ namespace: '', name, xml });
const set = (name: string, xml?: string) => ({ kind: 'set', property: property(name, xml) }) as const;

describe('PropertyStore', () => {
  it('finds a record by its entry and by its folder, and by no other', async () => {
    const { properties } = createState();
    await properties.update(FILE, [set('a')]);
    const record = { properties: [property('a')], modified: undefined };
    expect(await properties.of(FILE)).toEqual(record);
    expect(await properties.of(entryOf('renamed', { ...FILE, name: 'renamed', updatedAt: 1 }))).toEqual(record);
    expect(await properties.ofFolder(FOLDER)).toEqual(new Map([[FILE.id, record]]));
    for (const other of [{ id: 'other' }, { parentId: 'q' }, { driveId: '2' }]) {
      expect(await properties.of({ ...FILE, ...other })).toBeUndefined();
    }
    for (const other of [
      { driveId: '2', id: 'p' },
      { driveId: '1', id: 'q' },
    ]) {
      expect((await properties.ofFolder(other)).size).toBe(0);
    }
    expect(await properties.foldersWithRecords('1')).toEqual(new Set(['p']));
    expect(await properties.foldersWithRecords('2')).toEqual(new Set());
  });

  it("keeps the drives' own folders apart", async () => {
    const { properties } = createState();
    const roots = ['1', '2'].map((driveId) => entryOf('root', { driveId, id: 'root', parentId: '' }));
    for (const root of roots) await properties.update(root, [set(`of-${root.driveId}`)]);
    const records = await properties.ofFolder({ driveId: '', id: '' });
    const names = roots.map((root) => records.get(recordIdOf(root))?.properties.map(({ name }) => name));
    expect(names).toEqual([['of-1'], ['of-2']]);
  });

  it('loses nothing to those who write at the same time', async () => {
    const { properties } = createState();
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => properties.update(FILE, [set(name)])));
    expect((await properties.of(FILE))?.properties.map(({ name }) => name).toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('keeps all or nothing, and only so much', async () => {
    const { properties } = createState();
    await properties.update(FILE, [set('a')]);
    const tooMuch = properties.update(FILE, [set('b'), set('c', 'x'.repeat(70_000))]);
    await expect(tooMuch).rejects.toMatchObject({ status: 507 });
    expect((await properties.of(FILE))?.properties).toEqual([property('a')]);
  });

  it('remembers times', async () => {
    const { properties } = createState();
    await properties.rememberModifiedAt(FILE, 1_234);
    expect(properties.modifiedAtOf(FILE, await properties.of(FILE))).toBe(1_234);
    expect(properties.modifiedAtOf({ ...FILE, contentHash: 'CD' }, await properties.of(FILE))).toBe(FILE.updatedAt);
  });

  it('moves, copies and removes', async () => {
    const { properties, store } = createState();
    await properties.update(FILE, [set('a')]);
    const moved = { ...FILE, parentId: 'q' };
    await properties.follow({ removed: [FILE], placed: [moved] });
    expect([await properties.of(FILE), (await properties.of(moved))?.properties]).toEqual([undefined, [property('a')]]);
    await properties.follow({ removed: [moved], placed: [{ ...moved, name: 'renamed in place' }] });
    await properties.follow({ removed: [], placed: [OTHER], origins: [{ how: 'copied', from: moved, to: OTHER }] });
    expect((await properties.of(moved))?.properties).toEqual([property('a')]);
    expect((await properties.of(OTHER))?.properties).toEqual([property('a')]);
    await properties.follow({ removed: [FILE], placed: [OTHER], origins: [{ how: 'moved', from: FILE, to: OTHER }] });
    await properties.copied(FILE, OTHER);
    expect((await properties.of(OTHER))?.properties).toEqual([property('a')]);
    await properties.follow({ removed: [OTHER, moved], placed: [] });
    await properties.follow({ removed: [OTHER], placed: [] });
    expect(store.values.size).toBe(0);
  });

  it('what was moved or copied over another has its own, and nothing of what was there', async () => {
    for (const how of ['moved', 'copied'] as const) {
      const { properties } = createState();
      const there = { ...OTHER, id: 'there' };
      const arrived = { ...OTHER, id: 'arrived' };
      await properties.update(FILE, [set('a')]);
      await properties.update(there, [set('b')]);
      const removed = how === 'moved' ? [FILE, there] : [there];
      await properties.follow({ removed, placed: [arrived], origins: [{ how, from: FILE, to: arrived }] });
      expect((await properties.of(arrived))?.properties).toEqual([property('a')]);
      expect(await properties.of(there)).toBeUndefined();
      expect((await properties.of(FILE))?.properties).toEqual(how === 'moved' ? undefined : [property('a')]);
    }
  });

  it('an overwritten file keeps its properties, and the time of the new content, in whatever order they come', async () => {
    for (const isTimeFirst of [true, false]) {
      const { properties } = createState();
      const to = { ...FILE, id: 'new', contentHash: 'CD'.repeat(20) };
      await properties.update(FILE, [set('a'), { kind: 'modified-at', at: 1 }]);
      if (isTimeFirst) await properties.rememberModifiedAt(to, 2);
      await properties.follow({ removed: [FILE], placed: [to], origins: [{ how: 'overwritten', from: FILE, to }] });
      if (!isTimeFirst) await properties.rememberModifiedAt(to, 2);
      const record = await properties.of(to);
      expect([record?.properties, properties.modifiedAtOf(to, record)]).toEqual([[property('a')], 2]);
    }
  });

  it('sweeps what a folder no longer has, once it is old, and what is empty', async () => {
    let now = 0;
    const { properties, store } = createState(() => now);
    await properties.update(FILE, [set('a')]);
    await properties.update(OTHER, [set('a')]);
    now = 3_600_000;
    const late = { ...FILE, id: 'late' };
    await properties.update(late, [set('a')]);
    await properties.sweep(FOLDER, new Set());
    expect((await properties.ofFolder(FOLDER)).size).toBe(3);
    now += 1;
    await properties.sweep(FOLDER, new Set([OTHER.id]));
    expect([...(await properties.ofFolder(FOLDER)).keys()]).toEqual([OTHER.id, late.id]);
    await properties.update(OTHER, [{ kind: 'remove', name: { namespace: '', name: 'a' } }]);
    expect([await properties.of(OTHER), (await properties.ofFolder(FOLDER)).size]).toEqual([undefined, 1]);
    expect(store.values.size).toBe(2);
  });

  it('takes nothing that is stored amiss for a record', async () => {
    const { properties, store } = createState();
    const key = (id: string) => ['user', 'v1', 'properties', '1', 'p', id];
    for (const value of [null, 'x', {}, { properties: 1 }]) await store.put(key('x'), value);
    expect(await properties.of({ ...FILE, id: 'x' })).toBeUndefined();
    expect((await properties.ofFolder(FOLDER)).size).toBe(0);
  });

  it('survives a restart', async () => {
    const folder = await temporaryFolder();
    const userId = async () => 'user';
    const open = async () => {
      const store = await openEmbeddedStore(folder);
      return { store, properties: new PropertyStore({ store, userId, now: Date.now }) };
    };
    const first = await open();
    const root = entryOf('root', { id: 'root', parentId: '' });
    await first.properties.update(FILE, [set('a', '<a>\u{1f600} \ud83d</a>'), { kind: 'modified-at', at: 7 }]);
    await first.properties.update(root, [set('r')]);
    await first.store.close();
    const second = await open();
    onTestFinished(() => second.store.close());
    expect((await second.properties.ofFolder(FOLDER)).get(FILE.id)).toEqual({
      properties: [property('a', '<a>\u{1f600} \ud83d</a>')],
      modified: { at: 7, content: FILE.contentHash },
    });
    expect((await second.properties.of(root))?.properties).toEqual([property('r')]);
    expect((await second.properties.ofFolder({ driveId: '', id: '' })).get('1')?.properties).toEqual([property('r')]);
    await second.properties.follow({
      removed: [FILE],
      placed: [OTHER],
      origins: [{ how: 'moved', from: FILE, to: OTHER }],
    });
    expect([...(await second.properties.ofFolder(FOLDER)).keys()]).toEqual([OTHER.id]);
  });
});
