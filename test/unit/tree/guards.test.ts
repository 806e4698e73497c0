import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import { makeLocalEntry } from '../../../src/drive/local-entry.ts';
import { DRIVE_ID, makeEntry, makeFolder, settle } from './fake-drive.ts';
import { makeTree, makeWorld, type TestTree } from './make-tree.ts';

const ROOT = { driveId: DRIVE_ID, id: 'root' };

const old = makeEntry('a', { id: 'id-old' });
const arriving = makeEntry('a', { id: 'id-new', createdAt: 2, updatedAt: 2 });

async function known(...entries: Entry[]): Promise<TestTree> {
  const made = makeTree();
  made.drive.setFolder('root', entries);
  await made.names('/');
  return made;
}

async function see({ list }: TestTree, fresh = true): Promise<Record<string, string>> {
  return Object.fromEntries((await list('/', { fresh })).map(({ name, entry }) => [name, entry.id]));
}

describe('while a writer works at a name', () => {
  it('what arises there is seen by nobody, until the writer says so', async () => {
    const made = await known(old);
    const lift = made.overlay.guard(ROOT, 'a', old.id);
    made.drive.setFolder('root', [old, arriving, makeEntry('b')]);
    expect(await see(made)).toEqual({ a: old.id, b: 'id-b' });
    expect(made.tree.peek('/a')?.entry.id).toBe(old.id);
    const durable = made.overlay.apply({ removed: [old], placed: [arriving] });
    expect(made.tree.peek('/a')?.entry.id).toBe(arriving.id);
    expect(await see(made, false)).toEqual({ a: arriving.id, b: 'id-b' });
    lift();
    await durable;
    expect(await see(made, false)).toEqual({ a: arriving.id, b: 'id-b' });
    expect(await see(made)).toEqual({ a: arriving.id, b: 'id-b' });
  });

  it('a free name stays free', async () => {
    const made = await known();
    const lift = made.overlay.guard(ROOT, 'a', undefined);
    made.drive.setFolder('root', [arriving]);
    expect(await see(made)).toEqual({});
    await expect(made.tree.get('/a', {})).rejects.toMatchObject({ code: 'not-found' });
    await made.overlay.apply({ removed: [], placed: [arriving] });
    lift();
    expect(await see(made, false)).toEqual({ a: arriving.id });
  });

  it('a listing under way keeps what is passing from its readers', async () => {
    const made = makeTree();
    made.drive.pageSize = 1;
    made.drive.setFolder('root', [old, arriving]);
    made.drive.holding = true;
    const reading = see(made, false);
    await settle();
    made.drive.held.shift()?.answer();
    await settle();
    const lift = made.overlay.guard(ROOT, 'a', old.id);
    await made.drive.releaseAll();
    expect(await reading).toEqual({ a: old.id });
    lift();
  });

  it.each([
    ['another folder', { driveId: DRIVE_ID, id: 'other' }, 'a'],
    ['another drive', { driveId: 'd2', id: 'root' }, 'a'],
    ['another name', ROOT, 'A'],
  ])('%s is as it is', async (_, folder, name) => {
    const made = await known();
    made.overlay.guard(folder, name, undefined);
    made.drive.setFolder('root', [arriving]);
    expect(await see(made)).toEqual({ a: arriving.id });
  });

  it('equal names that were seen before stay, under their names', async () => {
    const twin = makeEntry('a', { id: 'id-twin', createdAt: 2 });
    const made = await known(old, twin);
    const before = await see(made);
    expect(Object.values(before)).toEqual([old.id, twin.id]);
    const newTwin = makeEntry('a', { id: 'id-newtwin', createdAt: 3 });
    const lift = made.overlay.guard(ROOT, 'a', twin.id);
    made.drive.setFolder('root', [old, twin, newTwin]);
    expect(await see(made)).toEqual(before);
    await made.overlay.apply({ removed: [twin], placed: [newTwin] });
    lift();
    const name = Object.keys(before).find((candidate) => before[candidate] === twin.id);
    expect(await see(made, false)).toEqual({ a: old.id, [String(name)]: newTwin.id });
  });

  it('a writer that guards anew shows its outcome instead of what was there', async () => {
    const made = await known(old);
    const first = made.overlay.guard(ROOT, 'a', old.id);
    const second = made.overlay.guard(ROOT, 'a', arriving.id);
    first();
    made.drive.setFolder('root', [old, arriving]);
    expect(await see(made)).toEqual({ a: arriving.id });
    second();
  });

  it('several guards are all heard', async () => {
    const made = await known();
    const lifts = [made.overlay.guard(ROOT, 'a', undefined), made.overlay.guard(ROOT, 'a', undefined)];
    made.drive.setFolder('root', [arriving]);
    expect(await see(made)).toEqual({});
    lifts[0]?.();
    lifts[0]?.();
    expect(await see(made)).toEqual({});
    lifts[1]?.();
    expect(await see(made, false)).toEqual({ a: arriving.id });
  });

  it('after a restart nothing is known but what the guard says', async () => {
    const world = makeWorld();
    const earlier = makeTree({}, world);
    await earlier.overlay.apply({ removed: [], placed: [old] });
    const made = makeTree({}, world);
    await made.overlay.load();
    made.overlay.guard(ROOT, 'a', arriving.id);
    made.drive.setFolder('root', [old, arriving]);
    expect(await see(made)).toEqual({ a: arriving.id });
  });

  it('a local file is seen, and gives way to the one that arrives', async () => {
    const made = await known();
    const held = makeLocalEntry('held', ROOT, 'a', { kind: 'file', at: 5 });
    await made.overlay.apply({ removed: [], placed: [held] });
    const lift = made.overlay.guard(ROOT, 'a', held.id);
    made.drive.setFolder('root', [arriving]);
    expect(await see(made)).toEqual({ a: held.id });
    await made.overlay.apply({ removed: [held], placed: [arriving] });
    lift();
    expect(await see(made, false)).toEqual({ a: arriving.id });
    expect(made.drive.entryCalls).toEqual([]);
  });
});

