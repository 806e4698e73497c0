import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator/emulator.ts';
import { proofCode } from '../../../src/emulator/proof.ts';
import { bytesContent } from '../../../src/emulator/store/content.ts';
import type { StoredEntry } from '../../../src/emulator/store/entry.ts';
import { call, DIALECTS, poster, start, upload, type WriteDialect, type Writer, writer } from './rig.ts';

const HELLO = 'Hello, world!';
const EMPTY_HASH = 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709';
const sha1 = (data: string) => createHash('sha1').update(data).digest('hex').toUpperCase();

let emulator: Emulator;
let root: StoredEntry;

beforeEach(async () => {
  emulator = await start({ deviceChecks: 'off' });
  root = emulator.store.root(emulator.drives.backup);
});

const stored = (name = 'a.txt') => [...emulator.store.children(root)].filter((entry) => entry.name === name);
const created = (dialect: WriteDialect) => (dialect === 'web' ? 201 : 200);

/** Short content has few proofs: one that the caller's token gives too would prove nothing. */
function makeForeignProof(accessToken: string): string | undefined {
  const content = bytesContent(HELLO);
  const own = proofCode(content, accessToken);
  return ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    .map((token) => proofCode(content, token))
    .find((code) => code !== own);
}

describe.each(DIALECTS)('%s: a create', (dialect) => {
  let caller: Writer;

  beforeEach(() => {
    caller = writer(emulator, dialect);
  });

  it('of a folder is there at once, and again with exist and its id', async () => {
    const first = await caller.create({ type: 'folder', name: 'docs' });
    const second = await caller.create({ type: 'folder', name: 'docs' });
    expect([first.status, second.status]).toEqual([created(dialect), created(dialect)]);
    expect([first.json.exist ?? false, second.json.exist]).toEqual([false, true]);
    expect(second.json).toMatchObject({ file_id: first.json.file_id, type: 'folder', status: 'available' });
    expect(stored('docs').map((entry) => entry.fileId)).toEqual([first.json.file_id]);
  });

  it.each([
    ['a folder where a file is', 'file', { type: 'folder' }],
    ['a file where a folder is', 'folder', { type: 'file' }],
  ])('of %s tells the type of what is there', async (_what, type, fields) => {
    const known =
      type === 'file' ? emulator.store.addFile(root, 'a.txt', 'x') : emulator.store.addFolder(root, 'a.txt');
    const { json } = await caller.create(fields);
    expect(json).toMatchObject({ exist: true, type, file_id: known.fileId });
  });

  it('with refuse leaves an existing file as it is and gives no upload', async () => {
    const known = emulator.store.addFile(root, 'a.txt', 'old');
    const { status, json } = await caller.create({});
    expect([status, json.exist, json.file_id]).toEqual([created(dialect), true, known.fileId]);
    expect([json.upload_id ?? null, json.part_info_list ?? null]).toEqual([null, null]);
    expect(emulator.uploads.openCount).toBe(0);
  });

  it('with auto_rename counts up until a name is free', async () => {
    for (const name of ['a.txt', 'a(1).txt']) emulator.store.addFile(root, name, 'old');
    expect((await caller.create({ check_name_mode: 'auto_rename' })).json.file_name).toBe('a(2).txt');
    const folder = await caller.create({ check_name_mode: 'auto_rename', type: 'folder' });
    expect(folder.json.file_name).toBe('a(2).txt');
  });

  it.each<[string, Record<string, unknown>, number, string]>([
    ['a slash in the name', { name: 'a/b' }, 400, 'InvalidParameter.Name'],
    ['an empty name', { name: '' }, 400, 'InvalidParameter.Name'],
    ['a name of 1025 bytes', { name: `${'漢'.repeat(341)}ab` }, 400, 'InvalidParameter.Name'],
    ['no size', { size: undefined }, 400, 'InvalidParameter.Size'],
    ['no type', { type: undefined }, 400, 'InvalidParameter.Type'],
    [
      'too many parts',
      { part_info_list: Array.from({ length: 10_001 }, (_, index) => ({ part_number: index + 1 })), size: 2 ** 40 },
      400,
      'InvalidParameter.PartInfoList',
    ],
    [
      'parts that leave a number out',
      { size: 2 ** 20, part_info_list: [{ part_number: 1 }, { part_number: 3 }] },
      400,
      'InvalidParameter.PartInfoList',
    ],
    [
      'parts that must be too small',
      { size: 102_400, part_info_list: [{ part_number: 1 }, { part_number: 2 }] },
      400,
      'InvalidParameter.PartInfoList',
    ],
  ])('is refused for %s', async (_what, fields, status, code) => {
    const answer = await caller.create(fields);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(emulator.uploads.openCount).toBe(0);
  });

  it('takes a name of 1024 bytes and parts of just 100 KiB', async () => {
    expect((await caller.create({ name: `${'漢'.repeat(341)}a` })).status).toBe(created(dialect));
    const parts = [{ part_number: 1 }, { part_number: 2 }];
    expect((await caller.create({ name: 'b', size: 102_401, part_info_list: parts })).status).toBe(created(dialect));
  });

  it('is refused below what is gone, in the bin or no folder, and fifty levels deep', async () => {
    const file = emulator.store.addFile(root, 'file', 'x');
    const binned = emulator.store.trash(emulator.store.addFolder(root, 'binned'));
    let deep = root;
    for (let level = 1; level <= 49; level++) deep = emulator.store.addFolder(deep, String(level));
    const ask = async (parent_file_id: string) => {
      const { status, json } = await caller.create({ parent_file_id, type: 'folder', name: 'new' });
      return [status, json.code ?? json.file_name];
    };
    const gone = dialect === 'web' ? 'NotFound.File' : 'NotFound.FileId';
    expect(await ask('0'.repeat(40))).toEqual([404, gone]);
    expect(await ask(binned.fileId)).toEqual([403, 'ForbiddenFileInTheRecycleBin']);
    expect(await ask(file.fileId)).toEqual([400, 'InvalidResource.ParentFileId']);
    expect(await ask(deep.fileId)).toEqual([created(dialect), 'new']);
    const last = emulator.store.findChild(deep, 'new');
    expect(await ask(last?.fileId ?? '')).toEqual([400, 'InvalidParameter.ParentFileId']);
  });

  it('that hits known content makes the file at once, with the proof of this access token', async () => {
    const content = bytesContent(HELLO);
    emulator.known.add(content);
    const fields = { content_hash: sha1(HELLO).toLowerCase(), content_hash_name: 'sha1', proof_version: 'v1' };
    const proof_code = proofCode(content, caller.accessToken);
    const { json } = await caller.create({ ...fields, proof_code });
    expect(json).toMatchObject({ rapid_upload: true, upload_id: expect.any(String) });
    expect(json.part_info_list ?? null).toBeNull();
    expect(stored()[0]).toMatchObject({ fileId: json.file_id, content });
    const complete = await caller.do('complete', { file_id: json.file_id, upload_id: json.upload_id });
    expect([complete.status, complete.json.size]).toEqual([200, 13]);
  });

  it.each([
    ['of another access token', (accessToken: string) => makeForeignProof(accessToken)],
    ['that is missing', () => undefined],
  ])('is refused with a proof %s', async (_what, makeProof) => {
    emulator.store.addFile(root, 'known', HELLO);
    const { status, json } = await caller.create({
      content_hash: sha1(HELLO),
      proof_code: makeProof(caller.accessToken),
    });
    expect([status, json.code, stored()]).toEqual([400, 'InvalidRapidProof', []]);
  });

  it.each([
    ['nobody has', {}, {}],
    ['has another size', { size: 14 }, {}],
    ['may not be hit', {}, { rapidUpload: 'off' }],
  ] as const)('of content that %s needs its bytes', async (what, fields, settings) => {
    if (what !== 'nobody has') emulator.known.add(bytesContent(HELLO));
    Object.assign(emulator.settings, settings);
    const { json } = await caller.create({ content_hash: sha1(HELLO), proof_code: 'eA==', ...fields });
    expect([json.rapid_upload, json.part_info_list.length, stored()]).toEqual([false, 1, []]);
  });

  it('remembers content whose file is gone for good', async () => {
    emulator.store.delete(emulator.store.addFile(root, 'gone', HELLO));
    const proof_code = proofCode(bytesContent(HELLO), caller.accessToken);
    expect((await caller.create({ content_hash: sha1(HELLO), proof_code })).json.rapid_upload).toBe(true);
  });

  it('of an empty file is always a hit, and without a hash gives one part', async () => {
    const rapid = { size: 0, part_info_list: [], content_hash: EMPTY_HASH, proof_code: '', proof_version: 'v1' };
    expect((await caller.create(rapid)).json.rapid_upload).toBe(true);
    const { json } = await caller.create({ name: 'b', size: 0, part_info_list: [] });
    expect(json.part_info_list).toEqual([expect.objectContaining({ part_number: 1, upload_url: expect.any(String) })]);
    const complete = await caller.do('complete', { file_id: json.file_id, upload_id: json.upload_id });
    expect(complete.json).toMatchObject({ size: 0, content_hash: EMPTY_HASH });
  });

  it.each([
    ['known', 'x'.repeat(1500), 409],
    ['known', 'y'.repeat(1500), 0],
    ['always', 'y'.repeat(1500), 409],
    ['never', 'x'.repeat(1500), 0],
  ] as const)('with the probe, where %s probes hit, of %.3s…', async (preHash, data, status) => {
    emulator.known.add(bytesContent(`${'x'.repeat(1024)} and another end`));
    emulator.settings.preHash = preHash;
    const pre_hash = sha1(data.slice(0, 1024));
    const answer = await caller.create({ size: 1500, pre_hash });
    expect(answer.status).toBe(status || created(dialect));
    if (status === 0) expect(answer.json.part_info_list).toHaveLength(1);
    else expect([answer.json.code, emulator.uploads.openCount]).toEqual(['PreHashMatched', 0]);
    // The second step tells the truth: the ends differ.
    const proof = { size: 1500, content_hash: sha1(data), proof_code: 'eA==' };
    expect((await caller.create(proof)).json.rapid_upload).toBe(false);
  });

  it('is refused when the account or the file would be too large', async () => {
    emulator.settings.totalBytes = 20;
    emulator.store.trash(emulator.store.addFile(root, 'binned', 'x'.repeat(8)));
    const full = await caller.create({});
    expect([full.status, full.json.code]).toEqual([403, 'QuotaExhausted.Drive']);
    expect((await caller.create({ size: 12 })).status).toBe(created(dialect));
    emulator.settings.maxFileBytes = 10;
    const large = await caller.create({ size: 11 });
    if (dialect === 'open')
      expect([large.status, large.text, large.json]).toEqual([413, 'Payload Too Large', undefined]);
    else expect([large.status, large.json.message]).toEqual([400, expect.stringContaining('file size is exceed')]);
  });
});

