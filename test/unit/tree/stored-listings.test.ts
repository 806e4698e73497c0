import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import type { FetchedListing } from '../../../src/tree/listing-files.ts';
import { StoredListings } from '../../../src/tree/stored-listings.ts';
import { DRIVE_ID, makeFiles } from './fake-drive.ts';
import { silentLog } from './make-tree.ts';
import { MemoryStore } from './memory-store.ts';

const DAY_MS = 24 * 3_600_000;
const NOW = 1_700_000_000_000;

function makeStored(store = new MemoryStore(), maxEntries = 100_000) {
  const clock = { now: NOW };
  const open = () =>
    new StoredListings({ store, userId: async () => 'u1', now: () => clock.now, log: silentLog, maxEntries });
  return { store, clock, stored: open(), open };
}

function makeListing(id: string, pages: readonly (readonly Entry[])[], at = NOW): FetchedListing {
  return { folder: { driveId: DRIVE_ID, id }, pages, begunAt: at - 1, fetchedAt: at };
}

async function read(stored: StoredListings, id: string): Promise<(readonly Entry[])[] | undefined> {
  const found = await stored.find({ driveId: DRIVE_ID, id });
  if (!found) return undefined;
  const pages: (readonly Entry[])[] = [];
  for await (const page of found.pages) pages.push(page);
  return pages;
}

const THREE = [makeFiles(200), makeFiles(200, 200), makeFiles(7, 400)];