describe('what a writer works on', () => {
  it.each([
    ['under a passing name', [{ ...old, name: 'a.old.replaced', updatedAt: 9 }]],
    ['in a passing folder', []],
  ])('stays seen as it was while it is %s', async (_, listed) => {
    const made = await known(old, makeEntry('b'));
    const lift = made.overlay.guard(ROOT, 'a', old.id);
    made.drive.setFolder('root', [...listed, makeEntry('b')]);
    made.drive.setEntry(old.id, { ...old, parentId: 'passing' });
    expect(await see(made)).toEqual({ a: old.id, b: 'id-b' });
    await made.overlay.apply({ removed: [old], placed: [] });
    expect(await see(made)).toEqual({ b: 'id-b' });
    lift();
  });

  it('is seen no more when somebody else has deleted it', async () => {
    const made = await known(old);
    made.overlay.guard(ROOT, 'a', old.id);
    made.drive.setFolder('root', []);
    expect(await see(made)).toEqual({});
  });

  it.each([
    ['beside it', makeEntry('b')],
    ['elsewhere', makeEntry('b', { parentId: 'other' })],
  ])('gives way to what the service has let replace it from %s, before the writer knows', async (_, moving) => {
    const isBeside = moving.parentId === 'root';
    const made = await known(old, ...(isBeside ? [moving] : []));
    made.overlay.guard({ driveId: DRIVE_ID, id: moving.parentId }, 'b', moving.id);
    made.overlay.guard(ROOT, 'a', old.id);
    made.drive.setFolder('root', [{ ...moving, name: 'a', parentId: 'root' }]);
    made.drive.setEntry(old.id, { ...old, trashed: true });
    expect(await see(made)).toEqual({ a: moving.id });
    expect((await made.tree.get('/a', {})).entry.id).toBe(moving.id);
    await made.overlay.apply({ removed: [moving, old], placed: [{ ...moving, name: 'a', parentId: 'root' }] });
    expect(await see(made, false)).toEqual({ a: moving.id });
  });

  describe('after a restart, when no listing is remembered', () => {
    const moving = makeEntry('b');
    const moved = { ...moving, name: 'a', updatedAt: 9 };
    const restart = async () => {
      const made = await known();
      made.overlay.guard(ROOT, 'b', moving.id, moving);
      made.overlay.guard(ROOT, 'a', old.id, old);
      return made;
    };

    it('stays seen where nothing has happened yet', async () => {
      const made = await restart();
      made.drive.setFolder('root', [old, moving]);
      expect(await see(made)).toEqual({ a: old.id, b: moving.id });
    });

    it('stays seen as it was while it steps aside', async () => {
      const made = await restart();
      made.drive.setFolder('root', [{ ...old, name: 'a.aside' }, moved]);
      expect(await see(made)).toEqual({ a: old.id, b: moving.id });
    });

    it.each([true, false])(
      'gives way to what stands in its place, whether the service shows it binned: %s',
      async (trashed) => {
        const made = await restart();
        made.drive.setFolder('root', [moved]);
        made.drive.setEntry(old.id, { ...old, trashed });
        await see(made);
        expect(await see(made, false)).toEqual({ a: moving.id });
      },
    );

    it('gives way although both were written by us a moment ago', async () => {
      const made = await known();
      await made.overlay.apply({ removed: [], placed: [old, moving] });
      made.overlay.guard(ROOT, 'b', moving.id, moving);
      made.overlay.guard(ROOT, 'a', old.id, old);
      made.drive.setFolder('root', [moved]);
      made.drive.setEntry(old.id, { ...old, trashed: true });
      made.drive.setEntry(moving.id, moved);
      expect(await see(made)).toEqual({ a: moving.id });
    });

    it('is seen where it was when it has gone to another folder that hides it', async () => {
      const made = await known();
      made.overlay.guard(ROOT, 'b', moving.id, moving);
      made.overlay.guard({ driveId: DRIVE_ID, id: 'other' }, 'a', undefined);
      made.drive.setFolder('root', []);
      made.drive.setEntry(moving.id, { ...moved, parentId: 'other' });
      expect(await see(made)).toEqual({ b: moving.id });
    });
  });

  it('is not asked about, though it was just written', async () => {
    const made = await known();
    await made.overlay.apply({ removed: [], placed: [old] });
    const lift = made.overlay.guard(ROOT, 'a', old.id);
    made.drive.setFolder('root', [{ ...old, name: 'b', updatedAt: 9 }]);
    expect(await see(made)).toEqual({ a: old.id });
    expect(made.drive.entryCalls).toEqual([]);
    lift();
    expect(await see(made)).toEqual({ b: old.id });
  });
});

