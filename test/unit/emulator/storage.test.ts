import { request } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Emulator, EmulatorOptions } from '../../../src/emulator/emulator.ts';
import { slowDown } from '../../../src/emulator/storage/slow-body.ts';
import type { StoredEntry } from '../../../src/emulator/store/entry.ts';
import type { LoginKind } from '../../../src/emulator/tokens.ts';
import { call, linkTo, signIn, start } from './rig.ts';

const OWN = 'https://www.alipan.com/';

async function startWithFile(
  kind: LoginKind,
  options: EmulatorOptions = {},
): Promise<{ emulator: Emulator; file: StoredEntry; url: string }> {
  const emulator = await start(options);
  const file = emulator.store.addFile(emulator.store.root(emulator.drives.resource), 'a b.txt', 'Hello, world!');
  return { emulator, file, url: await linkTo(await signIn(emulator, kind), kind, file) };
}

const codeOf = (xml: string): string => /<Code>(.*?)<\/Code>/.exec(xml)?.[1] ?? '';

describe('links', () => {
  it.each<[LoginKind, string | undefined, number, string]>([
    ['page', 'https://www.aliyundrive.com/', 200, ''],
    ['page', OWN, 200, ''],
    ['page', 'https://www.alipan.com', 403, 'AccessDenied'],
    ['page', undefined, 400, 'InvalidArgument'],
    ['page', 'http://dav.example/', 403, 'AccessDenied'],
    ['app', undefined, 200, ''],
    ['app', OWN, 200, ''],
    ['app', 'http://dav.example/', 403, 'AccessDenied'],
    ['open', undefined, 200, ''],
    ['open', 'https://www.aliyundrive.com/drive/file', 200, ''],
    ['open', 'https://www.alipan.com.evil.example/', 403, 'AccessDenied'],
  ])('of kind %s with Referer %s: %i %s', async (kind, referer, status, code) => {
    const { url } = await startWithFile(kind);
    const answer = await call(url, { headers: referer === undefined ? {} : { Referer: referer } });
    expect([answer.status, codeOf(answer.text)]).toEqual([status, code]);
    if (status === 200) expect(answer.text).toBe('Hello, world!');
  });

  it('lead to another origin than the API', async () => {
    const { emulator, url } = await startWithFile('open');
    expect(new URL(url).origin).toBe(emulator.storageUrl);
    expect([emulator.apiUrl, emulator.authUrl, emulator.openUrl]).not.toContain(emulator.storageUrl);
  });

  it.each(['OSS2', 'OSS4'] as const)(
    'signed with %s tell their end and are refused after it',
    async (linkSignature) => {
      let now = 1_700_000_000_500;
      const { emulator, url } = await startWithFile('app', { now: () => now, linkSignature });
      const query = new URL(url).searchParams;
      expect(query.get('x-oss-expires')).toBe(linkSignature === 'OSS2' ? String(1_700_000_900) : '900');
      if (linkSignature === 'OSS4') expect(query.get('x-oss-date')).toBe('20231114T221320Z');
      now += 899_000;
      expect((await call(url)).status).toBe(200);
      now += 1000;
      const late = await call(url);
      expect(late.status).toBe(403);
      expect(late.headers.get('content-type')).toBe('application/xml');
      expect(late.text).toContain('<Message>Request has expired.</Message>');
      expect(late.text).toContain('<EC>0002-00000069</EC>');
      expect(emulator.calls.snapshot().endpoints.storage?.byStatus).toEqual({ 200: 1, 403: 1 });
    },
  );

  it.each([
    ['page', '/v2/file/get_download_url', 14_400, 14_400],
    ['page', '/v2/file/get_download_url', undefined, 900],
    ['page', '/v2/file/get_download_url', 14_401, 'InvalidParameter.ExpireSec'],
    ['open', '/adrive/v1.0/openFile/getDownloadUrl', 14_400, 900],
  ] as const)('of kind %s asked at %s for %s seconds live %s', async (kind, path, expireSec, outcome) => {
    const now = 1_700_000_000_000;
    const { emulator, file } = await startWithFile('app', { now: () => now });
    const body = { drive_id: file.driveId, file_id: file.fileId, expire_sec: expireSec };
    const { json } = await (await signIn(emulator, kind))(path, body);
    const life = json.url && Number(new URL(json.url).searchParams.get('x-oss-expires')) - now / 1000;
    expect(json.code ?? life).toBe(outcome);
    if (json.url) expect(json.expiration).toBe(new Date(now + Number(outcome) * 1000).toISOString());
  });

  it('live as long as the set time, whatever was asked', async () => {
    let now = 1_700_000_000_000;
    const { url } = await startWithFile('open', { now: () => now, linkTtlMs: 2000 });
    expect((await call(url)).status).toBe(200);
    now += 2000;
    expect((await call(url)).status).toBe(403);
  });

  it.each<[string, (url: string) => [string, RequestInit], number, string]>([
    [
      'a changed parameter',
      (url) => [url.replace('x-oss-expires=1', 'x-oss-expires=2'), {}],
      403,
      'SignatureDoesNotMatch',
    ],
    ['no signature', (url) => [url.replace(/&x-oss-signature=[^&]*/, ''), {}], 403, 'AccessDenied'],
    ['an Authorization header', (url) => [url, { headers: { Authorization: 'Bearer x' } }], 400, 'InvalidArgument'],
    ['HEAD', (url) => [url, { method: 'HEAD' }], 403, ''],
    ['PUT', (url) => [url, { method: 'PUT', body: 'x' }], 403, 'SignatureDoesNotMatch'],
  ])('are refused for %s', async (_what, change, status, code) => {
    const { url } = await startWithFile('app');
    const answer = await call(...change(url));
    expect([answer.status, codeOf(answer.text)]).toEqual([status, code]);
  });

  it('keep giving the bytes that they were made for', async () => {
    const { emulator, file, url } = await startWithFile('app');
    emulator.store.replaceContent(file, 'new');
    expect((await call(url)).text).toBe('Hello, world!');
    expect((await call(await linkTo(await signIn(emulator, 'app'), 'app', file))).text).toBe('new');
  });

  it('to a picture inside a listing give a smaller copy', async () => {
    const emulator = await start();
    const root = emulator.store.root(emulator.drives.resource);
    const picture = emulator.store.addFile(root, 'p.jpg', 'the original');
    const post = await signIn(emulator, 'open');
    const { json } = await post('/adrive/v1.0/openFile/list', { drive_id: picture.driveId, parent_file_id: 'root' });
    expect((await call(json.items[0].url)).text).not.toBe('the original');
    expect((await call(await linkTo(post, 'open', picture))).text).toBe('the original');
  });

  it.each([
    ['no-link', 103, ''],
    ['placeholder', 2, 'https://pds-system-file.oss-cn-beijing.aliyuncs.com/illegal.mp4'],
    ['substitute', 2, expect.stringMatching(/\/illegal\.mp4$/)],
  ] as const)('to a punished file (%s)', async (punishment, flag, url) => {
    const emulator = await start();
    const root = emulator.store.root(emulator.drives.resource);
    const { driveId, fileId } = emulator.store.addFile(root, 'film.mp4', 'secret', { punishment });
    const key = { drive_id: driveId, file_id: fileId };
    const web = await (await signIn(emulator, 'app'))('/v2/file/get_download_url', key);
    expect(web.json).toMatchObject({ url, punish_flag: flag });
    const open = await (await signIn(emulator, 'open'))('/adrive/v1.0/openFile/getDownloadUrl', key);
    expect(open.json).toMatchObject({ url });
    if (punishment !== 'substitute') return;
    const answer = await call(open.json.url);
    expect([answer.status, answer.text.includes('secret')]).toEqual([200, false]);
  });

  it.each(['page', 'open'] as const)('to the streams of a live photo (%s)', async (kind) => {
    const emulator = await start();
    const root = emulator.store.root(emulator.drives.resource);
    const photo = emulator.store.addLivePhoto(root, 'IMG.livp', { heic: 'still', mov: 'moving' });
    const key = { drive_id: photo.driveId, file_id: photo.fileId };
    const post = await signIn(emulator, kind);
    const { json } = await post(
      kind === 'open' ? '/adrive/v1.0/openFile/getDownloadUrl' : '/v2/file/get_download_url',
      key,
    );
    expect(json.url).toBe('');
    const urls = kind === 'open' ? json.streamsUrl : json.streams_url;
    const headers = { Referer: OWN };
    expect([(await call(urls.heic, { headers })).text, (await call(urls.mov, { headers })).text]).toEqual([
      'still',
      'moving',
    ]);
  });

  it.each([
    ['a folder', 400, 'InvalidResource.FileTypeFolder'],
    ['something in the bin', 403, 'ForbiddenFileInTheRecycleBin'],
    ['nothing', 404, 'NotFound.File'],
  ])('are not given for %s', async (what, status, code) => {
    const emulator = await start();
    const root = emulator.store.root(emulator.drives.backup);
    const folder = emulator.store.addFolder(root, 'folder');
    const file = emulator.store.addFile(folder, 'file', '');
    if (what === 'something in the bin') emulator.store.trash(folder);
    if (what === 'nothing') emulator.store.delete(file);
    const { fileId } = what === 'a folder' ? folder : file;
    const answer = await (await signIn(emulator, 'page'))('/v2/file/get_download_url', {
      drive_id: emulator.drives.backup,
      file_id: fileId,
    });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });
});

