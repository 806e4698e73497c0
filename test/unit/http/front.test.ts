import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { FinishedRequest } from '../../../src/http/request-log.ts';
import { basic, type Rig, rawRequest, startRig, statusOf } from './rig.ts';

let rig: Rig;
const start = async (...args: Parameters<typeof startRig>) => {
  rig = await startRig(...args);
};
afterEach(() => rig.front.close(0));

const LOGIN = { user: 'owner', password: 'secret' };
const RIGHT = basic('owner', 'secret');

/** Lines appear when the connection's end was noticed on this side too. */
async function requestLines(count: number): Promise<Record<string, unknown>[]> {
  const found = () => rig.lines.filter((line) => line.msg === 'request');
  for (let tries = 0; found().length < count && tries < 100; tries += 1) await sleep(10);
  return found();
}

async function isAlive(): Promise<boolean> {
  return statusOf(await rig.exchange(rawRequest('OPTIONS /'))) === 200;
}

describe('hostile requests', () => {
  it.each<[string, string, number]>([
    ['broken encoding', rawRequest('GET /%'), 400],
    ['cut UTF-8', rawRequest('GET /%E4%BD'), 400],
    ['parent segments', rawRequest('GET /../../etc/passwd'), 400],
    ['fragment', rawRequest('DELETE /a#b'), 400],
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['an invented method', rawRequest('STEAL /'), 400],
    ['raw UTF-8', rawRequest(`GET /${Buffer.from('é').toString('latin1')}`), 400],
    ['a blank in the target', rawRequest('GET /a b'), 400],
    ['an address of 40 KiB', rawRequest(`GET /${'a'.repeat(40 * 1024)}`), 414],
    ['an address of 100 KiB', rawRequest(`GET /${'a'.repeat(100 * 1024)}`), 431],
    ['a header of 100 KiB', rawRequest('GET /', [`X-Long: ${'a'.repeat(100 * 1024)}`]), 431],
    ['ten thousand headers', rawRequest('GET /', Array(10_000).fill('X-Many: 1')), 431],
    ['a length that is none', rawRequest('PUT /a', ['Content-Length: -1']), 400],
    ['two lengths', rawRequest('PUT /a', ['Content-Length: 1', 'Content-Length: 2'], 'a'), 400],
    [
      'a length beside chunks',
      rawRequest('PUT /a', ['Content-Length: 3', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
      400,
    ],
    ['an unknown expectation', rawRequest('PUT /a', ['Expect: 200-ok']), 417],
    ['two hosts', rawRequest('GET /', ['Host: localhost', 'Host: localhost']), 400],
    ['no host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n', 405],
    ['a rebound name', rawRequest('GET /', ['Host: evil.example']), 403],
    ['a foreign origin', rawRequest('GET /', ['Origin: https://evil.example']), 403],
    ['the null origin', rawRequest('OPTIONS /', ['Origin: null']), 403],
  ])('%s', async (_what, request, status) => {
    await start();
    const answer = await rig.exchange(request);
    expect(statusOf(answer)).toBe(status);
    expect(answer).toMatch(/x-content-type-options: nosniff/i);
    expect(rig.handled).toEqual([]);
    expect(await isAlive()).toBe(true);
  });

  it('survives clients that leave at the wrong moment', async () => {
    await start({}, { dav: async (request) => void (await text(request)) });
    for (const bytes of ['', 'GET', 'PUT /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab']) {
      const socket = rig.open();
      socket.write(bytes);
      await sleep(20);
      socket.resetAndDestroy();
    }
    await sleep(20);
    expect(await requestLines(1)).toMatchObject([{ path: '/a', aborted: true }]);
  });

  it('answers a handler that fails, and says why in the log alone', async () => {
    const failure = new Error('at https://signed.example/a?sig=abc');
    await start({}, { dav: () => Promise.reject(failure) });
    const answer = await rig.exchange(rawRequest('GET /a'));
    expect(statusOf(answer)).toBe(500);
    expect(answer).not.toContain('signed');
    const [line] = await requestLines(1);
    expect(line).toMatchObject({ status: 500, level: 50 });
  });

  it('cuts off an answer that fails midway', async () => {
    await start(
      {},
      {
        async dav(_request, response) {
          response.writeHead(200, { 'Content-Length': 10 }).write('half');
          await sleep(20);
          throw new Error('too late');
        },
      },
    );
    expect(await rig.exchange(rawRequest('GET /a'))).toMatch(/half$/);
    expect(await requestLines(1)).toMatchObject([{ status: 200, aborted: true, error: 'too late' }]);
  });
});

describe('what reaches the handlers', () => {
  it.each([
    ['an absolute-form target', 'GET http://localhost/a%20b?c', 'GET /a%20b?c'],
    ['the asterisk', 'OPTIONS *', 'OPTIONS /'],
    ['a name that only looks reserved', 'GET /.alidavx/health', 'GET /.alidavx/health'],
    ['the reserved name in other case', 'GET /.ALIDAV/health', 'GET /.ALIDAV/health'],
    ['the reserved name deeper down', 'GET /a/.alidav', 'GET /a/.alidav'],
  ])('%s goes to the drive', async (_what, line, handled) => {
    await start();
    await rig.exchange(rawRequest(line));
    expect(rig.handled).toEqual([handled]);
  });

  it.each(['/.alidav', '/.alidav/', '/.alidav/x', '/%2Ealid%61v/x', '//.alidav/x', '/.alidav?x'])(
    '%s goes to the admin side',
    async (target) => {
      await start();
      expect(await rig.exchange(rawRequest(`GET ${target}`))).toContain('admin /.alidav');
      expect(rig.handled).toEqual([]);
    },
  );

  it('takes HTTP/1.0 without a Host', async () => {
    await start();
    expect(statusOf(await rig.exchange('GET / HTTP/1.0\r\n\r\n'))).toBe(200);
  });

  it('answers a request for an upgrade as if it asked for none', async () => {
    await start();
    const upgrade = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'];
    const answer = await rig.exchange(rawRequest('GET /', upgrade), (soFar) => soFar.endsWith('\r\n\r\ndav'));
    expect(statusOf(answer)).toBe(200);
  });

  it('says on every answer whose it is, and that its type is not to be guessed', async () => {
    await start(
      {},
      {
        async dav(request, response) {
          if (request.url === '/explicit') response.writeHead(201, { 'Content-Type': 'text/plain' });
          if (request.url === '/set') response.setHeader('Content-Type', 'text/plain');
          response.end('dav');
        },
      },
    );
    for (const path of ['/explicit', '/set', '/neither', '/.alidav/health', '/refused/../x']) {
      const answer = await rig.exchange(rawRequest(`GET ${path}`));
      expect(answer).toMatch(/\r\nServer: alidav\/1\.2\.3\r\n/);
      expect(answer.match(/\r\nX-Content-Type-Options: nosniff\r\n/g)).toHaveLength(1);
    }
  });

  it('keeps every Access-Control header back', async () => {
    await start(
      {},
      {
        async dav(_request, response) {
          response.setHeader('Access-Control-Allow-Origin', '*');
          response.writeHead(200, { 'Access-Control-Allow-Credentials': 'true', DAV: '1' }).end();
        },
      },
    );
    const answer = await rig.exchange(rawRequest('OPTIONS /'));
    expect(answer).toMatch(/\r\nDAV: 1\r\n/);
    expect(answer).not.toMatch(/access-control/i);
  });
});

describe('credentials', () => {
  it('are asked for by a short answer that keeps the connection', async () => {
    await start(LOGIN);
    const socket = rig.open().setEncoding('latin1');
    const put = (authorization: string) =>
      `PUT /a HTTP/1.1\r\nHost: localhost\r\n${authorization}Content-Length: 3\r\n\r\nabc`;
    socket.write(put(''));
    const [refusal] = (await once(socket, 'data')) as [string];
    expect(statusOf(refusal)).toBe(401);
    expect(refusal.match(/^WWW-Authenticate: /gim)).toHaveLength(4);
    expect(refusal).toMatch(/^Keep-Alive: timeout=75\r$/m);
    socket.write(put(`Authorization: ${RIGHT}\r\n`));
    const [answer] = (await once(socket, 'data')) as [string];
    expect(statusOf(answer)).toBe(200);
    expect(rig.handled).toEqual(['PUT /a']);
    socket.destroy();
  });

  it.each([
    ['OPTIONS', '/', 200],
    ['OPTIONS', '/.alidav/x', 401],
    ['GET', '/.alidav/health', 200],
    ['GET', '/.alidav/%72eady', 200],
    ['GET', '/.alidav/', 401],
    ['GET', '/.alidav/health/', 200],
    ['GET', '/.alidav/healthy', 401],
    ['PROPFIND', '/', 401],
    ['HEAD', '/', 401],
  ])('%s %s without any: %i', async (method, target, status) => {
    await start(LOGIN);
    expect(statusOf(await rig.exchange(rawRequest(`${method} ${target}`)))).toBe(status);
  });

  it('are checked on OPTIONS once they are sent', async () => {
    await start(LOGIN);
    const wrong = rawRequest('OPTIONS /', [`Authorization: ${basic('owner', 'guess')}`]);
    expect(statusOf(await rig.exchange(wrong))).toBe(401);
  });

  it('are taken as a Digest of the target as it was sent', async () => {
    await start(LOGIN);
    const challenge = await rig.exchange(rawRequest('GET /'));
    const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '';
    const hash = (value: string) => createHash('md5').update(value).digest('hex');
    const uri = '/a?b';
    const response = hash(`${hash('owner:alidav:secret')}:${nonce}:00000001:c:auth:${hash(`GET:${uri}`)}`);
    const authorization = `Authorization: Digest username="owner", realm="alidav", nonce="${nonce}", uri="${uri}", qop=auth, nc=00000001, cnonce="c", response="${response}"`;
    expect(statusOf(await rig.exchange(rawRequest(`GET ${uri}`, [authorization])))).toBe(200);
    expect(statusOf(await rig.exchange(rawRequest(`GET ${uri}`, [authorization])))).toBe(401);
  });

  it('are throttled at the address that a trusted proxy names', async () => {
    await start({ ...LOGIN, trusted_proxies: ['127.0.0.1'] });
    const ask = async (client: string, authorization: string) =>
      rig.exchange(rawRequest('GET /', [`X-Forwarded-For: ${client}`, `Authorization: ${authorization}`]));
    for (let guess = 0; guess < 10; guess += 1) await ask('192.0.2.1', basic('owner', `guess ${guess}`));
    const blocked = await ask('192.0.2.1', RIGHT);
    expect(statusOf(blocked)).toBe(429);
    expect(blocked).toMatch(/retry-after: \d+/i);
    expect(statusOf(await ask('192.0.2.2', RIGHT))).toBe(200);
  });

  it('are not dodged by an X-Forwarded-For of one’s own', async () => {
    await start(LOGIN);
    const statuses: number[] = [];
    for (let guess = 0; guess < 12; guess += 1) {
      const headers = [`X-Forwarded-For: 192.0.2.${guess}`, `Authorization: ${basic('owner', 'guess')}`];
      statuses.push(statusOf(await rig.exchange(rawRequest('GET /', headers))));
    }
    expect(statuses.slice(9)).toEqual([401, 429, 429]);
  });
});

describe('finished requests', () => {
  it('are told of with nothing of who asked for what, and probes are not', async () => {
    const finished: FinishedRequest[] = [];
    await start(LOGIN, { onRequest: (request) => finished.push(request) });
    for (const path of ['/.alidav/health', '/.alidav/metrics']) {
      await rig.exchange(rawRequest(`GET ${path}`, [`Authorization: ${RIGHT}`]));
    }
    await rig.exchange(rawRequest('GET /secret', ['User-Agent: curl/8', `Authorization: ${RIGHT}`]));
    await rig.exchange(rawRequest('GET /.alidav/metrics', ['User-Agent: curl/8']));
    await requestLines(4);
    const counts = { bytes: expect.any(Number), ms: expect.any(Number), delivery: undefined };
    expect(finished).toEqual([
      { method: 'GET', status: 200, client: 'curl', ...counts },
      { method: 'GET', status: 401, client: 'curl', ...counts },
    ]);
  });
});

describe('bodies', () => {
  const readAll = {
    async dav(request: IncomingMessage, response: ServerResponse) {
      response.end(await text(request));
    },
  };
  const limits = { stallMs: 200, unreadBytes: 1_000_000, unreadMs: 400 };
  const head = 'PUT /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n';

  it('that stall are given up with 408', async () => {
    await start({}, { ...readAll, bodyLimits: limits });
    const startedAt = Date.now();
    expect(statusOf(await rig.exchange(`${head}ab`))).toBe(408);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(200);
    expect(await requestLines(1)).toMatchObject([{ status: 408, error: 'the request body stalled' }]);
  });

  it('may be slow as long as they move', async () => {
    await start({}, { ...readAll, bodyLimits: limits });
    const socket = rig.open().setEncoding('latin1');
    socket.write(head);
    for (const char of 'abcd') {
      await sleep(120);
      socket.write(char);
    }
    const [answer] = (await once(socket, 'data')) as [string];
    expect(answer).toMatch(/abcd$/);
    socket.destroy();
  });

  it('may wait for a handler that is not ready to read', async () => {
    await start(
      {},
      {
        bodyLimits: limits,
        async dav(request, response) {
          await sleep(500);
          response.end(await text(request));
        },
      },
    );
    const socket = rig.open().setEncoding('latin1');
    socket.write(head);
    await sleep(550);
    socket.write('abcd');
    const [answer] = (await once(socket, 'data')) as [string];
    expect(answer).toMatch(/abcd$/);
    socket.destroy();
  });

  it.each([
    ['a known length', `Content-Length: ${2 ** 33}`, (chunk: Buffer) => chunk],
    [
      'no known length',
      'Transfer-Encoding: chunked',
      (chunk: Buffer) => Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
    ],
  ])('of %s get their 401 without being read to the end', async (_what, header, frame) => {
    await start(LOGIN, { bodyLimits: limits });
    const socket = rig.open().setEncoding('latin1');
    socket.on('error', () => {});
    let answer = '';
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.write(`PUT /a HTTP/1.1\r\nHost: localhost\r\n${header}\r\n\r\n`);
    const chunk = frame(Buffer.alloc(64 * 1024));
    let isOpen = true;
    socket.once('close', () => {
      isOpen = false;
    });
    const startedAt = Date.now();
    while (isOpen && Date.now() - startedAt < 10_000) {
      socket.write(chunk);
      await sleep(1);
    }
    expect(isOpen).toBe(false);
    expect(statusOf(answer)).toBe(401);
    expect(await isAlive()).toBe(true);
  });

  it('are asked for with 100 after authentication, when somebody reads them', async () => {
    await start(LOGIN, readAll);
    const expectHead = `PUT /a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n`;
    const refused = await rig.exchange(`${expectHead}\r\n`);
    expect(statusOf(refused)).toBe(401);
    expect(refused).not.toContain('100 Continue');
    const socket = rig.open().setEncoding('latin1');
    socket.write(`${expectHead}Authorization: ${RIGHT}\r\n\r\n`);
    const [interim] = (await once(socket, 'data')) as [string];
    expect(interim).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('abcd');
    const [answer] = (await once(socket, 'data')) as [string];
    expect(answer).toMatch(/abcd$/);
    socket.destroy();
  });

  it('are not asked for by a handler that refuses first', async () => {
    await start({}, { dav: async (_request, response) => void response.writeHead(403).end() });
    const answer = await rig.exchange(rawRequest('PUT /a', ['Expect: 100-continue', 'Content-Length: 4']));
    expect(statusOf(answer)).toBe(403);
    expect(answer).not.toContain('100 Continue');
  });

  it('in broken chunks are answered 400', async () => {
    await start({}, readAll);
    expect(statusOf(await rig.exchange(rawRequest('PUT /a', ['Transfer-Encoding: chunked'], 'zz\r\n')))).toBe(400);
    expect(await requestLines(1)).toMatchObject([{ status: 400 }]);
  });
});

describe('the log', () => {
  it('has one line a request, and no secret', async () => {
    await start(LOGIN, {
      async dav(_request, response) {
        response.writeHead(302, { Location: 'https://signed.example/a?sig=hidden' }).end();
      },
    });
    const headers = [`Authorization: ${RIGHT}`, 'User-Agent: rclone/v1.60'];
    await rig.exchange(rawRequest('GET /%E7%94%B5%E5%BD%B1?token=hidden', headers));
    await rig.exchange(rawRequest('GET /%?token=hidden', headers));
    const [first, second] = await requestLines(2);
    expect(first).toEqual({
      level: 30,
      time: expect.any(Number),
      msg: 'request',
      id: expect.stringMatching(/^[\da-f]{8}$/),
      method: 'GET',
      path: '/电影',
      status: 302,
      bytes: expect.any(Number),
      ms: expect.any(Number),
      client: 'rclone',
      upstreamCalls: 0,
      address: '127.0.0.1',
    });
    expect(second).toMatchObject({ path: '/%', status: 400, error: expect.stringContaining('malformed') });
    const whole = JSON.stringify(rig.lines);
    for (const secret of ['hidden', 'secret', RIGHT.slice(6)]) expect(whole).not.toContain(secret);
  });

  it('shows the decoded path of what was refused, and why', async () => {
    await start(LOGIN);
    await rig.exchange(rawRequest('GET /a%20b', [`Authorization: ${basic('owner', 'guess')}`]));
    expect(await requestLines(1)).toMatchObject([{ path: '/a b', status: 401, error: 'Wrong user name or password.' }]);
  });

  it('says nothing of a client that hangs up after its answer', async () => {
    await start(LOGIN);
    const socket = rig.open();
    socket.write('PUT /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab');
    await once(socket, 'data');
    socket.end();
    await once(socket.resume(), 'close');
    expect(rig.lines).toMatchObject([{ msg: 'request', status: 401 }]);
  });

  it('counts the bytes of each request of a connection', async () => {
    await start({}, { dav: async (request, response) => void response.end('x'.repeat(Number(request.url?.slice(1)))) });
    const get = (size: number, connection: string) =>
      `GET /${size} HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n\r\n`;
    const socket = rig.open();
    socket.resume().write(get(1000, 'keep-alive'));
    const [first] = await requestLines(1);
    socket.write(get(5000, 'close'));
    const [, second] = await requestLines(2);
    expect(first?.bytes).toBeGreaterThanOrEqual(1000);
    expect(first?.bytes).toBeLessThan(1500);
    expect(second?.bytes).toBeGreaterThanOrEqual(5000);
    expect(second?.bytes).toBeLessThan(5500);
  });

  it('mentions probes at debug level only', async () => {
    await start();
    await rig.exchange(rawRequest('GET /.alidav/ready'));
    expect(await requestLines(1)).toMatchObject([{ level: 20, path: '/.alidav/ready' }]);
  });

  it('tells when the client left', async () => {
    await start({}, { dav: async (_request, response) => void response.writeHead(200).write('some') });
    await rig.exchange(rawRequest('GET /a'), (soFar) => soFar.includes('some'));
    expect(await requestLines(1)).toMatchObject([{ status: 200, aborted: true }]);
  });
});
