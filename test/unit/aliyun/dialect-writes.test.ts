import { afterEach, describe, expect, it } from 'vitest';
import { createJsonHttp } from '../../../src/aliyun/http.ts';
import { createOpenDrive } from '../../../src/aliyun/open/open-drive.ts';
import { createWebDrive } from '../../../src/aliyun/web/web-drive.ts';
import type { CreateFileRequest, Drive, UploadSession } from '../../../src/drive/drive.ts';
import type { Entry } from '../../../src/drive/entry.ts';
import { recordingLog } from './recording-log.ts';
import { readJson, type ScriptedServer, sendJson, startScriptedServer } from './scripted-server.ts';

type Dialect = 'web' | 'open';
/** A status of 0 is a reset. */
type Answer = readonly [status: number, body?: unknown];
type Script = (path: string, body: Record<string, unknown>, calls: number) => Answer;

const NOW = Date.UTC(2024, 2, 1);
const CREATED = NOW - 1_000_000;
const HASH = '943A702D06F34599AEE1F8DA8EF9F7296031D699';
const OTHER_HASH = 'B230D43B7D232CBDA401D03246032135E9A7B4A8';
const PARENT = { driveId: 'D', id: 'P' };
const DIALECTS = ['web', 'open'] as const;

let server: ScriptedServer;
afterEach(() => server.close());

async function setUp(dialect: Dialect, script: Script) {
  const asked: { path: string; body: Record<string, unknown> }[] = [];
  server = await startScriptedServer(async (request, response) => {
    const body = await readJson(request);
    const path = (request.url ?? '').split('/').at(-1) ?? '';
    asked.push({ path, body });
    const [status, json] = script(path, body, asked.length);
    if (status === 0) request.socket.resetAndDestroy();
    else if (json === undefined) response.writeHead(status).end();
    else sendJson(response, status, json);
  });
  const { log, lines } = recordingLog();
  const dependencies = {
    http: createJsonHttp({ timeoutMs: 5000, userAgent: 'alidav/test' }),
    apiUrl: server.url,
    tokens: { getAccessToken: async () => 'T', replaceAccessToken: async () => 'T2' },
    storage: { openRange: () => Promise.reject(new Error('x')), putPart: () => Promise.reject(new Error('x')) },
    log,
    now: () => NOW,
    backOff: () => 1,
    rates: { list: 1000, link: 1000, other: 1000 },
  };
  const device = { headers: async () => ({ 'x-device-id': 'd' }), renew: async () => {} };
  const drive: Drive = dialect === 'web' ? createWebDrive({ ...dependencies, device }) : createOpenDrive(dependencies);
  return { drive, asked, lines, paths: () => asked.map(({ path }) => path) };
}

const entry = (id: string, change: Partial<Entry> = {}): Entry => ({
  driveId: 'D',
  id,
  parentId: 'P',
  name: 'a.txt',
  kind: 'file',
  sizeBytes: 13,
  createdAt: CREATED,
  updatedAt: CREATED,
  contentHash: HASH,
  mimeType: undefined,
  liveStreams: undefined,
  blockedReason: undefined,
  trashed: false,
  ...change,
});

/** An entry as the service tells it. */
const item = (id: string, change: object = {}) => ({
  drive_id: 'D',
  file_id: id,
  parent_file_id: 'P',
  name: 'a.txt',
  type: 'file',
  size: 13,
  content_hash: HASH,
  created_at: new Date(CREATED).toISOString(),
  updated_at: new Date(CREATED).toISOString(),
  status: 'available',
  ...change,
});

const request = (change: Partial<CreateFileRequest> = {}): CreateFileRequest => ({
  parent: PARENT,
  name: 'a.txt',
  sizeBytes: 13,
  partSizeBytes: 10,
  ...change,
});

const session = (change: Partial<UploadSession> = {}): UploadSession => ({
  driveId: 'D',
  id: 'F',
  parentId: 'P',
  name: 'a.txt',
  uploadId: 'U',
  sizeBytes: 13,
  partSizeBytes: 10,
  replaces: undefined,
  ...change,
});

const proven = {
  kind: 'content-hash',
  contentHash: HASH.toLowerCase(),
  readProof: async () => Buffer.from('proof'),
} as const;

