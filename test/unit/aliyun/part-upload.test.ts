import type { RequestListener } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { StorageHost } from '../../../src/aliyun/storage.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import { recordingLog } from './recording-log.ts';
import { type ScriptedServer, startScriptedServer } from './scripted-server.ts';

const CONTENT = Buffer.alloc(4 * 2 ** 20, '0123456789');

let server: ScriptedServer;
let storage: StorageHost;
let logged: string[];
let counted: unknown[];
let received: Buffer[];
afterEach(async () => {
  storage.close();
  await server.close();
});

async function setUp(answer?: RequestListener, stallMs = 5000) {
  received = [];
  server = await startScriptedServer(answer ?? take);
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

const take: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    received.push(Buffer.concat(chunks));
    response.writeHead(200, { ETag: '"E"' }).end();
  });
};

const refuse =
  (status: number, code: string, message = ''): RequestListener =>
  (request, response) => {
    request.resume();
    response.writeHead(status).end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
  };

const inChunks = (content: Buffer, size = 2 ** 20) =>
  Readable.from(
    Array.from({ length: Math.ceil(content.length / size) }, (_, index) =>
      content.subarray(index * size, (index + 1) * size),
    ),
  );

function put(open: () => Readable = () => inChunks(CONTENT), sizeBytes = CONTENT.length, signal?: AbortSignal) {
  return storage.putPart(`${server.url}/object?partNumber=1&x-oss-signature=SECRET`, sizeBytes, open, signal);
}