describe('a stored listing', () => {
  it('comes back page by page after a restart, with its times', async () => {
    const { stored, open } = makeStored();
    void stored.save(makeListing('f', THREE));
    void stored.save(makeListing('empty', [[]]));
    await stored.idle();
    const after = open();
    expect(await read(after, 'f')).toEqual(THREE);
    expect(await read(after, 'empty')).toEqual([[]]);
    const found = await after.find({ driveId: DRIVE_ID, id: 'f' });
    expect(found).toMatchObject({ begunAt: NOW - 1, fetchedAt: NOW, pageCount: 3 });
  });

  it('is found while it waits to be stored, and gives way to a newer one, and to its removal', async () => {
    const { stored, store, open } = makeStored();
    const saved = stored.save(makeListing('f', THREE));
    expect(await read(stored, 'f')).toEqual(THREE);
    void stored.save(makeListing('f', [makeFiles(1)], NOW + 5));
    expect(await read(stored, 'f')).toEqual([makeFiles(1)]);
    await stored.idle();
    expect(await saved).toBe(true);
    expect(await read(open(), 'f')).toEqual([makeFiles(1)]);
    expect(store.values.size).toBe(2);
    const removed = stored.remove({ driveId: DRIVE_ID, id: 'f' });
    expect(await read(stored, 'f')).toBeUndefined();
    await stored.idle();
    expect(await removed).toBe(true);
    expect(store.values.size).toBe(0);
  });

  it('of another process stays where it is newer, and where the clock is trusted', async () => {
    const { store, clock, stored, open } = makeStored();
    const other = open();
    clock.now = NOW + 10;
    void other.save(makeListing('f', [makeFiles(2)], NOW + 5));
    await other.idle();
    const late = stored.save(makeListing('f', THREE, NOW));
    await stored.idle();
    expect(await late).toBe(true);
    expect(await read(open(), 'f')).toEqual([makeFiles(2)]);
    expect(store.values.size).toBe(2);
    clock.now = NOW - DAY_MS;
    void stored.save(makeListing('f', THREE, clock.now));
    await stored.idle();
    expect(await read(open(), 'f')).toEqual(THREE);
  });

  it('that cannot be stored takes the older one along, or says that it is still there', async () => {
    const { store, stored, open } = makeStored();
    void stored.save(makeListing('f', THREE));
    await stored.idle();
    const put = store.put.bind(store);
    store.put = () => Promise.reject(new Error('disk full'));
    const failed = stored.save(makeListing('f', [makeFiles(1)], NOW + 1));
    await stored.idle();
    expect(await failed).toBe(true);
    expect(await read(open(), 'f')).toBeUndefined();
    store.put = put;
    void stored.save(makeListing('f', THREE));
    await stored.idle();
    store.failure = new Error('no disk');
    const stuck = [stored.save(makeListing('f', [makeFiles(1)], NOW + 1))];
    await stored.idle();
    stuck.push(stored.remove({ driveId: DRIVE_ID, id: 'f' }));
    await stored.idle();
    expect(await Promise.all(stuck)).toEqual([false, false]);
    expect(await read(open(), 'f')).toEqual(THREE);
  });

  it('is whole or not there, wherever a crash stops its storing, and what is left is swept', async () => {
    const before = [makeFiles(200), makeFiles(3, 200)];
    // More than are written at a time.
    const after = Array.from({ length: 20 }, (_, page) => makeFiles(2, 2 * page));
    for (let steps = 0; ; steps++) {
      const { store, clock, stored, open } = makeStored();
      void stored.save(makeListing('f', before));
      await stored.idle();
      let left = steps;
      const dying = new MemoryStore();
      for (const [key, value] of store.values) dying.values.set(key, value);
      const die = <A extends unknown[]>(step: (...args: A) => Promise<void>) => {
        return (...args: A) => (left-- > 0 ? step(...args) : Promise.reject(new Error('killed')));
      };
      dying.put = die(dying.put.bind(dying));
      dying.remove = die(dying.remove.bind(dying));
      const dead = new StoredListings({
        store: dying,
        userId: async () => 'u1',
        now: () => clock.now,
        log: silentLog,
      });
      void dead.save(makeListing('f', after, NOW + 1));
      await dead.idle();
      store.values.clear();
      for (const [key, value] of dying.values) store.values.set(key, value);
      expect([undefined, before, after], `after ${steps} steps`).toContainEqual(await read(open(), 'f'));
      clock.now += DAY_MS;
      const next = open();
      void next.save(makeListing('g', [makeFiles(1)], clock.now));
      await next.idle();
      const pages = (await read(next, 'f'))?.length;
      expect(store.values.size, `after ${steps} steps`).toBe(2 + (pages === undefined ? 0 : pages + 1));
      if (left > 0) break;
    }
  });

  it('goes when there are too many, the oldest first, and after two months', async () => {
    const { clock, stored, open } = makeStored(new MemoryStore(), 300);
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      clock.now = NOW + index;
      void stored.save(makeListing(id, [makeFiles(120)], clock.now));
      await stored.idle();
    }
    expect(await Promise.all(['a', 'b', 'c'].map(async (id) => (await read(open(), id))?.length))).toEqual([
      undefined,
      1,
      1,
    ]);
    clock.now += 61 * DAY_MS;
    const next = open();
    void next.save(makeListing('d', [makeFiles(1)], clock.now));
    await next.idle();
    expect(await read(next, 'c')).toBeUndefined();
    expect(await read(next, 'd')).toHaveLength(1);
  });

  it('that is damaged is no listing', async () => {
    const { store, stored, open } = makeStored();
    void stored.save(makeListing('f', THREE));
    await stored.idle();
    for (const key of store.values.keys()) {
      if (key.includes('listing-page') && key.endsWith(',2]')) store.values.delete(key);
    }
    await expect(read(open(), 'f')).rejects.toThrow('missing');
    void stored.save(makeListing('f', THREE));
    await stored.idle();
    for (const [key, value] of store.values) {
      if (key.includes('listing-page') && key.endsWith(',1]')) store.values.set(key, (value as unknown[]).slice(1));
    }
    await expect(read(open(), 'f')).rejects.toThrow('as many entries');
    for (const key of store.values.keys()) store.values.set(key, { of: 'another version' });
    expect(await read(open(), 'f')).toBeUndefined();
  });
});