const refusal = (status: number, code: string, message = 'x'): Answer => [status, { code, message }];
const upload = { file_id: 'F', upload_id: 'U', part_info_list: null };

describe.each(DIALECTS)('createFile over the %s API', (dialect) => {
  const replacingMode = dialect === 'web' ? 'overwrite' : 'ignore';

  it('says all that the service wants to know', async () => {
    const { drive, asked } = await setUp(dialect, () => [201, upload]);
    const created = await drive.createFile(request());
    expect(created).toEqual({ outcome: 'upload', session: session() });
    expect(asked[0]?.body).toEqual({
      drive_id: 'D',
      parent_file_id: 'P',
      name: 'a.txt',
      type: 'file',
      check_name_mode: 'refuse',
      size: 13,
      part_info_list: [{ part_number: 1 }, { part_number: 2 }],
    });
    const replaces = entry('old');
    const replacing = await drive.createFile(request({ replaces }));
    expect(replacing).toEqual({ outcome: 'upload', session: session({ replaces }) });
    expect(asked[1]?.body).toMatchObject({ check_name_mode: replacingMode });
  });

  it('asks with the first KiB', async () => {
    const { drive, asked } = await setUp(dialect, () => refusal(dialect === 'web' ? 409 : 400, 'PreHashMatched'));
    const fingerprint = { kind: 'pre-hash', preHash: HASH.toLowerCase() } as const;
    expect(await drive.createFile(request({ fingerprint }))).toEqual({ outcome: 'pre-hash-matched' });
    expect(asked[0]?.body).toMatchObject({ pre_hash: HASH });
    expect(asked[0]?.body).not.toHaveProperty('content_hash');
  });

  it('builds the entry of a content that is known, without a further call', async () => {
    const answer = { file_id: 'N', rapid_upload: true, file_name: 'a.txt', part_info_list: null };
    const { drive, asked } = await setUp(dialect, () => [201, answer]);
    const created = await drive.createFile(request({ fingerprint: proven }));
    expect(created).toEqual({ outcome: 'instant', entry: entry('N', { createdAt: NOW, updatedAt: NOW }) });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.body).toMatchObject({
      content_hash: HASH,
      content_hash_name: 'sha1',
      proof_code: Buffer.from('proof').toString('base64'),
      proof_version: 'v1',
    });
    expect(asked[0]?.body).not.toHaveProperty('pre_hash');
  });

  it('proves an empty file by nothing', async () => {
    const { drive, asked } = await setUp(dialect, () => [201, { file_id: 'N', rapid_upload: true }]);
    const created = await drive.createFile(request({ sizeBytes: 0 }));
    expect(created).toMatchObject({ outcome: 'instant', entry: { sizeBytes: 0, name: 'a.txt' } });
    expect(asked[0]?.body).toMatchObject({ size: 0, part_info_list: [], proof_code: '' });
  });

  it('computes a refused proof once more, and then claims nothing', async () => {
    const { drive, asked } = await setUp(dialect, (_, body) =>
      'content_hash' in body ? refusal(400, 'InvalidRapidProof') : [201, upload],
    );
    expect(await drive.createFile(request({ fingerprint: proven }))).toMatchObject({ outcome: 'upload' });
    expect(asked.map(({ body }) => 'content_hash' in body)).toEqual([true, true, false]);
  });

  it.each([
    ['a 2xx', [200, { exist: true, file_id: 'E', upload_id: null, part_info_list: null }]],
    ['a 409', refusal(409, 'AlreadyExist.File', "drive has the same file, can't update, file_id E")],
    ['a 400', refusal(400, 'AlreadyExist.File', "drive has the same file, can't update, file_id E")],
  ] as const)('tells in %s that the name is taken', async (_, answer) => {
    const { drive } = await setUp(dialect, () => answer);
    expect(await drive.createFile(request())).toEqual({ outcome: 'exists', key: { driveId: 'D', id: 'E' } });
  });

  it.each([{ exist: true }, { exist: true, rapid_upload: false }])(
    'is not held up by %j where it replaces',
    async (extra) => {
      const { drive } = await setUp(dialect, () => [201, { ...upload, ...extra }]);
      expect(await drive.createFile(request({ replaces: entry('F') }))).toMatchObject({ outcome: 'upload' });
    },
  );

  it.each([
    ['InvalidParameter.Name', 400, 'name-refused'],
    ['QuotaExhausted.Drive', 403, 'quota-exhausted'],
    ['NotFound.File', 404, 'not-found'],
    ['ForbiddenFileInTheRecycleBin', 403, 'not-found'],
    ['InvalidResource.ParentFileId', 400, 'not-a-folder'],
    ['ForbiddenDriveLocked', 403, 'drive-locked'],
  ])('tells %s', async (code, status, expected) => {
    const { drive, asked } = await setUp(dialect, () => refusal(status, code));
    await expect(drive.createFile(request())).rejects.toMatchObject({ code: expected });
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['its own file', item('E'), 'instant'],
    ['another content', item('E', { content_hash: OTHER_HASH }), 'exists'],
    ['an upload under way', item('E', { status: 'uploading' }), 'exists'],
  ])('after a lost answer, finds %s', async (_, found, outcome) => {
    const { drive } = await setUp(dialect, (path, _body, calls) => {
      if (path === 'get') return [200, found];
      return calls === 1 ? [0] : [200, { exist: true, file_id: 'E' }];
    });
    expect(await drive.createFile(request({ fingerprint: proven }))).toMatchObject({ outcome });
  });

  it.each([{}, { file_id: 'F' }, { upload_id: 'U' }])(
    'asks again after the answer %j, which names nothing',
    async (odd) => {
      const { drive, asked } = await setUp(dialect, (_path, _body, calls) => [201, calls === 1 ? odd : upload]);
      expect(await drive.createFile(request())).toMatchObject({ outcome: 'upload' });
      expect(asked).toHaveLength(2);
    },
  );
});

