import { beforeEach, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator/emulator.ts';
import { proofCode } from '../../../src/emulator/proof.ts';
import { bytesContent } from '../../../src/emulator/store/content.ts';
import type { StoredEntry } from '../../../src/emulator/store/entry.ts';
import { call, putPart, start, upload, type WriteDialect, type Writer, writer } from './rig.ts';
import { byName, normalize, type Sample, samples } from './samples.ts';

const HELLO = 'Hello, world!';
const FOX = 'The quick brown fox jumps over the lazy dog. '.repeat(34).slice(0, 1500);

let emulator: Emulator;
let clock: number;

beforeEach(async () => {
  clock = Date.UTC(2024, 2, 1, 8, 15, 30, 123);
  emulator = await start({ deviceChecks: 'off', now: () => clock });
});

/** What was there before the sample's call, and the ids that its request is to name. */
type Scene = (caller: Writer, root: StoredEntry) => Ids | Promise<Ids>;
type Ids = Readonly<Record<string, unknown>>;

const empty: Scene = () => ({});
const withFile: Scene = (_caller, root) => ({ file_id: emulator.store.addFile(root, 'a.txt', HELLO).fileId });
const withFolder: Scene = (_caller, root) => ({ file_id: emulator.store.addFolder(root, 'docs').fileId });
const withBoth: Scene = (_caller, root) => ({
  file_id: emulator.store.addFile(root, 'a.txt', HELLO).fileId,
  to_parent_file_id: emulator.store.addFolder(root, 'docs').fileId,
});
const withTwin: Scene = async (caller, root) => {
  const ids = await withBoth(caller, root);
  emulator.store.addFile({ driveId: root.driveId, fileId: String(ids.to_parent_file_id) }, 'a.txt', 'other');
  return ids;
};
const withBinned: Scene = (_caller, root) => ({
  file_id: emulator.store.trash(emulator.store.addFile(root, 'a.txt', HELLO)).fileId,
});
const knowsHello: Scene = (caller) => {
  const content = bytesContent(HELLO);
  emulator.known.add(content);
  return { proof_code: proofCode(content, caller.accessToken) };
};
const knowsFox: Scene = () => {
  emulator.known.add(bytesContent(FOX));
  return {};
};
const withUpload: Scene = async (caller) => {
  const { json } = await caller.create({});
  return { file_id: json.file_id, upload_id: json.upload_id };
};
const withPart: Scene = async (caller) => {
  const { json } = await caller.create({});
  await putPart(json.part_info_list[0].upload_url, HELLO);
  return { file_id: json.file_id, upload_id: json.upload_id };
};
const withTask =
  (taskMs: number): Scene =>
  async (caller, root) => {
    const { file_id } = await withFolder(caller, root);
    emulator.settings.taskMs = taskMs;
    const { json } = await caller.do('copy', { file_id, to_parent_file_id: 'root' });
    return { async_task_id: json.async_task_id };
  };
const withBatch: Scene = async (caller, root) => {
  const { file_id } = await withFile(caller, root);
  const part = (id: unknown, url: string) => ({
    id,
    method: 'POST',
    url,
    body: { drive_id: root.driveId, file_id: id },
  });
  return { requests: [part(file_id, '/recyclebin/trash'), part('0'.repeat(40), '/file/get')] };
};
const withList: Scene = async (caller, root) => ({ from_file_ids: [(await withFile(caller, root)).file_id] });

const SCENES: Readonly<Record<WriteDialect, Readonly<Record<string, Scene>>>> = {
  web: {
    create_folder_new: empty,
    create_folder_exists: withFolder,
    create_file_upload_needed: empty,
    create_file_rapid_hit: knowsHello,
    create_file_pre_hash_hit: knowsFox,
    create_file_pre_hash_miss: empty,
    create_file_exists_refuse: withFile,
    create_file_exists_auto_rename: withFile,
    create_file_overwrite: withFile,
    create_file_empty: empty,
    get_upload_url: withUpload,
    list_uploaded_parts: withPart,
    complete: withPart,
    update_rename: withFile,
    update_star: withFile,
    move: withBoth,
    copy_file: withBoth,
    copy_folder: withFolder,
    trash_file: withFile,
    trash_folder: withFolder,
    restore: withBinned,
    recyclebin_list: withBinned,
    recyclebin_clear: withBinned,
    delete: withFile,
    async_task_get: withTask(0),
    batch: withBatch,
    cross_drive_copy: withList,
  },
  open: {
    create_folder: empty,
    create_folder_exists: withFolder,
    create_file: empty,
    create_file_exists: withFile,
    create_file_pre_hash_hit: knowsFox,
    create_file_rapid_hit: knowsHello,
    get_upload_url: withUpload,
    list_uploaded_parts: withPart,
    complete: withPart,
    update: withFile,
    move: withBoth,
    move_conflict: withTwin,
    copy_file: withBoth,
    copy_folder: withFolder,
    trash: withFile,
    trash_folder: withFolder,
    delete: withFile,
    async_task_get: withTask(1000),
  },
};

/** The request of a sample with ids that exist here. */
function ownBody({ request }: Sample, root: StoredEntry, ids: Ids): Record<string, unknown> {
  const own = Object.entries({ ...request.body, ...ids }).filter(([name]) => name in (request.body ?? {}));
  const { from_drive_id, to_drive_id } = request.body ?? {};
  return {
    ...Object.fromEntries(own),
    ...(from_drive_id ? { from_drive_id, to_drive_id } : { drive_id: root.driveId }),
    ...(!from_drive_id && to_drive_id ? { to_drive_id: root.driveId } : {}),
  };
}

/** What some samples leave out and others show. */
function withoutOptional(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, inner) => (key === 'internal_upload_url' ? undefined : inner));
}

