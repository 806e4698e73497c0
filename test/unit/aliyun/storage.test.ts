import type { RequestListener } from 'node:http';
import type { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { StorageHost } from '../../../src/aliyun/storage.ts';
import type { ByteRange } from '../../../src/drive/drive.ts';
import { recordingLog } from './recording-log.ts';
import { type ScriptedServer, startScriptedServer } from './scripted-server.ts';

const CONTENT = Buffer.from('0123456789'.repeat(1000));
const WWW_ALIYUNDRIVE = 'https://www.aliyundrive.com/';
const WWW_ALIPAN = 'https://www.alipan.com/';

let server: ScriptedServer;
let storage: StorageHost;
let logged: string[];
let counted: unknown[];
afterEach(async () => {
  storage.close();
  await server.close();
});

async function setUp(answer: RequestListener, stallMs = 5000) {
  server = await startScriptedServer(answer);
  const { log, lines } = recordingLog();
  logged = lines;
  counted = [];
  storage = new StorageHost({
    userAgent: 'alidav/test',
    log,
    stallMs,
    onCall: ({ endpoint, status }) => counted.push([endpoint, status]),
    onBytes: (direction, bytes) => counted.push([direction, bytes]),
  });
}

function open(first: number, last: number, options: { refererRequired?: boolean; signal?: AbortSignal } = {}) {
  const link = { url: `${server.url}/object?sig=S`, expiresAt: 0, refererRequired: options.refererRequired ?? false };
  return storage.openRange(link, { first, last }, options.signal);
}

async function readAll(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const refuse =
  (status: number, code: string, message = ''): RequestListener =>
  (_request, response) => {
    response.writeHead(status).end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
  };

const serve: RequestListener = (request, response) => {
  const [, first = 0, last = 0] = (/bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []).map(Number);
  const body = CONTENT.subarray(first, last + 1);
  response.writeHead(206, {
    'Content-Range': `bytes ${first}-${last}/${CONTENT.length}`,
    'Content-Length': body.length,
  });
  response.end(body);
};

/** Announces a range and sends some of it. */
const begin =
  ({ first, last }: ByteRange, sent: number, then: (...args: Parameters<RequestListener>) => void): RequestListener =>
  (request, response) => {
    response.writeHead(206, {
      'Content-Range': `bytes ${first}-${last}/${CONTENT.length}`,
      'Content-Length': last - first + 1,
    });
    response.write(CONTENT.subarray(first, first + sent));
    then(request, response);
  };

describe('StorageHost.openRange', () => {
  it('yields the range’s bytes over a connection that is kept', async () => {
    await setUp(serve);
    expect(await readAll(await open(7, 11))).toBe('78901');
    expect(await readAll(await open(0, 9999))).toBe(CONTENT.toString());
    expect(server.requests[1]?.socket.remotePort).toBe(server.requests[0]?.socket.remotePort);
    expect(server.requests[0]?.headers).toMatchObject({ range: 'bytes=7-11', 'accept-encoding': 'identity' });
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
    expect(server.requests[0]?.headers).not.toHaveProperty('referer');
  });

  it('tells what it did and how many bytes of the range came, and not where', async () => {
    await setUp((_request, response) => response.end(CONTENT));
    await readAll(await open(0, 4));
    await expect(open(5, 9)).rejects.toMatchObject({ code: 'unavailable' });
    expect(counted).toEqual([
      ['storage GET', 200],
      ['received', 5],
      ['storage GET', 200],
    ]);
  });

  it('takes a whole 200 for a range from 0, and cuts it', async () => {
    await setUp((_request, response) => response.end(CONTENT));
    expect(await readAll(await open(0, 4))).toBe('01234');
    expect(await readAll(await open(0, 9999))).toBe(CONTENT.toString());
    await expect(open(5, 9)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([
    ['bytes 8-11/10000', 4],
    ['bytes 7-10/10000', 4],
    ['', 5],
    ['nonsense', 5],
  ])('refuses a 206 that is another range: "%s"', async (contentRange, length) => {
    await setUp((_request, response) => {
      response.writeHead(206, { 'Content-Range': contentRange }).end(CONTENT.subarray(0, length));
    });
    await expect(open(7, 11)).rejects.toMatchObject({ code: 'content-mismatch' });
  });

  it('refuses a 200 that is shorter than the range', async () => {
    await setUp((_request, response) => response.writeHead(200, { 'Content-Length': 9 }).end('<html></>'));
    await expect(open(0, 9)).rejects.toMatchObject({ code: 'content-mismatch' });
    expect(await readAll(await open(0, 8))).toBe('<html></>');
  });

  it('refuses an encoded body', async () => {
    await setUp((_request, response) => {
      response.writeHead(206, { 'Content-Range': 'bytes 0-1/9', 'Content-Encoding': 'gzip' }).end('zz');
    });
    await expect(open(0, 1)).rejects.toMatchObject({ code: 'content-mismatch' });
  });

  it.each([
    ['an expired link', 403, 'AccessDenied', 'Request has expired.', 'link-expired'],
    ['a fourth download', 403, 'RequestDeniedByCallback', 'reason: ExceedMaxConcurrency', 'too-many-downloads'],
    ['a broken signature', 403, 'SignatureDoesNotMatch', '', 'forbidden'],
    ['a range beyond the end', 416, 'InvalidRange', '', 'range-not-satisfiable'],
    ['a lost object', 404, 'NoSuchKey', '', 'link-expired'],
    ['an inner error', 500, 'InternalError', '', 'unavailable'],
    ['a redirect', 302, '', '', 'unavailable'],
  ])('tells %s', async (_, status, code, message, expected) => {
    await setUp(refuse(status, code, message));
    await expect(open(0, 1)).rejects.toMatchObject({ code: expected });
  });

  it('reads of an endless error what it needs', async () => {
    await setUp((_request, response) => {
      response.writeHead(403).write(`<Error><Code>NoSuchKey</Code>${' '.repeat(100_000)}`);
    });
    await expect(open(0, 1)).rejects.toMatchObject({ code: 'link-expired' });
  });

  it('sends a Referer only where the link demands one, and remembers which of the two worked', async () => {
    await setUp((request, response) =>
      request.headers.referer === WWW_ALIPAN
        ? serve(request, response)
        : refuse(403, 'AccessDenied', 'You are denied by bucket referer policy.')(request, response),
    );
    expect(await readAll(await open(0, 0, { refererRequired: true }))).toBe('0');
    expect(await readAll(await open(1, 1, { refererRequired: true }))).toBe('1');
    expect(server.requests.map(({ headers }) => headers.referer)).toEqual([WWW_ALIYUNDRIVE, WWW_ALIPAN, WWW_ALIPAN]);
  });

  it('does not try the other Referer for an expired link', async () => {
    await setUp(refuse(403, 'AccessDenied', 'Request has expired.'));
    await expect(open(0, 0, { refererRequired: true })).rejects.toMatchObject({ code: 'link-expired' });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['breaks off', begin({ first: 0, last: 99 }, 10, (request) => setTimeout(() => request.socket.destroy(), 20))],
    [
      'ends early',
      ((_request, response) => {
        response.writeHead(206, { 'Content-Range': 'bytes 0-99/10000' }).end('0123456789');
      }) satisfies RequestListener,
    ],
    ['stalls', begin({ first: 0, last: 99 }, 10, () => {})],
  ])('a body that %s is an error after the bytes that came, never an end', async (_, answer) => {
    await setUp(answer, 200);
    const body = await open(0, 99);
    const chunks: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of body) chunks.push(chunk);
    })();
    await expect(reading).rejects.toMatchObject({ name: 'DriveError', code: 'unavailable' });
    expect(Buffer.concat(chunks).toString()).toBe('0123456789');
  });

  it.each([
    ['never answers', (() => {}) satisfies RequestListener],
    ['resets', ((request) => void request.socket.destroy()) satisfies RequestListener],
  ])('a host that %s is unavailable', async (_, answer) => {
    await setUp(answer, 100);
    await expect(open(0, 99)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('a host that is not there is unavailable', async () => {
    await setUp(serve);
    const link = { url: 'http://127.0.0.1:1/', expiresAt: 0, refererRequired: false };
    await expect(storage.openRange(link, { first: 0, last: 1 })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('asks again when the host has just closed the idle connection', async () => {
    let count = 0;
    await setUp((request, response) => {
      count += 1;
      if (count === 2) request.socket.resetAndDestroy();
      else serve(request, response);
    });
    await readAll(await open(0, 1));
    expect(await readAll(await open(2, 3))).toBe('23');
    expect(server.requests).toHaveLength(3);
  });

  it('a slow reader is no stall', async () => {
    const size = 8 * 2 ** 20;
    await setUp((_request, response) => {
      response.writeHead(206, { 'Content-Range': `bytes 0-${size - 1}/${size}`, 'Content-Length': size });
      response.end(Buffer.alloc(size));
    }, 100);
    const body = await open(0, size - 1);
    await new Promise((resolve) => setTimeout(resolve, 450));
    expect(body.destroyed).toBe(false);
    expect((await readAll(body)).length).toBe(size);
  });

  it.each([
    ['destroyed', (body: Readable) => void body.destroy()],
    ['aborted', (_body: Readable, controller: AbortController) => controller.abort()],
  ])('a body that is %s closes its connection at once', async (how, leave) => {
    let closed = () => {};
    const closing = new Promise<void>((resolve) => {
      closed = resolve;
    });
    await setUp(begin({ first: 0, last: 99 }, 10, (request) => request.socket.on('close', closed)));
    const controller = new AbortController();
    const body = await open(0, 99, { signal: controller.signal });
    const failure = new Promise((resolve) => body.once('error', resolve));
    const startedAt = performance.now();
    leave(body, controller);
    await closing;
    expect(performance.now() - startedAt).toBeLessThan(100);
    if (how === 'aborted') expect(await failure).toMatchObject({ code: 'aborted' });
  });

  it('logs each call without the signed URL, also one without an answer', async () => {
    await setUp(serve);
    await readAll(await open(0, 1));
    await server.close();
    await expect(open(0, 1)).rejects.toThrow();
    expect(logged.map((line) => JSON.parse(line).status)).toEqual([206, 0]);
    expect(logged.join()).not.toContain('sig=S');
  });

  it('stops asking when the caller leaves before the answer', async () => {
    const controller = new AbortController();
    await setUp(() => controller.abort());
    await expect(open(0, 1, { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
    await expect(open(0, 1, { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(server.requests).toHaveLength(1);
  });
});
