import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/drive/change.ts';
import type { Entry, EntryKey } from '../../../src/drive/entry.ts';
import { makeLocalEntry } from '../../../src/drive/local-entry.ts';
import { JunkSink, type JunkSinkDeps } from '../../../src/tree/junk.ts';
import type { Slot } from '../../../src/tree/slot.ts';
import { DRIVE_ID, makeEntry, makeFolder } from './fake-drive.ts';
import { MemoryBlobs } from './memory-blobs.ts';
import { MemoryStore } from './memory-store.ts';

const FOLDER: EntryKey = { driveId: DRIVE_ID, id: 'f1' };
const OTHER: EntryKey = { driveId: 'd2', id: 'f2' };

function setUp(options: Partial<JunkSinkDeps> = {}, store = new MemoryStore(), blobs = new MemoryBlobs()) {
  /** What readers see, by id. */
  const seen = new Map<string, Entry>();
  let clock = 1_000;
  const sink = new JunkSink({
    store,
    userId: async () => 'u1',
    blobs,
    maxBytes: 4_000,
    onChanged: async ({ removed, placed }: Change) => {
      for (const { id } of removed) seen.delete(id);
      for (const entry of placed) seen.set(entry.id, entry);
    },
    now: () => clock++,
    mode: 'keep',
    ...options,
  });
  const write = async (parent: EntryKey, name: string, content: string): Promise<Entry> => {
    const entry = await sink.write(parent, name, Readable.from([Buffer.from(content)]), content.length);
    if (!entry) throw new Error('refused');
    return entry;
  };
  const read = (entry: Entry) => text(sink.open(entry, 0, entry.sizeBytes));
  const names = () => [...seen.values()].map(({ name }) => name);
  return { sink, store, blobs, seen, write, read, names };
}

type Rig = ReturnType<typeof setUp>;

/** The next process on the same disk. */
async function restart({ store, blobs }: Rig, options: Partial<JunkSinkDeps> = {}): Promise<Rig & { loaded: Entry[] }> {
  const next = setUp(options, store, blobs);
  const loaded = [...(await next.sink.load())];
  for (const entry of loaded) next.seen.set(entry.id, entry);
  return { ...next, loaded };
}

function makeSlot(name: string, parent: Entry, there?: Entry): Slot {
  const node = there && { name, entry: there };
  return { path: `/${name}`, parent: { name: 'p', entry: parent }, name, serviceName: name, node };
}

describe('takes', () => {
  const folder = makeFolder('p');
  const junk = makeLocalEntry('junk', FOLDER, '._a', { kind: 'file', at: 1 });
  const held = makeLocalEntry('held', FOLDER, '._a', { kind: 'file', at: 1 });
  const junkFolder = makeLocalEntry('junk', FOLDER, '.Trashes', { kind: 'folder', at: 1 });

  it.each<[string, 'keep' | 'upload', Slot, boolean]>([
    ['a junk name', 'keep', makeSlot('._a', folder), true],
    ['a junk name of ours', 'keep', makeSlot('._a', folder, junk), true],
    ['a junk name of the drive', 'keep', makeSlot('._a', folder, makeEntry('._a')), false],
    ['a junk name that is held back', 'keep', makeSlot('._a', folder, held), false],
    ['an ordinary name', 'keep', makeSlot('a', folder), false],
    ['an ordinary name in a junk folder', 'keep', makeSlot('a', junkFolder), true],
    ['a junk name where junk is uploaded', 'upload', makeSlot('._a', folder), false],
    ['a junk name of ours where junk is uploaded', 'upload', makeSlot('._a', folder, junk), false],
    ['anything in a junk folder that is still there', 'upload', makeSlot('a', junkFolder), true],
  ])('%s (%s)', (_, mode, slot, expected) => {
    expect(setUp({ mode }).sink.takes(slot)).toBe(expected);
  });
});