describe('bodies', () => {
  it.each([
    [undefined, 200, 'Hello, world!', undefined],
    ['bytes=7-11', 206, 'world', 'bytes 7-11/13'],
    ['bytes=7-', 206, 'world!', 'bytes 7-12/13'],
    ['bytes=-3', 206, 'ld!', 'bytes 10-12/13'],
    ['bytes=10-99', 206, 'ld!', 'bytes 10-12/13'],
    ['bytes=0-1,3-4', 200, 'Hello, world!', undefined],
    ['bytes=5-2', 200, 'Hello, world!', undefined],
    ['bytes=100-', 416, undefined, 'bytes */13'],
  ] as const)('for Range %s: %i', async (range, status, text, contentRange) => {
    const { url } = await startWithFile('app');
    const answer = await call(url, { headers: range === undefined ? {} : { Range: range } });
    expect([answer.status, answer.headers.get('content-range') ?? undefined]).toEqual([status, contentRange]);
    if (text !== undefined)
      expect([answer.text, answer.headers.get('content-length')]).toEqual([text, `${text.length}`]);
    else expect(codeOf(answer.text)).toBe('InvalidRange');
  });

  it.each(['bytes=100-', 'bytes=10-99'])('are whole for %s where the host is set to', async (range) => {
    const { url } = await startWithFile('app', { ranges: 'oss' });
    const answer = await call(url, { headers: { Range: range } });
    expect([answer.status, answer.text]).toEqual([200, 'Hello, world!']);
  });

  it('carry the headers of the object', async () => {
    const { url } = await startWithFile('app');
    const { headers } = await call(url);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/oct-stream',
      'accept-ranges': 'bytes',
      etag: '"6CD3556DEB0DA54BCA060B4C39479839-1"',
      'content-disposition': "attachment; filename*=UTF-8''a%20b.txt",
      'x-oss-hash-crc64ecma': '10257477305909147588',
      'last-modified': expect.stringMatching(/GMT$/),
    });
  });

  it('of an empty file are empty', async () => {
    const emulator = await start();
    const file = emulator.store.addFile(emulator.store.root(emulator.drives.resource), 'empty', '');
    const answer = await call(await linkTo(await signIn(emulator, 'app'), 'app', file));
    expect([answer.status, answer.text, answer.headers.get('content-length')]).toEqual([200, '', '0']);
  });

  it('of a sparse file depend on the position alone', async () => {
    const emulator = await start();
    const root = emulator.store.root(emulator.drives.resource);
    const file = emulator.store.addSparseFile(root, 'big', 20 * 2 ** 30);
    const url = await linkTo(await signIn(emulator, 'app'), 'app', file);
    const read = async (first: number, last: number) => {
      const response = await fetch(url, { headers: { Range: `bytes=${first}-${last}` } });
      return Buffer.from(await response.arrayBuffer());
    };
    const at = 15 * 2 ** 30 - 3;
    const whole = await read(at, at + 3_000_000);
    expect(whole.length).toBe(3_000_001);
    expect(whole.subarray(1_234_567, 1_234_667).equals(await read(at + 1_234_567, at + 1_234_666))).toBe(true);
    expect((await read(at + 2 ** 20, at + 2 ** 20 + 99)).equals(whole.subarray(0, 100))).toBe(false);
    expect((await read(20 * 2 ** 30 - 5, 20 * 2 ** 30 + 5)).length).toBe(5);
  });

  it('are held back by a bandwidth cap', async () => {
    const { emulator } = await startWithFile('app');
    const file = emulator.store.addSparseFile(emulator.store.root(emulator.drives.resource), 'big', 60_000);
    const url = await linkTo(await signIn(emulator, 'app'), 'app', file);
    emulator.settings.bytesPerSecond = 200_000;
    const startedAt = performance.now();
    expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(60_000);
    // Six pieces of 50 ms, the first of which does not wait.
    expect(performance.now() - startedAt).toBeGreaterThan(240);
  });

  it('begin at once under a bandwidth cap', async () => {
    const { emulator } = await startWithFile('app');
    const file = emulator.store.addFile(emulator.store.root(emulator.drives.resource), 'big', 'x'.repeat(200_000));
    const url = await linkTo(await signIn(emulator, 'app'), 'app', file);
    emulator.settings.bytesPerSecond = 10_000;
    const startedAt = performance.now();
    const answer = await fetch(url);
    const reader = answer.body?.getReader();
    expect((await reader?.read())?.value?.length).toBe(500);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await reader?.cancel();
    await expect.poll(() => emulator.calls.bodies.open).toBe(0);
  });

  it('gain nothing by a pause under a bandwidth cap', async () => {
    const passed: number[] = [];
    const body = slowDown(100_000)(Readable.from([Buffer.alloc(100_000)]));
    await body.next();
    await sleep(500);
    const startedAt = performance.now();
    for (let piece = 0; piece < 8; piece++) passed.push((await body.next()).value?.length ?? 0);
    expect(passed).toEqual(Array(8).fill(5_000));
    // Four of the eight make up for lost time.
    expect(performance.now() - startedAt).toBeGreaterThan(140);
  });
});

