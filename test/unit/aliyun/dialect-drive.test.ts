import { afterEach, describe, expect, it } from 'vitest';
import { createJsonHttp } from '../../../src/aliyun/http.ts';
import { createOpenDrive } from '../../../src/aliyun/open/open-drive.ts';
import { createWebDrive } from '../../../src/aliyun/web/web-drive.ts';
import type { Drive } from '../../../src/drive/drive.ts';
import type { Entry } from '../../../src/drive/entry.ts';
import { livePhotoZipSize } from '../../../src/drive/live-photo.ts';
import { recordingLog } from './recording-log.ts';
import { readJson, type ScriptedServer, sendJson, startScriptedServer } from './scripted-server.ts';

type Answer = readonly [status: number, body: unknown];
type Script = (path: string, body: Record<string, unknown>) => Answer;

const FOLDER = { driveId: 'D', id: 'root' };
const HASH = '943A702D06F34599AEE1F8DA8EF9F7296031D699';
const NOW = Date.UTC(2024, 2, 1);

let server: ScriptedServer;
afterEach(() => server.close());

async function setUp(dialect: 'web' | 'open', script: Script) {
  const asked: { path: string; body: Record<string, unknown> }[] = [];
  server = await startScriptedServer(async (request, response) => {
    const path = request.url ?? '';
    const body = await readJson(request);
    asked.push({ path, body });
    sendJson(response, ...script(path, body));
  });
  const { log, lines } = recordingLog();
  const dependencies = {
    http: createJsonHttp({ timeoutMs: 5000, userAgent: 'alidav/test' }),
    apiUrl: server.url,
    tokens: { getAccessToken: async () => 'T', replaceAccessToken: async () => 'T2' },
    storage: {
      openRange: () => Promise.reject(new Error('not asked for')),
      putPart: () => Promise.reject(new Error('not asked for')),
    },
    log,
    now: () => NOW,
  };
  const device = { headers: async () => ({ 'x-device-id': 'd' }), renew: async () => {} };
  const drive: Drive = dialect === 'web' ? createWebDrive({ ...dependencies, device }) : createOpenDrive(dependencies);
  const odd = () => lines.filter((line) => line.includes('odd answer'));
  return { drive, asked, odd };
}

const item = (id: string, change: object = {}) => ({
  drive_id: 'D',
  file_id: id,
  parent_file_id: 'root',
  name: `${id}.txt`,
  type: 'file',
  size: 13,
  content_hash: HASH,
  created_at: '2024-03-01T08:15:30.123Z',
  updated_at: '2024-03-01T08:15:30.123Z',
  ...change,
});

const livp = (id: string, change: object = {}) => item(id, { name: `${id}.livp`, content_hash: '', ...change });
const STREAMS = { mov: { size: 30 }, heic: { size: 20 } };
const SIGNED = 'https://host/object?x-oss-expires=1709281830&x-oss-signature-version=OSS2';