describe('lifting a guard', () => {
  it('asks for nothing where the writer has said what became of the name', async () => {
    const made = await known(old);
    const lift = made.overlay.guard(ROOT, 'a', old.id);
    made.drive.setFolder('root', [old, arriving]);
    await see(made);
    await made.overlay.apply({ removed: [old], placed: [arriving] });
    made.drive.calls.length = 0;
    lift();
    await see(made, false);
    expect(made.drive.calls).toEqual([]);
  });

  it('leaves the next reader to ask what became of what nobody claimed', async () => {
    const made = await known(old);
    const lift = made.overlay.guard(ROOT, 'a', old.id);
    made.drive.setFolder('root', [old, arriving]);
    await see(made);
    made.drive.setFolder('root', [old]);
    made.drive.calls.length = 0;
    lift();
    expect(made.drive.calls).toEqual([]);
    expect(await see(made, false)).toEqual({ a: old.id });
    expect(made.drive.calls).toHaveLength(1);
  });

  it('in doubt has the next reader ask, and nobody before', async () => {
    const made = await known(old);
    const lift = made.overlay.guard(ROOT, 'b', undefined);
    made.drive.setFolder('root', [old, makeEntry('b')]);
    made.drive.calls.length = 0;
    lift(true);
    expect(made.drive.calls).toEqual([]);
    expect(await see(made, false)).toEqual({ a: old.id, b: 'id-b' });
    expect(made.drive.calls).toHaveLength(1);
  });

  it('in the middle of a fetch leaves no short listing behind', async () => {
    const made = await known();
    const lift = made.overlay.guard(ROOT, 'a', undefined);
    made.drive.pageSize = 1;
    made.drive.setFolder('root', [arriving, makeEntry('b', { createdAt: 3 })]);
    made.drive.holding = true;
    const reading = see(made);
    await settle();
    made.drive.held.shift()?.answer();
    await settle();
    lift();
    await made.drive.releaseAll();
    expect(await reading).toEqual({ b: 'id-b' });
    expect(await see(made, false)).toEqual({ a: arriving.id, b: 'id-b' });
  });

  it('when the service cannot be asked serves what was last seen', async () => {
    const made = await known(old);
    const lift = made.overlay.guard(ROOT, 'a', old.id);
    made.drive.setFolder('root', [old, arriving]);
    await see(made);
    lift();
    made.drive.failure = new DriveError('unavailable', 'down');
    expect(await see(made, false)).toEqual({ a: old.id });
  });
});

describe('namesakes', () => {
  it('are what is remembered of a name, who has it plain first', async () => {
    const made = makeTree();
    expect(made.overlay.namesakes(ROOT, 'a')).toEqual([]);
    made.drive.pageSize = 1;
    const folder = makeFolder('a', { id: 'id-folder', createdAt: 1 });
    made.drive.setFolder('root', [arriving, folder, makeEntry('b')]);
    await made.names('/');
    expect(made.overlay.namesakes(ROOT, 'a')).toEqual([arriving.id, folder.id]);
    await made.overlay.apply({ removed: [arriving], placed: [] });
    expect(made.overlay.namesakes(ROOT, 'a')).toEqual([folder.id]);
  });
});