describe('web: overwrite', () => {
  it('keeps the id and swaps the content when the upload is completed', async () => {
    const caller = writer(emulator, 'web');
    const known = emulator.store.addFile(root, 'a.txt', 'old');
    const { json } = await caller.create({ check_name_mode: 'overwrite' });
    expect(json).toMatchObject({ file_id: known.fileId, rapid_upload: false });
    expect((await call(`${emulator.controlUrl}/_emulator/content/${known.fileId}`)).text).toBe('old');
    await upload(caller, { check_name_mode: 'overwrite' }, HELLO);
    expect(stored()).toEqual([expect.objectContaining({ fileId: known.fileId, createdAt: known.createdAt })]);
    expect((await call(`${emulator.controlUrl}/_emulator/content/${known.fileId}`)).text).toBe(HELLO);
  });

  it('swaps at once where the content is known', async () => {
    const caller = writer(emulator, 'web');
    const known = emulator.store.addFile(root, 'a.txt', 'old');
    const content = bytesContent(HELLO);
    emulator.known.add(content);
    const proof_code = proofCode(content, caller.accessToken);
    const { json } = await caller.create({ check_name_mode: 'overwrite', content_hash: sha1(HELLO), proof_code });
    expect(json).toMatchObject({ rapid_upload: true, file_id: known.fileId });
    expect(stored()[0]?.content).toBe(content);
  });

  it('never puts a file in the place of a folder', async () => {
    emulator.store.addFolder(root, 'a.txt');
    const { status, json } = await writer(emulator, 'web').create({ check_name_mode: 'overwrite' });
    expect([status, json.code]).toEqual([409, 'AlreadyExist.File']);
  });
});

