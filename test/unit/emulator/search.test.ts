import { request } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator/emulator.ts';
import { type Post, signIn, start } from './rig.ts';

let emulator: Emulator;
let web: Post;
let open: Post;

beforeEach(async () => {
  emulator = await start();
  const root = emulator.store.root(emulator.drives.backup);
  const docs = emulator.store.addFolder(root, 'docs', { createdAt: Date.UTC(2024, 0, 1) });
  emulator.store.addFile(docs, 'Report 1.txt', 'x'.repeat(2000), { createdAt: Date.UTC(2024, 1, 1) });
  emulator.store.addFile(docs, 'film "a".mp4', 'x', { createdAt: Date.UTC(2024, 2, 1), starred: true });
  emulator.store.addFile(root, 'a  b.txt', '', { createdAt: Date.UTC(2024, 3, 1) });
  web = await signIn(emulator, 'page');
  open = await signIn(emulator, 'open');
});

const search = (query: string, rest: Record<string, unknown> = {}) =>
  web('/v2/file/search', { drive_id: emulator.drives.backup, query, order_by: 'created_at ASC', ...rest });
const namesIn = (json: { items: { name: string }[] }) => json.items.map(({ name }) => name);

describe('search', () => {
  it.each([
    ['', ['docs', 'Report 1.txt', 'film "a".mp4', 'a  b.txt']],
    ['name match "report"', ['Report 1.txt']],
    ['name = "Report 1.txt"', ['Report 1.txt']],
    ['name = "film \\"a\\".mp4"', ['film "a".mp4']],
    ['parent_file_id = "root" and type = "file"', ['a  b.txt']],
    ['type = "folder" or size > 1024', ['docs', 'Report 1.txt']],
    ["not (type = 'folder' or category = 'video') and size <= 2000", ['Report 1.txt', 'a  b.txt']],
    ['file_extension in ["mp4", "mkv"]', ['film "a".mp4']],
    ['starred = true', ['film "a".mp4']],
    ['created_at < "2024-02-01T00:00:00"', ['docs']],
  ])('%s', async (query, expected) => {
    const { status, json } = await search(query);
    expect([status, namesIn(json), json.total_count]).toEqual([200, expected, expected.length]);
  });

  it.each([
    'name',
    'name match',
    'colour = "red"',
    'size match "1"',
    '(name = "a"',
    'name = "a" name',
    'size = x',
    '"',
  ])('refuses %s', async (query) => {
    const { status, json } = await search(query);
    expect([status, json.code]).toEqual([400, 'InvalidParameter.Query']);
  });

  it('goes on by a marker that carries the query', async () => {
    const first = await search('size >= 0', { limit: 3 });
    const second = await search('', { limit: 3, marker: first.json.next_marker });
    expect([namesIn(first.json).length, namesIn(second.json), second.json.next_marker]).toEqual([3, ['a  b.txt'], '']);
  });

  it.each([0, 101])('refuses a limit of %i', async (limit) => {
    expect((await search('', { limit })).status).toBe(400);
  });
});

describe('paths', () => {
  it.each([
    ['/docs/Report 1.txt', 200],
    ['/docs', 200],
    ['/docs/none', 404],
    ['/docs/Report 1.txt/below', 404],
  ])('%s: %i', async (path, status) => {
    const body = { drive_id: emulator.drives.backup, file_path: path };
    expect((await web('/v2/file/get_by_path', body)).status).toBe(status);
    // The open API says 400 where the web API says 404.
    expect((await open('/adrive/v1.0/openFile/get_by_path', body)).status).toBe(status === 404 ? 400 : 200);
  });

  it('with repeated blanks are not found by the web API', async () => {
    const body = { drive_id: emulator.drives.backup, file_path: '/a  b.txt' };
    expect((await web('/v2/file/get_by_path', body)).json.code).toBe('NotFound.File');
    expect((await open('/adrive/v1.0/openFile/get_by_path', body)).status).toBe(200);
  });
});

describe('bad requests', () => {
  it('whose body is no JSON object', async () => {
    for (const body of ['{', '[]', '"text"']) {
      const answer = await web('/v2/file/get', body);
      expect([answer.status, answer.json.code]).toEqual([400, 'InvalidRequestJSONFormat']);
    }
  });

  it('to paths that the web API does not have', async () => {
    const answer = await web('/v2/none');
    expect([answer.status, answer.text, answer.headers.get('x-ca-error-code')]).toEqual([404, '', 'I404']);
  });

  it('to the open API without a User-Agent', async () => {
    const status = await new Promise((resolve, reject) => {
      const url = `${emulator.openUrl}/adrive/v1.0/user/getDriveInfo`;
      request(url, { method: 'POST' }, (response) => resolve(response.resume().statusCode))
        .once('error', reject)
        .end();
    });
    expect(status).toBe(500);
  });
});
