import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator/emulator.ts';
import { call, codeOf, DIALECTS, putPart, start, upload, type Writer, writer } from './rig.ts';

const HELLO = 'Hello, world!';
const MIN = 100 * 1024;

let emulator: Emulator;
let clock: number;

beforeEach(async () => {
  clock = 1_700_000_000_000;
  emulator = await start({ deviceChecks: 'off', now: () => clock });
});

const md5 = (data: Uint8Array) => `"${createHash('md5').update(data).digest('hex').toUpperCase()}"`;
const sha1 = (...data: Uint8Array[]) => {
  const hash = createHash('sha1');
  for (const part of data) hash.update(part);
  return hash.digest('hex').toUpperCase();
};
const content = (fileId: string) => call(`${emulator.controlUrl}/_emulator/content/${fileId}`);

describe.each(DIALECTS)('%s: an upload', (dialect) => {
  let caller: Writer;
  const dead = dialect === 'web' ? 404 : 400;

  beforeEach(() => {
    caller = writer(emulator, dialect);
  });

  it('is invisible until it is complete, and whole then', async () => {
    const { json } = await caller.create({});
    const got = await caller.do('get', { file_id: json.file_id });
    expect([got.json.status, got.json.size, got.json.content_hash ?? null]).toEqual(['uploading', 13, null]);
    expect(await caller.names()).toEqual([]);
    await putPart(json.part_info_list[0].upload_url, HELLO);
    expect(await caller.names()).toEqual([]);
    const { status, json: entry } = await caller.do('complete', { file_id: json.file_id, upload_id: json.upload_id });
    expect([status, entry.size, entry.content_hash]).toEqual([200, 13, sha1(Buffer.from(HELLO))]);
    expect(await caller.names()).toEqual(['a.txt']);
    expect((await content(json.file_id)).text).toBe(HELLO);
    expect((await caller.do('get', { file_id: json.file_id })).json.status ?? 'available').toBe('available');
  });

  it('of several parts is their bytes one behind the other', async () => {
    const parts = ['x', 'y', 'z'].map((letter, index) => Buffer.alloc(index < 2 ? MIN : 7, letter));
    const { json } = await upload(caller, {}, ...parts);
    expect([json.size, json.content_hash]).toEqual([2 * MIN + 7, sha1(...parts)]);
    const link = emulator.store.find(caller.driveId, json.file_id)?.content;
    expect(Buffer.from(link?.read(MIN - 2, MIN + 2) ?? []).toString()).toBe('xxyy');
    const ranged = link && (await link.open(2 * MIN - 1, 2 * MIN + 2).toArray());
    expect(Buffer.concat(ranged ?? []).toString()).toBe('yzz');
  });

  it('completed twice is the entry again, under the name that it has by then', async () => {
    const { json } = await caller.create({});
    const key = { file_id: json.file_id, upload_id: json.upload_id };
    await putPart(json.part_info_list[0].upload_url, HELLO);
    const first = await caller.do('complete', key);
    await caller.do('update', { file_id: json.file_id, name: 'b.txt' });
    const second = await caller.do('complete', key);
    expect([first, second].map((answer) => [answer.status, answer.json.name, answer.json.size])).toEqual([
      [200, 'a.txt', 13],
      [200, 'b.txt', 13],
    ]);
    expect(await caller.names()).toEqual(['b.txt']);
  });

  it('is not completed while bytes are missing, and can go on', async () => {
    const list = [{ part_number: 1 }, { part_number: 2 }];
    const { json } = await caller.create({ size: MIN + 1, part_info_list: list });
    const key = { file_id: json.file_id, upload_id: json.upload_id };
    await putPart(json.part_info_list[0].upload_url, Buffer.alloc(MIN));
    const early = await caller.do('complete', key);
    expect([early.status, early.json.code]).toEqual([400, 'InvalidParameter.PartInfoList']);
    await putPart(json.part_info_list[1].upload_url, Buffer.alloc(1));
    expect((await caller.do('complete', key)).status).toBe(200);
  });

  it('is not completed with a small part before the last', async () => {
    const list = [{ part_number: 1 }, { part_number: 2 }];
    const { json } = await caller.create({ size: MIN + 5, part_info_list: list });
    await putPart(json.part_info_list[0].upload_url, Buffer.alloc(5));
    await putPart(json.part_info_list[1].upload_url, Buffer.alloc(MIN));
    const answer = await caller.do('complete', { file_id: json.file_id, upload_id: json.upload_id });
    expect([answer.status, answer.json.code]).toEqual([400, 'InvalidParameter.PartInfoList']);
  });

  it('lists its stored parts a hundred at a time', async () => {
    const count = 102;
    const size = (count - 1) * MIN + 1;
    const part_info_list = Array.from({ length: count }, (_, index) => ({ part_number: index + 1 }));
    const { json } = await caller.create({ size, part_info_list });
    const key = { file_id: json.file_id, upload_id: json.upload_id };
    for (const part of json.part_info_list.slice(0, 101)) await putPart(part.upload_url, Buffer.alloc(MIN));
    const first = await caller.do('parts', key);
    expect([first.json.uploaded_parts.length, first.json.next_part_number_marker]).toEqual([100, '100']);
    const rest = await caller.do('parts', { ...key, part_number_marker: '100' });
    expect([rest.json.uploaded_parts, rest.json.next_part_number_marker]).toEqual([
      [{ part_number: 101, part_size: MIN, etag: md5(Buffer.alloc(MIN)) }],
      '',
    ]);
  });

  it('gives URLs anew, but none for an empty list', async () => {
    const { json } = await caller.create({});
    const key = { file_id: json.file_id, upload_id: json.upload_id };
    const again = await caller.do('uploadUrl', { ...key, part_info_list: [{ part_number: 1 }] });
    expect((await putPart(again.json.part_info_list[0].upload_url, HELLO)).status).toBe(200);
    const empty = await caller.do('uploadUrl', { ...key, part_info_list: [] });
    expect([empty.status, empty.json.code]).toEqual([400, 'InvalidParameter.PartInfoList']);
  });

  it('that is complete takes no more parts', async () => {
    const { json } = await caller.create({});
    const key = { file_id: json.file_id, upload_id: json.upload_id };
    await putPart(json.part_info_list[0].upload_url, HELLO);
    await caller.do('complete', key);
    const answer = await caller.do('uploadUrl', { ...key, part_info_list: [{ part_number: 1 }] });
    expect([answer.status, answer.json.code]).toEqual([dead, 'NotFound.UploadId']);
    expect(codeOf((await putPart(json.part_info_list[0].upload_url, HELLO)).text)).toBe('NoSuchUpload');
  });

  it.each(['trash', 'remove'] as const)('ends with %s of its file', async (how) => {
    const { json } = await caller.create({});
    const key = { file_id: json.file_id, upload_id: json.upload_id };
    await caller.do(how, { file_id: json.file_id });
    expect(emulator.uploads.openCount).toBe(0);
    expect((await caller.do('get', key)).status).toBe(404);
    const answer = await caller.do('complete', key);
    expect([answer.status, answer.json.code]).toEqual([dead, 'NotFound.UploadId']);
    const put = await putPart(json.part_info_list[0].upload_url, HELLO);
    expect([put.status, codeOf(put.text)]).toEqual([404, 'NoSuchUpload']);
  });

  it('is gone after its time', async () => {
    emulator.settings.uploadSessionTtlMs = 60_000;
    const { json } = await caller.create({});
    clock += 60_001;
    const answer = await caller.do('complete', { file_id: json.file_id, upload_id: json.upload_id });
    expect([answer.status, answer.json.code]).toEqual([dead, 'NotFound.UploadId']);
    expect((await caller.do('get', { file_id: json.file_id })).status).toBe(404);
  });

  it('fails to complete below a folder that has gone', async () => {
    const folder = emulator.store.addFolder(emulator.store.root(caller.driveId), 'docs');
    const { json } = await caller.create({ size: 0, parent_file_id: folder.fileId });
    emulator.store.delete(folder);
    const answer = await caller.do('complete', { file_id: json.file_id, upload_id: json.upload_id });
    expect(answer.status).toBe(404);
  });
});