describe('a junk file', () => {
  it('is described and read back as it was written, also in part', async () => {
    const { sink, write, read, seen } = setUp();

    const entry = await write(FOLDER, '._a', 'hello');

    expect(entry).toMatchObject({
      ...{ driveId: DRIVE_ID, parentId: 'f1', name: '._a', kind: 'file', sizeBytes: 5 },
      contentHash: createHash('sha1').update('hello').digest('hex').toUpperCase(),
    });
    expect(seen.get(entry.id)).toEqual(entry);
    expect(await read(entry)).toBe('hello');
    expect(await text(sink.open(entry, 1, 3))).toBe('el');
  });

  it('may be empty, and of unknown length', async () => {
    const { sink, read } = setUp();

    const entry = await sink.write(FOLDER, '.DS_Store', Readable.from([]), undefined);

    expect(entry).toMatchObject({ sizeBytes: 0, contentHash: 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709' });
    expect(entry && (await read(entry))).toBe('');
  });

  it('is overwritten as a whole, under the id that it had', async () => {
    const { write, read, blobs, names } = setUp();
    const first = await write(FOLDER, '._a', 'old');

    const second = await write(FOLDER, '._a', 'newer');

    expect(second.id).toBe(first.id);
    expect(second.createdAt).toBe(first.createdAt);
    expect(second.updatedAt).toBeGreaterThan(first.updatedAt);
    expect(await read(second)).toBe('newer');
    expect(blobs.files.size).toBe(1);
    expect(names()).toEqual(['._a']);
  });

  it.each<[string, Readable, number | undefined, string]>([
    ['shorter than announced', Readable.from([Buffer.from('ab')]), 3, 'bad-body'],
    ['longer than announced', Readable.from([Buffer.from('abcd')]), 3, 'bad-body'],
    ['larger than its share', Readable.from([Buffer.alloc(900), Buffer.alloc(900)]), undefined, 'too-large'],
    [
      'cut off',
      Readable.from(
        (async function* () {
          yield Buffer.from('a');
          throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
        })(),
      ),
      3,
      'aborted',
    ],
  ])('that is %s leaves what was there', async (_, body, sizeBytes, code) => {
    const { sink, write, read, blobs } = setUp();
    const before = await write(FOLDER, '._a', 'old');

    await expect(sink.write(FOLDER, '._a', body, sizeBytes)).rejects.toMatchObject({ code });

    expect(await read(before)).toBe('old');
    expect(blobs.files.size).toBe(1);
  });

  it('that is announced as too large is left to the caller, unread', async () => {
    const { sink, blobs } = setUp();
    const body = Readable.from([Buffer.alloc(1_001)]);

    expect(await sink.write(FOLDER, '._a', body, 1_001)).toBeUndefined();
    expect((await buffer(body)).length).toBe(1_001);
    expect(blobs.files.size).toBe(0);
  });

  it('that finds the disk full says so', async () => {
    const { sink } = setUp({}, new MemoryStore(), new MemoryBlobs(10));

    await expect(sink.write(FOLDER, '._a', Readable.from([Buffer.alloc(11)]), 11)).rejects.toMatchObject({
      code: 'spool-full',
    });
  });
});

describe('the bounds', () => {
  it('drive out the oldest by bytes, the one being written counted', async () => {
    const { write, names, blobs } = setUp();
    for (const name of ['._1', '._2', '._3', '._4']) await write(FOLDER, name, 'x'.repeat(1_000));
    await write(FOLDER, '._1', 'y'.repeat(900));

    await write(FOLDER, '._5', 'x'.repeat(900));

    expect(names().sort()).toEqual(['._1', '._3', '._4', '._5']);
    expect(blobs.usedBytes).toBeLessThanOrEqual(4_000);
  });

  it('drive out the oldest by number, a folder only when it is empty', async () => {
    const { sink, write, names, store } = setUp({ maxEntries: 3 });
    const folder = await sink.makeFolder(FOLDER, '.Trashes');
    await write(folder, 'in', '1');
    await write(FOLDER, '._a', '2');

    await write(FOLDER, '._b', '3');
    expect(names()).toEqual(['.Trashes', '._a', '._b']);
    await write(FOLDER, '._c', '4');
    expect(names()).toEqual(['._a', '._b', '._c']);
    expect(store.values.size).toBe(3);
  });

  it('spare what is being replaced, until its successor is whole', async () => {
    const { sink, write, read, names } = setUp();
    const oldest = await write(FOLDER, '._1', 'x'.repeat(1_000));
    for (const name of ['._2', '._3', '._4']) await write(FOLDER, name, 'x'.repeat(1_000));

    await expect(sink.write(FOLDER, '._1', Readable.from([Buffer.alloc(500)]), 600)).rejects.toThrow();
    expect((await read(oldest)).length).toBe(1_000);
    expect((await write(FOLDER, '._1', 'y'.repeat(1_000))).id).toBe(oldest.id);
    expect(names().sort()).toEqual(['._1', '._3', '._4']);
  });

  it('spare the folder that is being written into', async () => {
    const { sink, write, names } = setUp({ maxEntries: 1 });
    const folder = await sink.makeFolder(FOLDER, '.Trashes');

    await write(folder, 'in', '1');

    expect(names()).toEqual(['.Trashes', 'in']);
  });
});

describe('folders', () => {
  it('are made once, and hold what is put into them', async () => {
    const { sink, write, read } = setUp();
    const folder = await sink.makeFolder(FOLDER, '.TemporaryItems');
    const entry = await write(folder, 'document', 'text');

    expect(folder).toMatchObject({ kind: 'folder', parentId: 'f1', contentHash: undefined });
    expect(entry.parentId).toBe(folder.id);
    expect(await read(entry)).toBe('text');
    await expect(sink.makeFolder(FOLDER, '.TemporaryItems')).rejects.toMatchObject({ code: 'already-exists' });
  });

  it('of the drive take their junk along when they become other folders, or are copied', async () => {
    const rig = setUp();
    const file = await rig.write(FOLDER, '._a', 'aa');
    const folder = await rig.sink.makeFolder(FOLDER, '.Trashes');
    const inside = await rig.write(folder, '._b', 'bb');
    await rig.sink.copyWithin(FOLDER, { driveId: 'd3', id: 'f3' });
    await rig.sink.moveFolder(FOLDER, OTHER);
    const standing = (parentId: string) => [...rig.seen.values()].filter((entry) => entry.parentId === parentId);
    expect(standing(FOLDER.id)).toEqual([]);
    expect(standing(OTHER.id).map(({ id, driveId }) => [id, driveId])).toEqual([
      [file.id, 'd2'],
      [folder.id, 'd2'],
    ]);
    expect(rig.seen.get(inside.id)).toMatchObject({ driveId: 'd2', parentId: folder.id });
    const [copiedFile, copiedFolder] = standing('f3');
    expect(copiedFile && (await rig.read(copiedFile))).toBe('aa');
    expect(standing(copiedFolder?.id ?? '').map(({ name }) => name)).toEqual(['._b']);
  });

  it('of the drive are copied without what there is no room for', async () => {
    const rig = setUp({ maxEntries: 2 });
    await rig.write(FOLDER, '._a', 'aa');
    await rig.write(FOLDER, '._b', 'bb');
    await rig.sink.copyWithin(FOLDER, OTHER);
    expect(rig.seen.size).toBe(2);
  });

  it('that are gone take nothing more', async () => {
    const { sink, write } = setUp();
    const folder = await sink.makeFolder(FOLDER, '.Trashes');
    await sink.remove(folder);

    await expect(write(folder, 'a', '1')).rejects.toMatchObject({ code: 'not-found' });
    await expect(sink.makeFolder(folder, 'b')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('go with all that is in them', async () => {
    const rig = setUp();
    const { sink, write, names, blobs, store } = rig;
    const folder = await sink.makeFolder(FOLDER, '.Trashes');
    const inner = await sink.makeFolder(folder, '501');
    await write(inner, 'a', '1');
    await write(FOLDER, '._b', '2');

    await sink.remove(folder);
    await sink.remove(folder);

    expect(names()).toEqual(['._b']);
    expect(blobs.files.size).toBe(1);
    expect(store.values.size).toBe(1);
  });

  it('of the drive take their junk along when they go', async () => {
    const { sink, write, names, blobs } = setUp();
    await write(FOLDER, '._a', '1');
    await write(await sink.makeFolder(FOLDER, '.Trashes'), 'b', '2');
    await write(OTHER, '._c', '3');

    await sink.purgeFolder(FOLDER);
    await sink.purgeFolder(FOLDER);

    expect(names()).toEqual(['._c']);
    expect(blobs.files.size).toBe(1);
  });
});

describe('moving and copying', () => {
  it('moves within a folder and into another, over what is kept there', async () => {
    const { sink, write, read, seen, blobs } = setUp();
    const entry = await write(FOLDER, '._a', 'one');
    await write(OTHER, '._b', 'two');

    const renamed = await sink.move(entry, FOLDER, '._c');
    expect(renamed).toEqual({ ...entry, name: '._c' });
    const moved = await sink.move(renamed, OTHER, '._b');

    expect(moved).toEqual({ ...entry, driveId: 'd2', parentId: 'f2', name: '._b' });
    expect([...seen.values()]).toEqual([moved]);
    expect(await read(moved)).toBe('one');
    expect(blobs.files.size).toBe(1);
  });

  it('moves a folder with its content into another drive', async () => {
    const rig = setUp();
    const folder = await rig.sink.makeFolder(FOLDER, '.Trashes');
    const entry = await rig.write(folder, 'a', 'one');

    await rig.sink.move(folder, OTHER, '.Trashes');

    expect([...rig.seen.values()].map(({ driveId }) => driveId)).toEqual(['d2', 'd2']);
    const { loaded, read } = await restart(rig);
    expect(loaded.map(({ driveId, name }) => `${driveId}/${name}`).sort()).toEqual(['d2/.Trashes', 'd2/a']);
    expect(await read(entry)).toBe('one');
  });

  it('copies a file and a folder', async () => {
    const { sink, write, read, seen } = setUp();
    const file = await write(FOLDER, '._a', 'one');
    const folder = await sink.makeFolder(FOLDER, '.Trashes');
    await write(folder, 'in', 'two');

    const copied = await sink.copy(file, OTHER, '._b');
    const copiedFolder = await sink.copy(folder, OTHER, '.Trashes');

    expect(copied).toMatchObject({ driveId: 'd2', name: '._b', contentHash: file.contentHash });
    expect(copied.id).not.toBe(file.id);
    expect(await read(copied)).toBe('one');
    const inside = [...seen.values()].filter(({ parentId }) => parentId === copiedFolder.id);
    expect(inside.map(({ name, driveId }) => `${driveId}/${name}`)).toEqual(['d2/in']);
    expect(await Promise.all(inside.map(read))).toEqual(['two']);
  });

  it('of what was driven out meanwhile is not found', async () => {
    const { sink, write } = setUp();
    const entry = await write(FOLDER, '._a', 'one');
    await sink.remove(entry);

    await expect(sink.move(entry, FOLDER, '._b')).rejects.toMatchObject({ code: 'not-found' });
    await expect(sink.copy(entry, FOLDER, '._b')).rejects.toMatchObject({ code: 'not-found' });
    expect(() => sink.open(entry, 0, 3)).toThrow('no longer kept');
  });
});

describe('after a restart', () => {
  it('all is there, and the oldest still goes first', async () => {
    const rig = setUp({ maxEntries: 2 });
    const first = await rig.write(FOLDER, '._a', 'one');
    await rig.write(FOLDER, '._b', 'two');

    const next = await restart(rig, { maxEntries: 2 });

    expect(next.loaded.map(({ name }) => name)).toEqual(['._a', '._b']);
    expect(await next.read(first)).toBe('one');
    await next.write(FOLDER, '._c', 'three');
    expect(next.names()).toEqual(['._b', '._c']);
  });

  it('content without a record and a record without content are gone', async () => {
    const rig = setUp();
    const kept = await rig.write(FOLDER, '._a', 'one');
    await rig.write(FOLDER, '._b', 'two');
    rig.blobs.files.delete('b2');
    rig.blobs.files.set('orphan', Buffer.from('x'));

    const { loaded, store, blobs } = await restart(rig);

    expect(loaded).toEqual([kept]);
    expect(store.values.size).toBe(1);
    expect([...blobs.files.keys()]).toEqual(['b1']);
  });

  it('what has lost its folder is gone, and what has two places has the later', async () => {
    const rig = setUp();
    const folder = await rig.sink.makeFolder(FOLDER, '.Trashes');
    await rig.write(folder, 'in', 'one');
    const entry = await rig.write(FOLDER, '._a', 'two');
    const [folderKey] = [...rig.store.values.keys()].filter((key) => key.endsWith(`"${folder.id}"]`));
    const [oldKey, oldRecord] = [...rig.store.values].find(([key]) => key.endsWith(`"${entry.id}"]`)) ?? [];
    const moved = await rig.sink.move(entry, OTHER, '._a');
    rig.store.values.delete(folderKey ?? '');
    rig.store.values.set(oldKey ?? '', oldRecord);

    const { loaded, store, blobs } = await restart(rig);

    expect(loaded).toEqual([moved]);
    expect(store.values.size).toBe(1);
    expect(blobs.files.size).toBe(1);
  });

  it('what a kill left behind in another drive has followed its folder', async () => {
    const rig = setUp();
    const folder = await rig.sink.makeFolder(FOLDER, '.Trashes');
    const entry = await rig.write(folder, 'in', 'one');
    const before = [...rig.store.values].find(([key]) => key.endsWith(`"${entry.id}"]`));
    await rig.sink.move(folder, OTHER, '.Trashes');
    for (const key of rig.store.values.keys()) if (key.endsWith(`"${entry.id}"]`)) rig.store.values.delete(key);
    if (before) rig.store.values.set(...before);

    const { loaded, store } = await restart(rig);

    expect(loaded.map(({ driveId, name }) => `${driveId}/${name}`).sort()).toEqual(['d2/.Trashes', 'd2/in']);
    expect(store.values.size).toBe(2);
  });
});