describe('createFile in the place of another, over the open API', () => {
  it('adopts the newest file that it can have made', async () => {
    const old = item('old');
    const made = item('made', { created_at: new Date(NOW).toISOString() });
    const items = [old, item('b', { name: 'b' }), item('c', { content_hash: OTHER_HASH }), item('twin'), made];
    const { drive, paths } = await setUp('open', (path) => (path === 'list' ? [200, { items, next_marker: '' }] : [0]));
    const created = await drive.createFile(request({ replaces: entry('old'), fingerprint: proven }));
    expect(created).toMatchObject({ outcome: 'instant', entry: { id: 'made' } });
    expect(paths()).toEqual(['create', 'list']);
  });

  it('creates once more where none is found', async () => {
    const { drive, paths } = await setUp('open', (path, _body, calls) => {
      if (path === 'list') return [200, { items: [item('old')], next_marker: '' }];
      return calls === 1 ? [0] : [200, { file_id: 'N', rapid_upload: true }];
    });
    const created = await drive.createFile(request({ replaces: entry('old'), fingerprint: proven }));
    expect(created).toMatchObject({ outcome: 'instant', entry: { id: 'N' } });
    expect(paths()).toEqual(['create', 'list', 'list', 'list', 'create']);
  });
});

describe.each(DIALECTS)('completeUpload over the %s API', (dialect) => {
  it.each([
    ['null fields', item('F', { drive_id: null, parent_file_id: null, type: null, status: null })],
    ['the whole entry', item('F')],
  ])('understands %s', async (_, answer) => {
    const { drive, asked } = await setUp(dialect, () => [200, answer]);
    expect(await drive.completeUpload(session())).toEqual(entry('F'));
    expect(asked.map(({ body }) => body)).toEqual([{ drive_id: 'D', file_id: 'F', upload_id: 'U' }]);
  });

  it('looks where nothing is told', async () => {
    const { drive } = await setUp(dialect, (path) => [200, path === 'get' ? item('F') : {}]);
    expect(await drive.completeUpload(session())).toEqual(entry('F'));
  });

  it.each([
    ['an entry in place', item('F'), ['complete', 'get']],
    ['an upload under way', item('F', { status: 'uploading' }), ['complete', 'get', 'complete']],
    ['nothing to tell it from one', item('F', { status: null, content_hash: null }), ['complete', 'get', 'complete']],
    ['a hash, if no state', item('F', { status: null }), ['complete', 'get']],
    ['another length', item('F', { size: 12 }), ['complete', 'get', 'complete']],
  ])('after a lost answer, finds %s', async (_, found, calls) => {
    const { drive, paths } = await setUp(dialect, (path, _body, count) => {
      if (path === 'get') return [200, found];
      return count === 1 ? [0] : [200, item('F')];
    });
    expect(await drive.completeUpload(session())).toEqual(entry('F'));
    expect(paths()).toEqual(calls);
  });

  it.each([
    ['the old content', HASH, ['complete', 'get', 'complete']],
    ['the new content', OTHER_HASH, ['complete', 'get']],
  ])('under the id of the file that it overwrites, finds %s', async (_, hash, calls) => {
    const { drive, paths } = await setUp(dialect, (path, _body, count) => {
      if (path === 'get') return [200, item('F', { content_hash: hash })];
      return count === 1 ? [0] : [200, item('F', { content_hash: OTHER_HASH })];
    });
    const completed = await drive.completeUpload(session({ replaces: entry('F') }));
    expect(completed.contentHash).toBe(OTHER_HASH);
    expect(paths()).toEqual(calls);
  });

  it('knows the end of a session of equal content only after a lost answer', async () => {
    const gone = refusal(dialect === 'web' ? 404 : 400, 'NotFound.UploadId');
    const overwriting = session({ replaces: entry('F') });
    const first = await setUp(dialect, (path) => (path === 'get' ? [200, item('F')] : gone));
    await expect(first.drive.completeUpload(overwriting)).rejects.toMatchObject({ code: 'upload-session-gone' });
    await server.close();
    const second = await setUp(dialect, (path, _body, count) => {
      if (path === 'get') return [200, item('F')];
      return count === 1 ? [0] : gone;
    });
    expect(await second.drive.completeUpload(overwriting)).toMatchObject({ id: 'F' });
  });

  it('tries a refusal once more', async () => {
    const { drive, paths } = await setUp(dialect, (path, _body, count) => {
      if (path === 'get') return [200, item('F', { status: 'uploading' })];
      return count === 1 ? [400, {}] : [200, item('F')];
    });
    expect(await drive.completeUpload(session())).toEqual(entry('F'));
    expect(paths()).toEqual(['complete', 'get', 'complete']);
  });

  it('says that a part is missing', async () => {
    const { drive } = await setUp(dialect, (path) =>
      path === 'get' ? [200, item('F', { status: 'uploading' })] : refusal(400, 'InvalidParameter.PartInfoList'),
    );
    await expect(drive.completeUpload(session())).rejects.toMatchObject({ code: 'part-out-of-order' });
  });
});

