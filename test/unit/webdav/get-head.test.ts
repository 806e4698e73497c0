import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as openRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { livePhotoZipSize } from '../../../src/drive/live-photo.ts';
import { parseHref } from '../../../src/drive/path.ts';
import type { RequestRecord } from '../../../src/log.ts';
import { BodyGate } from '../../../src/transfer/body-gate.ts';
import type { DeliverySetting } from '../../../src/transfer/delivery.ts';
import { DownloadLinks } from '../../../src/transfer/download-links.ts';
import { LanePool } from '../../../src/transfer/lane-pool.ts';
import { LivePhotos } from '../../../src/transfer/live-photos.ts';
import { createOpenReadStream } from '../../../src/transfer/read-stream.ts';
import { RedirectWatch } from '../../../src/transfer/redirect-watch.ts';
import { writeError } from '../../../src/webdav/errors.ts';
import { createGetHead, type GetHeadDeps } from '../../../src/webdav/methods/get-head.ts';
import { FakeDrive, makeBytes, readAll } from '../transfer/fake-drive.ts';
import { entryOf, file, MemoryTree } from './memory-tree.ts';
import { createState } from './state.ts';

const SIZE = 300_000;
const HASH = 'AB'.repeat(20);
const ETAG = `"${HASH.toLowerCase()}"`;
const LAST_MODIFIED = 'Mon, 23 Nov 2026 04:05:06 GMT';
const STREAMS = [
  { extension: 'heic', sizeBytes: 1_000 },
  { extension: 'mov', sizeBytes: 2_000 },
];

class Drive extends FakeDrive {
  async fetchEntry() {
    this.entryCalls++;
    return entryOf('cold.livp', {
      kind: 'file',
      liveStreams: STREAMS,
      sizeBytes: livePhotoZipSize('cold.livp', STREAMS),
    });
  }
}