describe('the disk', () => {
  it('is full at the set size, and gives room to the next when files are gone for good', async () => {
    const caller = writer(emulator, 'open');
    emulator.settings.uploadDiskBytes = 1000;
    const first = await upload(caller, { name: 'a' }, Buffer.alloc(800));
    const { json } = await caller.create({ name: 'b', size: 700 });
    const refused = await putPart(json.part_info_list[0].upload_url, Buffer.alloc(700));
    expect([refused.status, codeOf(refused.text)]).toEqual([507, 'InsufficientStorage']);
    await caller.do('remove', { file_id: first.json.file_id });
    expect((await putPart(json.part_info_list[0].upload_url, Buffer.alloc(700))).status).toBe(200);
    // Its bytes had to go, and the chance of a rapid upload with them.
    expect(emulator.known.find(first.json.content_hash, 800)).toBeUndefined();
  });

  it('gives the room of an abandoned upload back', async () => {
    const caller = writer(emulator, 'open');
    emulator.settings.uploadDiskBytes = 1000;
    for (let round = 0; round < 3; round++) {
      const { json } = await caller.create({ size: 800 });
      expect((await putPart(json.part_info_list[0].upload_url, Buffer.alloc(800))).status).toBe(200);
      await caller.do('remove', { file_id: json.file_id });
    }
  });

  it('is clean after the end', async () => {
    const caller = writer(emulator, 'open');
    await upload(caller, {}, HELLO);
    const piece = await emulator.uploads.files.reserve(0);
    const folder = path.dirname(piece?.path ?? '');
    expect(existsSync(folder)).toBe(true);
    await emulator.close();
    expect(existsSync(folder)).toBe(false);
  });
});