describe('StorageHost.putPart', () => {
  it('sends the bytes, their length and nothing that the signature does not cover', async () => {
    await setUp();
    await put();
    await put();
    expect(received.every((body) => body.equals(CONTENT))).toBe(true);
    const piece = ['uploaded', 2 ** 20];
    expect(counted.slice(0, 5)).toEqual([piece, piece, piece, piece, ['storage PUT', 200]]);
    const [first, second] = server.requests;
    expect(first).toMatchObject({ method: 'PUT', headers: { 'content-length': String(CONTENT.length) } });
    for (const name of ['content-type', 'authorization', 'referer', 'transfer-encoding', 'expect']) {
      expect(first?.headers).not.toHaveProperty(name);
    }
    expect(second?.socket.remotePort).toBe(first?.socket.remotePort);
    expect(logged.join()).not.toContain('SECRET');
  });

  it('sends nothing of an empty file', async () => {
    await setUp();
    await put(() => Readable.from([]), 0);
    expect(received).toEqual([Buffer.alloc(0)]);
    expect(server.requests[0]?.headers['content-length']).toBe('0');
  });

  it('takes a part that is there already for sent', async () => {
    await setUp(refuse(409, 'PartAlreadyExist'));
    await put();
  });

  it.each([
    [403, 'AccessDenied', 'Request has expired.', 'link-expired'],
    [400, 'PartNotSequential', '', 'part-out-of-order'],
    [409, 'PartNotSequential', '', 'part-out-of-order'],
    [404, 'NoSuchUpload', '', 'upload-session-gone'],
    [403, 'SignatureDoesNotMatch', '', 'forbidden'],
    [400, 'EntityTooLarge', '', 'too-large'],
    [503, 'SlowDown', '', 'throttled'],
    [500, 'InternalError', '', 'unavailable'],
  ])('tells %i %s', async (status, code, message, expected) => {
    await setUp(refuse(status, code, message));
    await expect(put()).rejects.toMatchObject({ code: expected });
  });

  it('hears a refusal that comes before the end, and sends no more', async () => {
    await setUp((_request, response) => {
      response.writeHead(404).end('<Error><Code>NoSuchUpload</Code></Error>');
    });
    let body: Readable | undefined;
    let sentBytes = 0;
    const endless = () => {
      body = new Readable({
        read() {
          sentBytes += 65_536;
          this.push(Buffer.alloc(65_536));
        },
      });
      return body;
    };
    await expect(put(endless, 2 ** 40)).rejects.toMatchObject({ code: 'upload-session-gone' });
    expect(body?.destroyed).toBe(true);
    expect(sentBytes).toBeLessThan(2 ** 26);
  });

  it('believes no success before the end', async () => {
    await setUp((_request, response) => void response.writeHead(200).end());
    const half = new PassThrough();
    half.write(CONTENT.subarray(0, 100));
    await expect(put(() => half)).rejects.toMatchObject({ code: 'unavailable' });
    expect(half.destroyed).toBe(true);
  });

  it.each([
    ['too short', CONTENT.length + 1],
    ['too long', CONTENT.length - 1],
  ])('refuses a body that is %s', async (_, sizeBytes) => {
    await setUp();
    await expect(put(undefined, sizeBytes)).rejects.toMatchObject({ code: 'content-mismatch' });
    await put();
    expect(received.at(-1)?.equals(CONTENT)).toBe(true);
  });

  it.each([
    ['the drive’s terms', new DriveError('bad-body', 'x'), 'bad-body'],
    ['its own', new Error('EIO'), 'unavailable'],
  ])('tells the failure of a body in %s', async (_, error, code) => {
    await setUp();
    const failing = () =>
      Readable.from(
        (async function* () {
          yield CONTENT.subarray(0, 100);
          throw error;
        })(),
      );
    await expect(put(failing)).rejects.toMatchObject({ name: 'DriveError', code });
  });

  it('gives up on a host that takes nothing more', async () => {
    await setUp(() => {}, 100);
    const large = () => inChunks(Buffer.alloc(32 * 2 ** 20));
    await expect(put(large, 32 * 2 ** 20)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('gives up on a host that does not answer', async () => {
    await setUp((request) => void request.resume(), 100);
    await expect(put(() => inChunks(Buffer.alloc(10)), 10)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('waits for a slow source, which is not the host’s fault', async () => {
    await setUp(undefined, 60);
    const slow = () =>
      Readable.from(
        (async function* () {
          for (let index = 0; index < 3; index++) {
            await new Promise((resolve) => setTimeout(resolve, 150));
            yield Buffer.from('x');
          }
        })(),
      );
    await put(slow, 3);
    expect(received.map(String)).toEqual(['xxx']);
  });

  it('waits for a slow host as long as it takes something', async () => {
    const sizeBytes = 32 * 2 ** 20;
    await setUp(async (request, response) => {
      for await (const _ of request) await new Promise((resolve) => setTimeout(resolve, 3));
      response.end();
    }, 400);
    const startedAt = performance.now();
    await put(() => inChunks(Buffer.alloc(sizeBytes)), sizeBytes);
    expect(performance.now() - startedAt).toBeGreaterThan(800);
  });

  it('opens the body anew where a kept connection proves dead', async () => {
    let kills = 0;
    await setUp((request, response) => {
      if (server.requests.length === 2) {
        kills += 1;
        request.socket.resetAndDestroy();
      } else take(request, response);
    });
    let opened = 0;
    const open = () => {
      opened += 1;
      return inChunks(CONTENT);
    };
    await put(open);
    await put(open);
    expect([kills, opened]).toEqual([1, 3]);
    expect(received.every((body) => body.equals(CONTENT))).toBe(true);
  });

  it('tells a reset of a new connection', async () => {
    await setUp((request) => void request.socket.resetAndDestroy());
    await expect(put()).rejects.toMatchObject({ code: 'unavailable' });
    expect(server.requests).toHaveLength(1);
  });

  it('is left by who leaves, before and in the middle', async () => {
    await setUp(() => {});
    let opened = 0;
    const body = new PassThrough();
    const open = () => {
      opened += 1;
      return body;
    };
    await expect(put(open, 10, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
    expect(opened).toBe(0);
    const controller = new AbortController();
    const left = expect(put(open, 10, controller.signal)).rejects.toMatchObject({ code: 'aborted' });
    setTimeout(() => controller.abort(), 20);
    await left;
    expect(body.destroyed).toBe(true);
  });
});