async function serve(delivery: DeliverySetting = 'auto', isSmallRead: GetHeadDeps['isSmallRead'] = () => false) {
  const drive = new Drive();
  drive.lifeMs = 900_000;
  const tree = new MemoryTree({
    folder: { 'inner.txt': file({ sizeBytes: 3 }) },
    'a b.bin': file({ sizeBytes: SIZE, contentHash: HASH }),
    'big.bin': file({ sizeBytes: 2 ** 30 }),
    'empty.txt': file(),
    '你好.html': file({ sizeBytes: 10, mimeType: 'text/html' }),
    'bad.mp4': file({ sizeBytes: 10, blockedReason: 'withheld' }),
    'cold.livp': file({ sizeBytes: 0 }),
  });
  const logged: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk, _, done) {
      logged.push(JSON.parse(chunk));
      done();
    },
  });
  const now = () => Date.now();
  const links = new DownloadLinks({ drive, now });
  const log = pino({ level: 'info' }, sink);
  const gate = new BodyGate(3, now);
  const lanes = new LanePool(gate, now);
  const { properties } = createState(now);
  const redirected: string[] = [];
  const openReadStream = createOpenReadStream({ drive, links, gate, lanes, log, now, random: () => 0 });
  const handle = createGetHead({
    tree,
    links,
    livePhotos: new LivePhotos(drive),
    openReadStream,
    openRangeStream: openReadStream,
    delivery,
    redirects: new RedirectWatch({ now }),
    isSmallRead,
    hasRoomOutside: () => gate.hasRoomOutside,
    onRedirect: ({ name }) => redirected.push(name),
    collection: async ({ response }, folder) => {
      response.end(`index of ${folder.name}`);
    },
    properties,
    now,
    log,
  });
  const records: RequestRecord[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://x');
    const record: RequestRecord = {
      id: '1',
      clientClass: undefined,
      delivery: undefined,
      upstreamCalls: 0,
      error: undefined,
    };
    records.push(record);
    const controller = new AbortController();
    response.once('close', () => controller.abort());
    handle({
      request,
      response,
      record,
      path: parseHref(pathname) ?? '/',
      askedPath: pathname,
      hasTrailingSlash: pathname.endsWith('/'),
      signal: controller.signal,
    }).catch((error: unknown) => {
      record.error = error;
      writeError(response, error);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;

  async function open(method: string, path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
    const request = openRequest({ port, host: '127.0.0.1', method, path, headers, agent: false }).end();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    return answer;
  }
  async function ask(method: string, path: string, headers: Record<string, string> = {}) {
    const answer = await open(method, path, headers);
    return { status: answer.statusCode, headers: answer.headers, body: await readAll(answer) };
  }
  return { drive, gate, tree, logged, records, redirected, properties, open, ask };
}

const FINDER = { 'User-Agent': 'WebDAVFS/3.0.0' };
const upstreamCalls = (drive: FakeDrive) => [drive.linkCalls, drive.entryCalls, drive.opened.length];

describe('HEAD', () => {
  it('is answered from the entry alone, for every client', async () => {
    const { drive, ask } = await serve('redirect');
    for (const agent of ['curl/8', 'WebDAVFS/3.0.0']) {
      const { status, headers, body } = await ask('HEAD', '/a%20b.bin', { 'User-Agent': agent, Range: 'bytes=0-1' });
      expect([status, body.length]).toEqual([200, 0]);
      expect(headers).toMatchObject({
        'content-length': String(SIZE),
        'accept-ranges': 'bytes',
        'content-type': 'application/octet-stream',
        etag: ETAG,
        'last-modified': LAST_MODIFIED,
      });
    }
    expect(upstreamCalls(drive)).toEqual([0, 0, 0]);
  });

  it.each<[Record<string, string>, number]>([
    [{ 'If-None-Match': ETAG }, 304],
    [{ 'If-Modified-Since': LAST_MODIFIED }, 304],
    [{ 'If-Match': '"x"' }, 412],
    [{ 'If-Match': ETAG }, 200],
  ])('settles %j with %i', async (headers, expected) => {
    const { ask } = await serve();
    expect((await ask('HEAD', '/a%20b.bin', headers)).status).toBe(expected);
  });
});

describe('a remembered modification time', () => {
  it('is what a file is compared by, for as long as its content stays', async () => {
    const { tree, properties, ask } = await serve();
    const { entry } = await tree.get('/a b.bin', {});
    await properties.rememberModifiedAt(entry, Date.UTC(2001, 1, 3, 4, 5, 6, 700));
    const remembered = 'Sat, 03 Feb 2001 04:05:06 GMT';
    expect((await ask('HEAD', '/a%20b.bin')).headers['last-modified']).toBe(remembered);
    expect((await ask('GET', '/a%20b.bin', { 'If-Modified-Since': remembered })).status).toBe(304);
    const part = await ask('GET', '/a%20b.bin', { ...FINDER, 'If-Range': remembered, Range: 'bytes=0-9' });
    expect([part.status, part.headers['last-modified']]).toEqual([206, remembered]);
    expect((await ask('GET', '/a%20b.bin', { 'If-Unmodified-Since': 'Fri, 02 Feb 2001 00:00:00 GMT' })).status).toBe(
      412,
    );
    tree.place('/a b.bin', { ...entry, contentHash: 'CD'.repeat(20) });
    expect((await ask('HEAD', '/a%20b.bin')).headers['last-modified']).toBe(LAST_MODIFIED);
  });
});

describe('a streamed GET', () => {
  it('has the whole content under the headers of a file', async () => {
    const { records, ask } = await serve();
    const { status, headers, body } = await ask('GET', '/a%20b.bin', FINDER);
    expect(status).toBe(200);
    expect(body.equals(makeBytes({ first: 0, last: SIZE - 1 }))).toBe(true);
    expect(headers).toMatchObject({
      'content-length': String(SIZE),
      'accept-ranges': 'bytes',
      etag: ETAG,
      'last-modified': LAST_MODIFIED,
      'cache-control': 'private, no-cache',
      'content-disposition': "inline; filename*=UTF-8''a%20b.bin",
    });
    expect(records[0]).toMatchObject({ clientClass: 'finder', delivery: 'stream' });
  });

  it('keeps a page from acting in the name of this server', async () => {
    const { ask } = await serve('stream');
    const { headers } = await ask('GET', '/%E4%BD%A0%E5%A5%BD.html');
    expect(headers['content-type']).toBe('text/html');
    expect(headers['content-security-policy']).toMatch(/^sandbox allow-same-origin; default-src 'none'/);
    expect(headers['content-disposition']).toBe("inline; filename*=UTF-8''%E4%BD%A0%E5%A5%BD.html");
  });

  it.each<[Record<string, string>, [number, number] | 'whole']>([
    [{ Range: 'bytes=10-19' }, [10, 19]],
    [{ Range: 'bytes=-5' }, [SIZE - 5, SIZE - 1]],
    [{ Range: 'bytes=299990-' }, [299_990, SIZE - 1]],
    [{ Range: 'bytes=299990-999999' }, [299_990, SIZE - 1]],
    [{ Range: 'bytes=0-1,5-6' }, 'whole'],
    [{ Range: 'npt=0-' }, 'whole'],
    [{ Range: 'bytes=1-2', 'If-Range': ETAG }, [1, 2]],
    [{ Range: 'bytes=1-2', 'If-Range': LAST_MODIFIED }, [1, 2]],
    [{ Range: 'bytes=1-2', 'If-Range': '"old"' }, 'whole'],
    [{ Range: 'bytes=999999-', 'If-Range': '"old"' }, 'whole'],
  ])('with %j sends %j', async (asked, expected) => {
    const { ask } = await serve('stream');
    const { status, headers, body } = await ask('GET', '/a%20b.bin', asked);
    const [first, last] = expected === 'whole' ? [0, SIZE - 1] : expected;
    expect(status).toBe(expected === 'whole' ? 200 : 206);
    expect(headers['content-length']).toBe(String(last - first + 1));
    expect(headers['content-range']).toBe(expected === 'whole' ? undefined : `bytes ${first}-${last}/${SIZE}`);
    expect(headers.etag).toBe(ETAG);
    expect(body.equals(makeBytes({ first, last }))).toBe(true);
  });

  it.each(['auto', 'redirect', 'stream'] as const)('refuses a range past the end, set to %s', async (setting) => {
    const { drive, ask } = await serve(setting);
    const { status, headers } = await ask('GET', '/a%20b.bin', { Range: `bytes=${SIZE}-` });
    expect([status, headers['content-range']]).toEqual([416, `bytes */${SIZE}`]);
    expect(upstreamCalls(drive)).toEqual([0, 0, 0]);
  });

  it('destroys the connection when the rest cannot be had', async () => {
    const { drive, open, records } = await serve('stream');
    drive.faults.push({ failAfter: 70_000, code: 'unavailable' }, { refuse: 'range-not-satisfiable' });
    const answer = await open('GET', '/a%20b.bin');
    expect(answer.statusCode).toBe(200);
    await expect(readAll(answer)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(records[0]?.error).toMatchObject({ code: 'range-not-satisfiable' });
  });

  it('tells with a status that not one byte can be had', async () => {
    const { drive, ask } = await serve('stream');
    drive.faults.push({ failAfter: 0, code: 'unavailable' }, { refuse: 'range-not-satisfiable' });
    expect((await ask('GET', '/a%20b.bin')).status).toBe(416);
  });

  it('stops the download within 100 ms of the client leaving', async () => {
    const { drive, open } = await serve('stream');
    const answer = await open('GET', '/big.bin');
    await once(answer, 'readable');
    expect(drive.bodies).toBe(1);
    answer.destroy();
    await expect.poll(() => drive.bodies, { timeout: 100, interval: 5 }).toBe(0);
  });
});

describe('a redirected GET', () => {
  it('says where, for how long, and nothing of where it came from', async () => {
    const { drive, records, redirected, ask } = await serve();
    const { status, headers, body } = await ask('GET', '/a%20b.bin', { 'User-Agent': 'curl/8', Range: 'bytes=5-9' });
    expect([status, body.length, headers['content-length']]).toEqual([302, 0, '0']);
    expect(headers.location).toMatch(/^http:\/\/storage\.test\//);
    expect(headers['cache-control']).toMatch(/^max-age=8(39|40), private$/);
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(records[0]).toMatchObject({ clientClass: 'curl', delivery: 'redirect' });
    expect(redirected).toEqual(['a b.bin']);
    await ask('GET', '/a%20b.bin');
    expect(upstreamCalls(drive)).toEqual([1, 0, 0]);
  });

  it.each<[Record<string, string>, number]>([
    [{ 'If-None-Match': ETAG }, 304],
    [{ 'If-None-Match': 'JoplinIgnore-1' }, 302],
    [{ 'If-Match': '"x"' }, 412],
  ])('settles %j with %i before it redirects', async (headers, expected) => {
    const { drive, ask } = await serve('redirect');
    const answer = await ask('GET', '/a%20b.bin', headers);
    expect(answer.status).toBe(expected);
    if (expected === 304) expect(answer.headers).toMatchObject({ etag: ETAG, 'last-modified': LAST_MODIFIED });
    expect(drive.linkCalls).toBe(expected === 302 ? 1 : 0);
  });

  it('is no-store where the link has no life left to give', async () => {
    const { drive, ask } = await serve('redirect');
    drive.lifeMs = 30_000;
    expect((await ask('GET', '/a%20b.bin')).headers['cache-control']).toBe('no-store');
  });

  it('becomes a stream where the link needs a Referer, said once', async () => {
    const { drive, logged, ask } = await serve('redirect');
    drive.refererRequired = true;
    expect((await ask('GET', '/a%20b.bin')).status).toBe(200);
    expect((await ask('GET', '/a%20b.bin')).status).toBe(200);
    expect(logged).toHaveLength(1);
    expect(logged[0]?.msg).toMatch(/ALIDAV_DELIVERY/);
  });

  it.each<[string, IncomingHttpHeaders, number]>([
    ['a Referer', { referer: 'http://127.0.0.1/' }, 200],
    ['an empty Referer', { referer: '' }, 302],
    ['an Origin', { origin: 'http://127.0.0.1' }, 200],
    ['Basic credentials from mpv', { 'user-agent': 'libmpv', authorization: 'Basic YTpi' }, 200],
    ['no credentials from mpv', { 'user-agent': 'libmpv' }, 302],
    ['https at a trusted proxy', { 'x-forwarded-proto': 'https' }, 200],
  ])('is chosen by the request: %s', async (_, headers, expected) => {
    const { ask } = await serve();
    expect((await ask('GET', '/a%20b.bin', headers as Record<string, string>)).status).toBe(expected);
  });
});

describe('a small read', () => {
  it('is streamed without a thought of redirects, and told from others by its range', async () => {
    const asked: unknown[] = [];
    const { drive, records, ask } = await serve('auto', (entry, range, isOpenEnded) => {
      asked.push([entry.name, range, isOpenEnded]);
      return range !== undefined && !isOpenEnded;
    });
    drive.lifeMs = 1_000;
    const { status, body } = await ask('GET', '/a%20b.bin', { 'User-Agent': 'x', Range: 'bytes=0-9' });
    expect([status, body.equals(makeBytes({ first: 0, last: 9 }))]).toEqual([206, true]);
    expect(records[0]?.delivery).toBe('stream');
    for (const range of ['bytes=5-', 'bytes = 5- ', 'bytes=-5', 'bytes=0-0,2-3', undefined]) {
      await ask('GET', '/a%20b.bin', { ...FINDER, ...(range && { Range: range }) });
    }
    expect(asked).toEqual([
      ['a b.bin', { first: 0, last: 9 }, false],
      ['a b.bin', { first: 5, last: SIZE - 1 }, true],
      ['a b.bin', { first: 5, last: SIZE - 1 }, true],
      ['a b.bin', { first: SIZE - 5, last: SIZE - 1 }, false],
      ['a b.bin', undefined, false],
      ['a b.bin', undefined, false],
    ]);
  });

  it('is redirected where the setting wants it', async () => {
    const { ask } = await serve('redirect', () => true);
    expect((await ask('GET', '/a%20b.bin', { Range: 'bytes=0-9' })).status).toBe(302);
  });
});

describe('a client that would find no place at the storage host', () => {
  it('is streamed to in its turn', async () => {
    const { gate, records, redirected, ask } = await serve();
    const [leave] = await Promise.all([gate.enter(), gate.enter(), gate.enter()]);
    const asking = ask('GET', '/a%20b.bin', { 'User-Agent': 'curl/8' });
    await expect.poll(() => records[0]?.delivery).toBe('stream');
    leave();
    expect([(await asking).status, redirected]).toEqual([200, []]);
  });

  it('is redirected all the same where the setting wants it, or where readers ahead would make room', async () => {
    const set = await serve('redirect');
    await Promise.all([set.gate.enter(), set.gate.enter(), set.gate.enter()]);
    expect((await set.ask('GET', '/a%20b.bin')).status).toBe(302);
    const lent = await serve();
    await Promise.all([lent.gate.enter(), lent.gate.enter()]);
    const place = lent.gate.tryBorrow(() => place?.leave());
    expect((await lent.ask('GET', '/a%20b.bin')).status).toBe(302);
  });
});

describe('a client that redirects do not help', () => {
  const again = { 'User-Agent': 'curl/8', Range: 'bytes=100-' };

  it('is streamed to when it comes back the third time, also for other files, said once', async () => {
    const { logged, ask } = await serve();
    const statuses: (number | undefined)[] = [];
    for (let time = 0; time < 5; time++) statuses.push((await ask('GET', '/a%20b.bin', again)).status);
    expect(statuses).toEqual([302, 302, 302, 206, 206]);
    expect((await ask('GET', '/%E4%BD%A0%E5%A5%BD.html', { 'User-Agent': 'curl/8' })).status).toBe(200);
    expect((await ask('GET', '/a%20b.bin', { ...again, 'User-Agent': 'Wget/1' })).status).toBe(302);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ client: 'curl' });
    expect(JSON.stringify(logged)).not.toMatch(/storage|127\.0|\?n=/);
  });

  it('is redirected all the same where the setting wants it', async () => {
    const { ask } = await serve('redirect');
    for (let time = 0; time < 6; time++) expect((await ask('GET', '/a%20b.bin', again)).status).toBe(302);
  });
});

describe('GET and HEAD of what is no ordinary file', () => {
  it.each(['GET', 'HEAD'])('%s of an empty file makes no call, also with a range', async (method) => {
    const { drive, ask } = await serve();
    const { status, headers } = await ask(method, '/empty.txt', { Range: 'bytes=0-' });
    expect([status, headers['content-length'], headers['content-type']]).toEqual([200, '0', 'text/plain']);
    expect(upstreamCalls(drive)).toEqual([0, 0, 0]);
  });

  it.each(['GET', 'HEAD'])('%s of a withheld file is 451', async (method) => {
    const { drive, ask } = await serve();
    expect((await ask(method, '/bad.mp4')).status).toBe(451);
    expect(upstreamCalls(drive)).toEqual([0, 0, 0]);
  });

  it('gives a file found withheld only now the same status', async () => {
    const { drive, ask } = await serve();
    drive.fetchError = 'blocked';
    const { status, headers } = await ask('GET', '/a%20b.bin', FINDER);
    expect([status, headers.etag, headers['accept-ranges']]).toEqual([451, undefined, undefined]);
  });

  it('sends a live photo as the zip whose length HEAD told', async () => {
    const { drive, ask } = await serve('redirect');
    drive.fetchDownload = async () => ({
      kind: 'live-photo',
      streams: STREAMS.map((stream) => ({
        ...stream,
        link: { url: 'http://storage.test/live', expiresAt: Date.now() + 900_000, refererRequired: false },
      })),
    });
    const head = await ask('HEAD', '/cold.livp');
    const { status, headers, body } = await ask('GET', '/cold.livp', { Range: 'bytes=0-9' });
    expect([status, headers['accept-ranges'], body.length]).toEqual([
      200,
      'none',
      livePhotoZipSize('cold.livp', STREAMS),
    ]);
    expect(body.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04');
    expect([head.headers['content-length'], head.headers.etag]).toEqual([String(body.length), headers.etag]);
    expect(drive.entryCalls).toBe(1);
  });

  it('leaves folders to their handler, and finds no file under a slash', async () => {
    const { ask } = await serve();
    expect((await ask('GET', '/folder')).body.toString()).toBe('index of folder');
    expect((await ask('GET', '/a%20b.bin/')).status).toBe(404);
    expect((await ask('GET', '/nowhere')).status).toBe(404);
  });

  it('reads fresh when the client asks for it', async () => {
    const { tree, ask } = await serve('redirect');
    await ask('HEAD', '/a%20b.bin');
    await ask('HEAD', '/a%20b.bin', { 'Cache-Control': 'no-cache' });
    expect(tree.options).toMatchObject([{ fresh: false }, { fresh: true }]);
  });
});
