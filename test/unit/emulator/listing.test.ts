import { describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator/emulator.ts';
import type { StoredEntry } from '../../../src/emulator/store/entry.ts';
import { type Post, signIn, start } from './rig.ts';

const WEB = '/adrive/v3/file/list';
const OPEN = '/adrive/v1.0/openFile/list';

interface Query {
  readonly [field: string]: unknown;
}

const rootOf = (emulator: Emulator): Query => ({ drive_id: emulator.drives.backup, parent_file_id: 'root' });

/** Every name, page after page. */
async function namesOf(post: Post, path: string, query: Query): Promise<{ names: string[]; pages: number }> {
  const names: string[] = [];
  for (let pages = 1, marker = ''; pages < 1000; pages++) {
    const { json } = await post(path, { ...query, marker });
    names.push(...json.items.map((item: { name: string }) => item.name));
    marker = json.next_marker;
    if (marker === '') return { names, pages };
  }
  throw new Error('The listing does not end.');
}

function fill(emulator: Emulator): StoredEntry {
  const root = emulator.store.root(emulator.drives.backup);
  emulator.store.addFile(root, 'b.txt', 'four', { createdAt: 1000, updatedAt: 9000 });
  emulator.store.addFile(root, 'a10.txt', 'seventy', { createdAt: 2000, updatedAt: 5000 });
  emulator.store.addFile(root, 'a9.txt', '', { createdAt: 3000, updatedAt: 7000 });
  emulator.store.addFolder(root, 'z', { createdAt: 4000 });
  return root;
}

describe('order', () => {
  it.each([
    ['name', 'ASC', true, ['z', 'a10.txt', 'a9.txt', 'b.txt']],
    ['name', 'DESC', true, ['z', 'b.txt', 'a9.txt', 'a10.txt']],
    ['size', 'ASC', true, ['z', 'a9.txt', 'b.txt', 'a10.txt']],
    ['created_at', 'ASC', true, ['z', 'b.txt', 'a10.txt', 'a9.txt']],
    ['created_at', 'asc', false, ['b.txt', 'a10.txt', 'a9.txt', 'z']],
    ['updated_at', 'DESC', false, ['b.txt', 'a9.txt', 'a10.txt', 'z']],
    ['name_enhanced', 'ASC', true, ['z', 'a9.txt', 'a10.txt', 'b.txt']],
  ])('by %s %s, folders first: %s', async (orderBy, direction, foldersFirst, expected) => {
    const emulator = await start({ foldersFirst });
    fill(emulator);
    const query = { ...rootOf(emulator), order_by: orderBy, order_direction: direction, limit: 1 };
    const open = await namesOf(await signIn(emulator, 'open'), OPEN, query);
    expect(open).toEqual({ names: expected, pages: 4 });
    if (orderBy === 'name_enhanced') return;
    expect((await namesOf(await signIn(emulator, 'page'), WEB, query)).names).toEqual(expected);
  });
});

describe('pages', () => {
  it.each([
    ['page', WEB, 200, 200, 200],
    ['page', WEB, 201, 400, 'InvalidParameter.Limit'],
    ['page', WEB, undefined, 200, 50],
    ['open', OPEN, 100, 200, 100],
    ['open', OPEN, 500, 200, 200],
  ] as const)('%s %s with limit %s', async (kind, path, limit, status, outcome) => {
    const emulator = await start();
    const root = emulator.store.root(emulator.drives.backup);
    for (let index = 0; index < 210; index++) emulator.store.addFile(root, `${index}`, '');
    const answer = await (await signIn(emulator, kind))(path, { ...rootOf(emulator), limit });
    expect([answer.status, answer.json.code ?? answer.json.items.length]).toEqual([status, outcome]);
  });

  it('beyond the documented 100 are refused by an open API set to', async () => {
    const emulator = await start({ openListLimit: 'reject' });
    const post = await signIn(emulator, 'open');
    const refused = await post(OPEN, { ...rootOf(emulator), limit: 101 });
    expect([refused.status, refused.json.code]).toEqual([400, 'InvalidParameter.Limit']);
    expect((await post(OPEN, { ...rootOf(emulator), limit: 100 })).status).toBe(200);
  });

  it('may hold fewer entries than asked without ending the listing', async () => {
    const emulator = await start({ pageMax: 3 });
    fill(emulator);
    expect(await namesOf(await signIn(emulator, 'page'), WEB, rootOf(emulator))).toMatchObject({ pages: 2 });
  });

  it('go on at their place when entries come and go between them', async () => {
    const emulator = await start();
    const root = fill(emulator);
    const post = await signIn(emulator, 'page');
    const query = { ...rootOf(emulator), order_by: 'created_at', order_direction: 'ASC', limit: 2, type: 'file' };
    const first = await post(WEB, query);
    const gone = emulator.store.findChild(root, 'b.txt');
    if (gone) emulator.store.trash(gone);
    emulator.store.addFile(root, 'late.txt', '', { createdAt: 5000 });
    const rest = await namesOf(post, WEB, { ...query, limit: 200 });
    const second = await post(WEB, { ...query, marker: first.json.next_marker });
    expect(first.json.items.map((item: { name: string }) => item.name)).toEqual(['b.txt', 'a10.txt']);
    expect(second.json.items.map((item: { name: string }) => item.name)).toEqual(['a9.txt', 'late.txt']);
    expect(rest.names).toEqual(['a10.txt', 'a9.txt', 'late.txt']);
  });

  it.each([
    ['another direction', { order_direction: 'DESC' }],
    ['another field', { order_by: 'name' }],
    ['garbage', { marker: 'bm9uc2Vuc2U' }],
  ])('are refused for a marker with %s', async (_what, changes) => {
    const emulator = await start();
    fill(emulator);
    for (const [kind, path] of [
      ['page', WEB],
      ['open', OPEN],
    ] as const) {
      const post = await signIn(emulator, kind);
      const query = { ...rootOf(emulator), order_by: 'created_at', order_direction: 'ASC', limit: 1 };
      const { json } = await post(path, query);
      const refused = await post(path, { ...query, marker: json.next_marker, ...changes });
      expect([refused.status, refused.json.code]).toEqual([400, 'InvalidParameter.Marker']);
    }
  });

  it('of fifty thousand entries are cut from one sorting', async () => {
    const emulator = await start();
    const root = emulator.store.root(emulator.drives.backup);
    for (let index = 0; index < 50_000; index++) emulator.store.addFile(root, `${index}.txt`, '');
    const post = await signIn(emulator, 'page');
    const query = { ...rootOf(emulator), order_by: 'created_at', order_direction: 'ASC', limit: 200 };
    // What the processor does, not what the clock says: the machine may be busy with other tests.
    const before = process.cpuUsage();
    const { names, pages } = await namesOf(post, WEB, query);
    expect([new Set(names).size, pages]).toEqual([50_000, 250]);
    // Sorting anew for each page would take ten times as long.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(10_000);
  });
});

describe('what is listed', () => {
  it('shows equal names side by side', async () => {
    const emulator = await start();
    const root = emulator.store.root(emulator.drives.backup);
    emulator.store.addFile(root, 'same', '1', { createdAt: 1 });
    emulator.store.addFile(root, 'same', '2', { createdAt: 2 });
    expect((await namesOf(await signIn(emulator, 'page'), WEB, rootOf(emulator))).names).toEqual(['same', 'same']);
  });

  it('lags behind by the set time, while get does not', async () => {
    let now = 1_700_000_000_000;
    const emulator = await start({ now: () => now, listLagMs: 3000 });
    const post = await signIn(emulator, 'page');
    const root = emulator.store.root(emulator.drives.backup);
    const file = emulator.store.addFile(root, 'new', '');
    const listed = async () => (await namesOf(post, WEB, rootOf(emulator))).names;
    expect(await listed()).toEqual([]);
    expect((await post('/v2/file/get', { drive_id: file.driveId, file_id: file.fileId })).status).toBe(200);
    now += 3000;
    expect(await listed()).toEqual(['new']);
    const renamed = emulator.store.rename(file, 'renamed');
    expect(await listed()).toEqual(['new']);
    now += 3000;
    expect(await listed()).toEqual(['renamed']);
    emulator.store.trash(renamed);
    expect(await listed()).toEqual(['renamed']);
    now += 3000;
    expect(await listed()).toEqual([]);
  });

  it('keeps the streams of a live photo to get and to batch get', async () => {
    const emulator = await start();
    const root = emulator.store.root(emulator.drives.backup);
    const photo = emulator.store.addLivePhoto(root, 'IMG.livp', { heic: 'abc', mov: 'defgh' });
    const key = { drive_id: photo.driveId, file_id: photo.fileId };
    const page = await signIn(emulator, 'page');
    const open = await signIn(emulator, 'open');
    for (const [post, path] of [
      [page, WEB],
      [open, OPEN],
    ] as const) {
      const [item] = (await post(path, rootOf(emulator))).json.items;
      expect(item).toMatchObject({ name: 'IMG.livp', size: 8 });
      expect(item.streams_info).toBeUndefined();
    }
    const streams = { heic: expect.objectContaining({ size: 3 }), mov: expect.objectContaining({ size: 5 }) };
    expect((await page('/v2/file/get', key)).json.streams_info).toEqual(streams);
    expect((await open('/adrive/v1.0/openFile/get', key)).json.streams_info).toEqual(streams);
    const batch = await open('/adrive/v1.0/openFile/batch/get', { file_list: [key] });
    expect(batch.json.items[0].streams_info).toEqual(streams);
  });

  it.each([
    ['page', WEB, 'parent_file_id', 'f'.repeat(40), 404, 'NotFound.File'],
    ['page', WEB, 'drive_id', '999', 403, 'ForbiddenDriveNotValid'],
    ['page', WEB, 'drive_id', undefined, 400, 'InvalidParameter.DriveId'],
    ['page', WEB, 'order_by', 'colour', 400, 'InvalidParameter.OrderBy'],
    ['open', OPEN, 'parent_file_id', 'f'.repeat(40), 404, 'NotFound.FileId'],
    ['open', OPEN, 'drive_id', '999', 403, 'UserNotAllowedAccessDrive'],
  ] as const)('%s %s refuses %s %s', async (kind, path, field, value, status, code) => {
    const emulator = await start();
    const answer = await (await signIn(emulator, kind))(path, { ...rootOf(emulator), [field]: value });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });
});