describe.each(['web', 'open'] as const)('listPage over the %s API', (dialect) => {
  it('asks by creation, 200 at a time, and hands the marker on', async () => {
    const { drive, asked } = await setUp(dialect, () => [200, { items: [item('a')], next_marker: 'M' }]);
    const page = await drive.listPage(FOLDER, '');
    expect(page.entries.map(({ name }) => name)).toEqual(['a.txt']);
    expect(page.nextMarker).toBe('M');
    expect(asked[0]?.body).toMatchObject({
      drive_id: 'D',
      parent_file_id: 'root',
      limit: 200,
      marker: '',
      order_by: 'created_at',
      order_direction: 'ASC',
    });
  });

  it.each([[''], [null], [undefined]])('ends at the marker %j alone, also after an empty page', async (marker) => {
    const { drive } = await setUp(dialect, (_, { marker: asked }) => [
      200,
      asked === '' ? { items: [], next_marker: 'M' } : { items: [item('a')], next_marker: marker },
    ]);
    expect(await drive.listPage(FOLDER, '')).toEqual({ entries: [], nextMarker: 'M' });
    expect((await drive.listPage(FOLDER, 'M')).nextMarker).toBe('');
  });

  it('falls to 100 a page where 200 are refused, and remembers', async () => {
    const { drive, asked } = await setUp(dialect, (_, { limit }) =>
      limit === 200 ? [400, { code: 'InvalidParameter.Limit' }] : [200, { items: [], next_marker: '' }],
    );
    await drive.listPage(FOLDER, '');
    await drive.listPage(FOLDER, '');
    expect(asked.map(({ body }) => body.limit)).toEqual([200, 100, 100]);
  });

  it('does not ask for ever where 100 are refused too', async () => {
    const { drive } = await setUp(dialect, () => [400, { code: 'InvalidParameter.Limit' }]);
    await expect(drive.listPage(FOLDER, '')).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('never takes a refused marker for the end', async () => {
    const { drive } = await setUp(dialect, () => [400, { code: 'InvalidParameter.Marker' }]);
    await expect(drive.listPage(FOLDER, 'M')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('notices a marker that repeats', async () => {
    const { drive } = await setUp(dialect, () => [200, { items: [item('a')], next_marker: 'M' }]);
    await drive.listPage(FOLDER, '');
    await expect(drive.listPage(FOLDER, 'M')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('shows no upload under way and nothing from the bin', async () => {
    const items = [item('a', { status: 'uploading' }), item('b', { trashed: true }), item('c')];
    const { drive } = await setUp(dialect, () => [200, { items, next_marker: '' }]);
    expect((await drive.listPage(FOLDER, '')).entries.map(({ id }) => id)).toEqual(['c']);
  });

  it.each([
    ['no list', {}],
    ['an entry without an id', { items: [item('a'), { name: 'b', type: 'file' }] }],
  ])('takes a page with %s for no answer', async (_, body) => {
    const { drive } = await setUp(dialect, () => [200, body]);
    await expect(drive.listPage(FOLDER, '')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('proves absence by the service’s word alone', async () => {
    const { drive } = await setUp(dialect, (_, { parent_file_id }) =>
      parent_file_id === 'gone' ? [404, { code: 'NotFound.File' }] : [404, { error: 'Not Found' }],
    );
    await expect(drive.listPage({ driveId: 'D', id: 'gone' }, '')).rejects.toMatchObject({ code: 'not-found' });
    await expect(drive.listPage(FOLDER, '')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('looks the streams of live photos up, a hundred a call', async () => {
    const photos = Array.from({ length: 150 }, (_, index) => livp(`p${index}`));
    const known = livp('known', { streams_info: STREAMS });
    const { drive, asked } = await setUp(dialect, (path, body) => {
      if (path.endsWith('/list')) return [200, { items: [...photos, known, item('a')], next_marker: '' }];
      const ids = ((body.requests ?? body.file_list) as { id?: string; file_id?: string }[]).map(
        ({ id, file_id }) => id ?? file_id ?? '',
      );
      const found = ids.map((id) => livp(id, { streams_info: STREAMS }));
      return dialect === 'web'
        ? [200, { responses: found.map((entry) => ({ id: entry.file_id, status: 200, body: entry })) }]
        : [200, { items: found }];
    });
    const { entries } = await drive.listPage(FOLDER, '');
    const sizeBytes = livePhotoZipSize('p149.livp', entries[149]?.liveStreams ?? []);
    expect(entries).toHaveLength(152);
    expect(entries[149]).toMatchObject({ id: 'p149', sizeBytes, liveStreams: [{ extension: 'heic' }, {}] });
    expect(entries[151]).toMatchObject({ id: 'a', sizeBytes: 13, liveStreams: undefined });
    expect(asked.map(({ path }) => path.split('/').at(-1))).toHaveLength(3);
  });

  it('lists a folder although the streams of its photos cannot be had', async () => {
    const { drive, odd } = await setUp(dialect, (path) =>
      path.endsWith('/list') ? [200, { items: [livp('p')], next_marker: '' }] : [403, { code: 'Forbidden' }],
    );
    expect((await drive.listPage(FOLDER, '')).entries[0]).toMatchObject({ id: 'p', liveStreams: undefined });
    expect(odd()).toHaveLength(1);
  });
});

describe.each([
  ['web', 14_400, 'streams_url'],
  ['open', 900, 'streamsUrl'],
] as const)('fetchDownload over the %s API', (dialect, lifeS, streamsField) => {
  const ENTRY: Entry = {
    driveId: 'D',
    id: 'f',
    parentId: 'root',
    name: 'a.txt',
    kind: 'file',
    sizeBytes: 13,
    createdAt: 0,
    updatedAt: 0,
    contentHash: HASH,
    mimeType: undefined,
    liveStreams: undefined,
    blockedReason: undefined,
    trashed: false,
  };
  const isLink = (path: string) => /get_?download_?url/i.test(path);

  it('yields the link and what its URL tells', async () => {
    const { drive, asked } = await setUp(dialect, () => [200, { url: SIGNED, size: 13, content_hash: HASH }]);
    expect(await drive.fetchDownload(ENTRY)).toEqual({
      kind: 'file',
      link: { url: SIGNED, expiresAt: 1709281830_000, refererRequired: false },
    });
    expect(asked[0]?.body).toEqual({ drive_id: 'D', file_id: 'f', expire_sec: lifeS });
  });

  it.each([
    ['a frozen file', { url: SIGNED, punish_flag: 2 }],
    ['an illegal file', { url: '', punish_flag: 103 }],
    ['an empty link', { url: '' }],
    ['no link with a reason', { url: null, punish_flag: 3 }],
    ['a stand-in', { url: 'https://PDS-system-file.oss-cn-beijing.aliyuncs.com/illegal.mp4' }],
  ])('tells %s', async (_, body) => {
    const { drive } = await setUp(dialect, () => [200, body]);
    await expect(drive.fetchDownload(ENTRY)).rejects.toMatchObject({ code: 'blocked', message: expect.any(String) });
  });

  it.each([
    ['no link', {}],
    ['a link of null', { url: null }],
    ['a link that is none', { url: 'file:///etc/passwd' }],
  ])('%s is unavailable', async (_, body) => {
    const { drive } = await setUp(dialect, () => [200, body]);
    await expect(drive.fetchDownload(ENTRY)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('spends no call on what the listing has told to be withheld', async () => {
    const { drive, asked } = await setUp(dialect, () => [500, {}]);
    await expect(drive.fetchDownload({ ...ENTRY, blockedReason: 'Frozen.' })).rejects.toMatchObject({
      code: 'blocked',
      message: 'Frozen.',
    });
    expect(asked).toHaveLength(0);
  });

  it.each([
    ['a stand-in of another size', { size: 99 }, {}, 'blocked'],
    ['a stand-in of another hash', { content_hash: 'A'.repeat(40) }, {}, 'blocked'],
    ['a file that was changed', { size: 99 }, { size: 99 }, 'content-mismatch'],
    ['a file that was frozen', { size: 99 }, { size: 99, punish_flag: 2 }, 'blocked'],
  ])('never hands out %s', async (_, answer, current, expected) => {
    const { drive } = await setUp(dialect, (path) =>
      isLink(path) ? [200, { url: SIGNED, ...answer }] : [200, item('f', current)],
    );
    await expect(drive.fetchDownload(ENTRY)).rejects.toMatchObject({ code: expected });
  });

  it.each([
    ['known', [{ extension: 'heic', sizeBytes: 20 }]],
    ['unknown', undefined],
  ])('yields the streams of a live photo whose sizes are %s', async (_, liveStreams) => {
    const { drive } = await setUp(dialect, (path) =>
      isLink(path)
        ? [200, { url: '', size: 20, [streamsField]: { heic: SIGNED } }]
        : [200, livp('f', { streams_info: { heic: { size: 20 } } })],
    );
    const entry = { ...ENTRY, name: 'f.livp', contentHash: undefined, liveStreams };
    expect(await drive.fetchDownload(entry)).toMatchObject({
      kind: 'live-photo',
      streams: [{ extension: 'heic', sizeBytes: 20, link: { url: SIGNED } }],
    });
  });

  it('gives no live photo of which a part is missing', async () => {
    const { drive } = await setUp(dialect, () => [200, { [streamsField]: { heic: SIGNED } }]);
    const liveStreams = [
      { extension: 'heic', sizeBytes: 20 },
      { extension: 'mov', sizeBytes: 30 },
    ];
    await expect(drive.fetchDownload({ ...ENTRY, liveStreams })).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('fetchAccount', () => {
  it('costs one call over the web API, and a second where drives are missing', async () => {
    const { drive, asked } = await setUp('web', (path) =>
      path === '/v2/user/get'
        ? [200, { nick_name: 'tester', default_drive_id: null }]
        : [200, { drive_id: '7', owner: 'u' }],
    );
    expect(await drive.fetchAccount()).toEqual({
      userId: 'u',
      nickName: 'tester',
      drives: [{ driveId: '7', role: 'default' }],
    });
    expect(asked.map(({ path }) => path)).toEqual(['/v2/user/get', '/v2/drive/get_default_drive']);
  });

  it('reads the open API’s', async () => {
    const { drive } = await setUp('open', () => [
      200,
      { user_id: 'u', name: 'tester', default_drive_id: '1', resource_drive_id: '2' },
    ]);
    expect(await drive.fetchAccount()).toEqual({
      userId: 'u',
      nickName: 'tester',
      drives: [
        { driveId: '2', role: 'resource' },
        { driveId: '1', role: 'default' },
      ],
    });
  });
});