describe('simultaneous downloads', () => {
  it.each<[string, EmulatorOptions, LoginKind, number]>([
    ['three over open links', { limits: 'real' }, 'open', 3],
    ['any number over app links', { limits: 'real' }, 'app', 5],
    ['any number where no limits are set', {}, 'open', 5],
    ['as many as set', { downloads: 2 }, 'open', 2],
    ['any number where the rule is off', { limits: 'real', downloads: 'off' }, 'open', 5],
  ])('%s', async (_what, options, kind, most) => {
    const emulator = await start(options);
    const file = emulator.store.addSparseFile(emulator.store.root(emulator.drives.resource), 'big', 2 ** 30);
    const url = await linkTo(await signIn(emulator, kind), kind, file);
    const opened = await Promise.all(Array.from({ length: 5 }, () => openBody(url)));
    const statuses = opened.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(most).fill(200), ...Array(5 - most).fill(403)]);
    expect(emulator.calls.bodies).toMatchObject({ open: most, peakOpen: most, refused: 5 - most });
    for (const { close } of opened) close();
    await expect.poll(() => emulator.calls.bodies.open).toBe(0);
    expect(opened.find(({ status }) => status === 403)?.text ?? 'ExceedMaxConcurrency').toContain(
      'ExceedMaxConcurrency',
    );
  });

  it('make room as soon as a body has been read', async () => {
    const emulator = await start({ downloads: 1 });
    const file = emulator.store.addFile(emulator.store.root(emulator.drives.resource), 'small', 'x'.repeat(100_000));
    const url = await linkTo(await signIn(emulator, 'open'), 'open', file);
    for (let round = 0; round < 20; round++) expect((await call(url)).text.length).toBe(100_000);
    expect(emulator.calls.bodies).toMatchObject({ peakCounted: 1, refused: 0 });
  });
});

it('nobody who leaves before the answer holds a body', async () => {
  const { emulator, url } = await startWithFile('open', { limits: 'real', storageLatencyMs: 200 });
  for (let round = 0; round < 4; round++) {
    await expect(fetch(url, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
  }
  expect((await call(url)).status).toBe(200);
  await expect.poll(() => emulator.calls.bodies.open).toBe(0);
  expect(emulator.calls.bodies.refused).toBe(0);
});

interface Opened {
  readonly status: number;
  readonly text: string;
  readonly close: () => void;
}

/** Reads the head of an answer, and its body only where it is a refusal. */
function openBody(url: string): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false }, (response) => {
      const status = response.statusCode ?? 0;
      const close = () => sent.destroy();
      if (status === 200) return resolve({ status, text: '', close });
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      return response.once('end', () => resolve({ status, text, close }));
    });
    sent.once('error', reject);
    sent.end();
  });
}