describe.each(['web', 'open'] as const)('%s samples of writing', (dialect) => {
  it.each(Object.entries(SCENES[dialect]))('%s', async (name, scene) => {
    const sample = byName(samples[dialect], name);
    const caller = writer(emulator, dialect);
    const root = emulator.store.root(caller.driveId);
    const ids = await scene(caller, root);
    const { pathname } = new URL(sample.request.url);
    const answer = await caller.post(pathname, ownBody(sample, root, ids));
    expect(answer.status).toBe(sample.response.status);
    if (sample.response.body === null) expect(answer.text).toBe('');
    else {
      const id = (value: unknown) => normalize(withoutOptional(value));
      const expected = id(sample.response.body) as { responses?: { id: string }[] };
      const own = id(answer.json) as { responses?: { id: string }[] };
      // The parts of a batch are named by ids of here and there.
      for (const body of [expected, own]) for (const part of body.responses ?? []) part.id = '';
      expect(own).toEqual(expected);
    }
  });

  it('leave no writing sample out', () => {
    const writes = samples[dialect].filter(({ request }) =>
      /create(WithFolders)?$|[uU]pload|complete$|update$|move$|copy$|Copy$|recyclebin|delete$|async_task|batch$/.test(
        new URL(request.url).pathname,
      ),
    );
    const names = writes.map(({ name }) => name).filter((name) => !/^(share|qrcode)/.test(name));
    expect(names.sort()).toEqual(Object.keys(SCENES[dialect]).sort());
  });
});

describe('oss samples of writing', () => {
  const xmlOf = (text: string) =>
    text.replace(/<(RequestId|Expires|ServerTime)>[^<]*<\/\1>/g, '').replace(/<(Message)>[^<]*<\/\1>/g, '<$1/>');

  async function check(name: string, url: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const { response } = byName(samples.oss, name);
    const answer = await call(url, { method: 'PUT', body: Buffer.from(HELLO), headers });
    expect(answer.status).toBe(response.status);
    expect(xmlOf(answer.text)).toBe(xmlOf(String(response.body)));
    const { 'x-oss-request-id': _id, 'x-oss-hash-crc64ecma': _crc, ...told } = response.headers ?? {};
    for (const [header, value] of Object.entries(told)) expect(answer.headers.get(header)).toBe(value);
    expect(answer.headers.get('x-oss-request-id')).toMatch(/^[0-9A-F]{24}$/);
  }

  const urls = async (caller: Writer): Promise<string[]> => {
    const part_info_list = [1, 2, 3].map((part_number) => ({ part_number }));
    const { json } = await caller.create({ size: 300_000, part_info_list });
    return json.part_info_list.map((part: { upload_url: string }) => part.upload_url);
  };

  it('are all matched', async () => {
    const caller = writer(emulator, 'open');
    const [first = '', , third = ''] = await urls(caller);
    await check('put_with_content_type', first, { 'Content-Type': 'application/octet-stream' });
    await check('put_part_not_sequential', third);
    await check('put_part', first);
    await check('put_part_already_exists', first);
    emulator.uploads.abandon({ driveId: caller.driveId, fileId: decodeURIComponent(first).split('/')[5] ?? '' });
    await check('put_no_such_upload', first);
    clock += 3_600_000;
    await check('put_expired', first);
    const { json } = await upload(caller, { name: 'other' }, HELLO);
    expect(json.size).toBe(13);
  });

  it('have the query of a part URL', async () => {
    const keys = (url: string) => [...new URL(url).searchParams.keys()].sort();
    const [first = ''] = await urls(writer(emulator, 'open'));
    expect(keys(first)).toEqual(keys(byName(samples.oss, 'put_part').request.url));
  });
});
