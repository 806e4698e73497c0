import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator/emulator.ts';
import type { StoredEntry } from '../../../src/emulator/store/entry.ts';
import { type Answer, call, poster, start, upload, writer } from './rig.ts';

let emulator: Emulator;
let root: StoredEntry;
let act: (path: string, body?: unknown) => Promise<Answer>;

beforeEach(async () => {
  emulator = await start({ deviceChecks: 'off' });
  root = emulator.store.root(emulator.drives.backup);
  act = poster(`${emulator.controlUrl}/_emulator`);
});

const tree = () => call(`${emulator.controlUrl}/_emulator/tree`);
const pathsOf = ({ json }: Answer): string[] => json.entries.map((entry: { path: string }) => entry.path);
const contentOf = async (fileId: string) => (await call(`${emulator.controlUrl}/_emulator/content/${fileId}`)).text;

describe('the tree', () => {
  it('is everything visible in both drives, with what is under way', async () => {
    const docs = emulator.store.addFolder(root, 'docs');
    const file = emulator.store.addFile(docs, 'a.txt', 'abc');
    const film = emulator.store.addFile(emulator.store.root(emulator.drives.resource), 'film', 'x');
    emulator.store.trash(emulator.store.addFile(root, 'gone', 'x'));
    await writer(emulator, 'web').create({});
    const { json } = await tree();
    expect(json).toMatchObject({ binned: 1, uploads: 1, tasks: 0 });
    expect(json.entries.map(({ path, file_id }: Record<string, unknown>) => [path, file_id])).toEqual([
      ['/docs', docs.fileId],
      ['/docs/a.txt', file.fileId],
      ['/film', film.fileId],
    ]);
    expect(json.entries[1]).toEqual({
      path: '/docs/a.txt',
      drive_id: emulator.drives.backup,
      file_id: file.fileId,
      parent_file_id: docs.fileId,
      name: 'a.txt',
      type: 'file',
      size: 3,
      sha1: createHash('sha1').update('abc').digest('hex').toUpperCase(),
      created_at: new Date(file.createdAt).toISOString(),
      updated_at: new Date(file.updatedAt).toISOString(),
    });
  });

  it('is that of one drive where one is named', async () => {
    emulator.store.addFile(root, 'a', 'x');
    emulator.store.addFile(emulator.store.root(emulator.drives.resource), 'b', 'x');
    expect(pathsOf(await act('/tree', { drive_id: emulator.drives.resource }))).toEqual(['/b']);
    expect(pathsOf(await act('/tree'))).toEqual(['/a', '/b']);
    expect((await act('/tree', { drive_id: 'x' })).status).toBe(400);
  });
});

describe('the bytes of a file', () => {
  it('come whole, planted or uploaded', async () => {
    const { json } = await upload(writer(emulator, 'web'), {}, Buffer.alloc(102_400, 'x'), Buffer.from('end'));
    expect(await contentOf(json.file_id)).toBe(`${'x'.repeat(102_400)}end`);
    expect(await contentOf(emulator.store.addFile(root, 'b', 'planted').fileId)).toBe('planted');
    expect((await call(`${emulator.controlUrl}/_emulator/content/none`)).status).toBe(404);
  });
});

describe('changes made elsewhere', () => {
  const named = (name: string) => ({ drive_id: emulator.drives.backup, path: name });

  it('write, rename, move, trash and delete', async () => {
    const docs = emulator.store.addFolder(root, 'docs');
    const at = { drive_id: emulator.drives.backup, name: 'a.txt' };
    const first = await act('/write', { ...at, text: 'one' });
    const second = await act('/write', { ...at, base64: 'dHdv' });
    expect(second.json.file_id).toBe(first.json.file_id);
    expect(await contentOf(first.json.file_id)).toBe('two');
    await act('/rename', { ...named('/a.txt'), name: 'b.txt' });
    await act('/move', { ...named('/b.txt'), to_parent_file_id: docs.fileId });
    expect(pathsOf(await tree())).toEqual(['/docs', '/docs/b.txt']);
    await act('/trash', named('/docs/b.txt'));
    expect((await tree()).json).toMatchObject({ binned: 1, entries: [{ path: '/docs' }] });
    await act('/delete', { drive_id: emulator.drives.backup, file_id: docs.fileId });
    expect(pathsOf(await tree())).toEqual([]);
  });

  it('end the uploads into what they take away', async () => {
    const { fileId } = emulator.store.addFile(root, 'a.txt', 'old');
    await writer(emulator, 'web').create({ check_name_mode: 'overwrite' });
    await act('/delete', { drive_id: emulator.drives.backup, file_id: fileId });
    expect((await tree()).json.uploads).toBe(0);
  });

  it.each([
    ['/rename', {}, /drive_id is required/],
    ['/rename', { drive_id: '11000001', path: '/none', name: 'x' }, /no such entry/],
    ['/trash', { drive_id: '11000001', file_id: 'root' }, /root stays/],
    ['/write', { drive_id: '11000001', name: 'x' }, /text or base64/],
    ['/write', { drive_id: '11000001', name: 'x', text: '', parent_file_id: 'none' }, /no such folder/],
    ['/move', { drive_id: '11000001', path: '/', to_parent_file_id: 'none' }, /no such folder/],
  ])('%s refuses %j', async (path, body, message) => {
    const { status, json } = await act(path, body);
    expect(status).toBe(400);
    expect(json.error).toMatch(message);
  });
});

describe('contents that others have uploaded', () => {
  it('are hit by a probe', async () => {
    await act('/known-contents', { text: 'Hello, world!' });
    const pre_hash = createHash('sha1').update('Hello, world!').digest('hex');
    expect((await writer(emulator, 'web').create({ pre_hash })).json.code).toBe('PreHashMatched');
  });
});