describe.each(DIALECTS)('abandonUpload over the %s API', (dialect) => {
  it('deletes what was begun, for good', async () => {
    const { drive, asked } = await setUp(dialect, () => [204]);
    await drive.abandonUpload(session());
    expect(asked).toMatchObject([{ path: 'delete', body: { drive_id: 'D', file_id: 'F' } }]);
  });

  it('never deletes the file that was to be replaced', async () => {
    const { drive, asked } = await setUp(dialect, () => [204]);
    await drive.abandonUpload(session({ replaces: entry('F') }));
    expect(asked).toEqual([]);
  });

  it.each([
    ['is an upload under way', 'uploading', true],
    ['is a file of its own', 'available', false],
    ['is not told', null, false],
  ])('looks what an overwriting session goes by, and it %s', async (_, status, isDeleted) => {
    const { drive, paths } = await setUp(dialect, (path) =>
      path === 'get' ? [200, item('F', { status })] : [200, {}],
    );
    await drive.abandonUpload(session({ replaces: entry('old') }));
    if (dialect === 'web') expect(paths()).toEqual(isDeleted ? ['get', 'delete'] : ['get']);
    // There, a new file has an id of its own.
    else expect(paths()).toEqual(['delete']);
  });
});

describe.each(DIALECTS)('listUploadedParts over the %s API', (dialect) => {
  it('reads all pages, with what is not told made up for', async () => {
    const { drive, asked } = await setUp(dialect, (_path, { part_number_marker: marker }) =>
      marker === undefined
        ? [200, { uploaded_parts: [{ part_number: 2, part_size: null }], next_part_number_marker: '2' }]
        : [200, { uploaded_parts: [{ part_number: 1, part_size: 10, etag: 'E' }], next_part_number_marker: '' }],
    );
    expect(await drive.listUploadedParts(session())).toEqual([
      { number: 1, sizeBytes: 10, etag: 'E' },
      { number: 2, sizeBytes: 3, etag: '' },
    ]);
    expect(asked.map(({ body }) => body.part_number_marker)).toEqual([undefined, '2']);
  });

  it('notices a page that repeats', async () => {
    const { drive } = await setUp(dialect, () => [200, { uploaded_parts: [], next_part_number_marker: 1 }]);
    await expect(drive.listUploadedParts(session())).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('knows an upload by its file, too', async () => {
    const { drive } = await setUp(dialect, () => refusal(404, 'NotFound.File'));
    await expect(drive.listUploadedParts(session())).rejects.toMatchObject({ code: 'upload-session-gone' });
  });
});

describe('move over the web API', () => {
  it('asks for a rename', async () => {
    const answer = item('F', { name: 'b.md', updated_at: new Date(NOW + 5).toISOString(), mime_type: 'text/markdown' });
    const { drive, asked } = await setUp('web', () => [200, answer]);
    const moved = await drive.move(entry('F'), { parent: PARENT, name: 'b.md' });
    expect(moved).toEqual(entry('F', { name: 'b.md', updatedAt: NOW + 5, mimeType: 'text/markdown' }));
    expect(asked).toEqual([
      { path: 'update', body: { drive_id: 'D', file_id: 'F', name: 'b.md', check_name_mode: 'refuse' } },
    ]);
  });

  it('asks for a move with a new name', async () => {
    const { drive, asked } = await setUp('web', () => [200, { file_id: 'F' }]);
    const moved = await drive.move(entry('F'), { parent: { driveId: 'D', id: 'Q' }, name: 'b.txt' });
    expect(moved).toEqual(entry('F', { name: 'b.txt', parentId: 'Q', updatedAt: NOW }));
    expect(asked).toMatchObject([
      { path: 'move', body: { to_parent_file_id: 'Q', new_name: 'b.txt', overwrite: false } },
    ]);
  });

  it('asks to overwrite, and looks whether it was done', async () => {
    const { drive, asked } = await setUp('web', (path) => [200, path === 'get' ? item('F', { name: 'b' }) : {}]);
    const target = { parent: PARENT, name: 'b', replaces: entry('old', { name: 'b' }) };
    expect(await drive.move(entry('F'), target)).toEqual(entry('F', { name: 'b' }));
    expect(asked).toMatchObject([
      { path: 'move', body: { to_parent_file_id: 'P', new_name: 'b', overwrite: true } },
      { path: 'get' },
    ]);
  });

  it('overwrites no folder, and none by one', async () => {
    const folder = entry('old', { name: 'b', kind: 'folder' });
    const { drive, paths } = await setUp('web', (path, body) =>
      path === 'get' ? [200, item('old', { name: 'b', type: 'folder' })] : [200, item(String(body.file_id))],
    );
    await drive.move(entry('F'), { parent: PARENT, name: 'b', replaces: folder });
    expect(paths()).toEqual(['get', 'update', 'update']);
  });

  it('knows that a name needs no changing', async () => {
    const { drive, asked } = await setUp('web', () => [500]);
    expect(await drive.move(entry('F'), { parent: PARENT, name: 'a.txt' })).toEqual(entry('F'));
    expect(asked).toEqual([]);
  });

  it.each([
    [[400, 400], 'name-refused'],
    [[400, 200], undefined],
  ])('after bare answers with the status %j: %s', async (statuses, code) => {
    const { drive } = await setUp('web', (_path, _body, calls) => [statuses[calls - 1] ?? 500, {}]);
    const moved = drive.move(entry('F'), { parent: PARENT, name: '100%' });
    if (code) await expect(moved).rejects.toMatchObject({ code });
    else expect(await moved).toMatchObject({ name: '100%' });
  });
});

describe('move over the open API', () => {
  const target = { parent: { driveId: 'D', id: 'Q' }, name: 'b' };

  it.each([
    [undefined, ['ignore', 'refuse']],
    [entry('old', { parentId: 'Q', name: 'b' }), ['ignore', 'ignore']],
  ])('moves, and then renames', async (replaces, modes) => {
    const { drive, asked } = await setUp('open', () => [200, { file_id: 'F', exist: false, async_task_id: null }]);
    const moved = await drive.move(entry('F'), { ...target, replaces });
    expect(moved).toEqual(entry('F', { parentId: 'Q', name: 'b', updatedAt: NOW }));
    expect(asked.map(({ path }) => path)).toEqual(['move', 'update']);
    expect(asked.map(({ body }) => body.check_name_mode)).toEqual(modes);
    expect(asked[0]?.body).not.toHaveProperty('new_name');
  });

  it('takes a refused name back to where it came from', async () => {
    const { drive, asked } = await setUp('open', (path) => {
      if (path === 'get') return [200, item('F', { parent_file_id: 'Q' })];
      return path === 'update' ? refusal(409, 'AlreadyExist.File') : [200, { file_id: 'F' }];
    });
    await expect(drive.move(entry('F'), target)).rejects.toMatchObject({ code: 'already-exists' });
    expect(asked.at(-1)).toMatchObject({ path: 'move', body: { to_parent_file_id: 'P' } });
  });

  it.each([
    ['it cannot be taken back', refusal(409, 'AlreadyExist.File')],
    ['the service is away', [503]],
  ] as const)('says that it is half done where %s', async (_, answer) => {
    let moves = 0;
    const { drive } = await setUp('open', (path) => {
      if (path === 'get') return [200, item('F', { parent_file_id: 'Q' })];
      if (path === 'update') return answer;
      moves += 1;
      return moves === 1 ? [200, { file_id: 'F' }] : refusal(403, 'Forbidden');
    });
    await expect(drive.move(entry('F'), target)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('goes on from wherever an earlier try has stopped', async () => {
    const { drive, paths } = await setUp('open', (path) => {
      if (path === 'get') return [200, item('F', { parent_file_id: 'Q', name: 'b' })];
      return path === 'move' ? [200, { file_id: 'F', exist: true }] : [500];
    });
    expect(await drive.move(entry('F'), target)).toMatchObject({ parentId: 'Q', name: 'b' });
    expect(paths()).toEqual(['move', 'get']);
  });
});

describe.each(DIALECTS)('settleReplaced over the %s API', (dialect) => {
  const successor = entry('new');
  it('leaves alone what took its own place', async () => {
    const { drive, asked } = await setUp(dialect, () => [500]);
    await drive.settleReplaced(entry('new'), successor);
    expect(asked).toEqual([]);
  });

  it.each([
    ['beside its successor', [200, item('old')], true],
    ['aside', [200, item('old', { name: 'a.txt.old.replaced' })], true],
    ['elsewhere', [200, item('old', { parent_file_id: 'Q' })], false],
    ['under another name', [200, item('old', { name: 'b' })], false],
    ['in the bin', [200, item('old', { trashed: true })], false],
    ['nowhere', refusal(404, 'NotFound.File'), false],
  ] as const)('of one that stands %s', async (_, found, isTrashed) => {
    const { drive, paths } = await setUp(dialect, (path) => (path === 'get' ? found : [204]));
    await drive.settleReplaced(entry('old'), successor);
    if (dialect === 'web') expect(paths()).toEqual(isTrashed ? ['get', 'trash'] : ['get']);
    // It never swaps by itself, so that no look is due.
    else expect(paths()).toEqual(['trash']);
  });
});

describe.each(DIALECTS)('taking away over the %s API', (dialect) => {
  it.each([
    ['an empty answer', [204]],
    ['a JSON answer', [200, { file_id: 'F' }]],
    ['one that it is gone', refusal(404, 'NotFound.File')],
    ['one that it is in the bin', refusal(403, 'ForbiddenFileInTheRecycleBin')],
  ] as const)('is done after %s', async (_, answer) => {
    const { drive, asked } = await setUp(dialect, () => answer);
    await drive.trash(entry('F'));
    await drive.deleteForGood(entry('F'));
    expect(asked.map(({ path }) => path)).toEqual(['trash', 'delete']);
  });

  it.each([
    ['gone', refusal(404, 'NotFound.File'), undefined],
    ['in the bin', [200, item('F', { trashed: true })], undefined],
    ['still there', [200, item('F')], 'invalid-request'],
  ] as const)('looks after a 400, and it is %s', async (_, found, code) => {
    const { drive } = await setUp(dialect, (path) => (path === 'get' ? found : refusal(400, 'BadRequest')));
    const trashed = drive.trash(entry('F'));
    if (code) await expect(trashed).rejects.toMatchObject({ code });
    else await trashed;
  });

  it('awaits the task of a folder', async () => {
    const { drive, paths } = await setUp(dialect, (path) =>
      path === 'get' ? [200, { state: 'Succeed' }] : [202, { file_id: 'F', async_task_id: 'T' }],
    );
    await drive.trash(entry('F', { kind: 'folder' }));
    expect(paths()).toEqual(['trash', 'get']);
  });

  it('refuses what no one can be sure of', async () => {
    const { drive, asked } = await setUp(dialect, () => [500]);
    await expect(drive.trash(entry('F'))).rejects.toMatchObject({ code: 'unavailable' });
    expect(asked).toHaveLength(3);
  });
});

describe.each(DIALECTS)('createFolder over the %s API', (dialect) => {
  it.each([
    [{ exist: true, file_id: 'E', type: 'file' }, 'file', 1],
    [{ exist: true, file_id: 'E', type: 'folder' }, 'folder', 1],
    [{ exist: true, file_id: 'E', type: null }, 'file', 2],
  ])('tells what is there: %j', async (answer, kind, calls) => {
    const { drive, asked } = await setUp(dialect, (path) => [201, path === 'get' ? item('E') : answer]);
    const key = { driveId: 'D', id: 'E' };
    expect(await drive.createFolder(PARENT, 'x')).toEqual({ outcome: 'exists', key, kind });
    expect(asked).toHaveLength(calls);
  });

  it.each([
    ['folder', 'created'],
    ['file', 'exists'],
  ])('takes a %s that is there after a lost answer for %s', async (type, outcome) => {
    const { drive } = await setUp(dialect, (path, _body, calls) => {
      if (path === 'get') return [200, item('E', { type })];
      return calls === 1 ? [0] : [201, { exist: true, file_id: 'E', type: 'folder' }];
    });
    expect(await drive.createFolder(PARENT, 'a.txt')).toMatchObject({ outcome });
  });
});

describe('copies', () => {
  it.each([
    ['web', { auto_rename: false, new_name: 'b' }],
    ['open', { auto_rename: false }],
  ] as const)('are asked for over the %s API', async (dialect, fields) => {
    const { drive, asked } = await setUp(dialect, () => [202, { file_id: 'C', async_task_id: 'T' }]);
    expect(await drive.startCopy(entry('F'), PARENT, 'b')).toEqual({ key: { driveId: 'D', id: 'C' }, taskId: 'T' });
    expect(asked[0]?.body).toEqual({ drive_id: 'D', file_id: 'F', to_parent_file_id: 'P', ...fields });
  });

  it.each([
    [{ items: [{ file_id: 'C', status: 201 }] }, undefined],
    [{ items: [{ file_id: 'C', status: 202, async_task_id: 'T' }] }, 'T'],
    [{ items: [{ file_id: 'C' }], async_task_id: 'T' }, 'T'],
  ])('go to another drive: %j', async (answer, taskId) => {
    const { drive, asked } = await setUp('web', () => [200, answer]);
    const copy = await drive.copyAcross(entry('F'), { driveId: 'E', id: 'root' });
    expect(copy).toEqual({ key: { driveId: 'E', id: 'C' }, taskId });
    await drive.moveAcross(entry('F'), { driveId: 'E', id: 'root' });
    expect(asked.map(({ path }) => path)).toEqual(['crossDriveCopy', 'crossDriveMove']);
    expect(asked[0]?.body).toEqual({
      from_drive_id: 'D',
      from_file_ids: ['F'],
      to_drive_id: 'E',
      to_parent_fileId: 'root',
    });
  });

  it.each([
    [{ items: [{ status: 404 }] }, 'task-failed'],
    [{ items: [] }, 'unavailable'],
    [{}, 'unavailable'],
  ])('that did not go there are no copies: %j', async (answer, code) => {
    const { drive } = await setUp('web', () => [200, answer]);
    await expect(drive.copyAcross(entry('F'), { driveId: 'E', id: 'root' })).rejects.toMatchObject({ code });
  });
});