describe('a mode of the other dialect', () => {
  it.each([
    ['web', 'ignore'],
    ['open', 'overwrite'],
  ] as const)('%s refuses %s', async (dialect, check_name_mode) => {
    const { status, json } = await writer(emulator, dialect).create({ check_name_mode });
    expect([status, json.code]).toEqual([400, 'InvalidParameter.CheckNameMode']);
  });

  it('open takes ignore, which makes twins', async () => {
    const known = emulator.store.addFile(root, 'a.txt', 'old');
    const { json } = await upload(writer(emulator, 'open'), { check_name_mode: 'ignore' }, HELLO);
    expect(stored().map((entry) => entry.fileId)).toEqual([known.fileId, json.file_id]);
  });

  it('the oldest web endpoint has a flag in place of a mode', async () => {
    emulator.store.addFile(root, 'a.txt', 'old');
    const caller = writer(emulator, 'web');
    const post = poster(emulator.apiUrl, { Authorization: `Bearer ${caller.accessToken}` });
    const fields = { drive_id: caller.driveId, parent_file_id: 'root', name: 'a.txt', type: 'file', size: 13 };
    const { json } = await post('/v2/file/create_with_proof', { ...fields, auto_rename: true });
    expect(json.file_name).toBe('a(1).txt');
    expect((await post('/v2/file/create', { ...fields, check_name_mode: 'refuse' })).json.exist).toBe(true);
  });
});

describe('names between create and complete', () => {
  it.each(DIALECTS)(
    '%s: an upload in progress takes none, so that two of one name may end up there',
    async (dialect) => {
      const caller = writer(emulator, dialect);
      const first = await caller.create({ size: 0 });
      const second = await caller.create({ size: 0 });
      expect([first.json.exist ?? false, second.json.exist ?? false]).toEqual([false, false]);
      for (const { json } of [first, second]) {
        await caller.do('complete', { file_id: json.file_id, upload_id: json.upload_id });
      }
      expect(stored()).toHaveLength(2);
    },
  );
});
