import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/stack.ts';
import { ask, propfind, sendRaw, until } from './requests.ts';

const PROPFIND_START = '<?xml version="1.0"?><D:propfind xmlns:D="DAV:">';
const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) /;

let open: Stack;
let locked: Stack;
let readOnly: Stack;

beforeAll(async () => {
  [open, locked, readOnly] = await Promise.all([
    startStack(),
    startStack({ env: { ALIDAV_USER: 'me', ALIDAV_PASSWORD: 'right:password' } }),
    startStack({ env: { ALIDAV_READ_ONLY: 'true' } }),
  ]);
  for (const { emulator } of [open, locked, readOnly]) {
    emulator.store.addFile(emulator.store.root(emulator.drives.backup), 'file.txt', 'the bytes');
  }
});
afterAll(async () => {
  await open.close();
  await locked.close();
  await readOnly.close();
});

async function expectAlive(stack: Stack): Promise<void> {
  const answer = await ask(stack.url, '/.alidav/health');
  expect(answer.status).toBe(200);
  const faults = stack.logLines.filter(({ level }) => Number(level) >= 50);
  expect(faults).toEqual([]);
}

function hostOf({ url }: Stack): string {
  return new URL(url).host;
}

/** What a browser of the owner sends is not at stake here: only what reaches the drive is. */
function expectNotServed(answer: string): void {
  expect(answer).not.toContain('the bytes');
  expect(answer).not.toContain('file.txt');
}

describe('bytes that are hardly a request', () => {
  it.each<[string, string, number | undefined]>([
    ['nothing but line breaks', '\r\n\r\n\r\n', undefined],
    ['garbage', '\x00\x01\x02\xff\xfe garbage\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['SOCKS', '\x05\x01\x00', 400],
    ['a version of the future', 'GET / HTTP/9.9\r\nHost: localhost\r\n\r\n', 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n', 400],
    ['a Host with a blank', 'GET / HTTP/1.1\r\nHost: local host\r\n\r\n', 400],
    ['two lengths', 'PROPFIND / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    [
      'length and chunks',
      'PROPFIND / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a negative length', 'PROPFIND / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n', 400],
    ['a length that is none', 'PROPFIND / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0x10\r\n\r\n', 400],
    [
      'a chunk that is none',
      'PROPFIND / HTTP/1.1\r\nHost: localhost\r\nDepth: 0\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      400,
    ],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n', 400],
    ['a header over two lines', 'GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n', undefined],
    ['a bare line feed', 'GET / HTTP/1.1\nHost: localhost\n\n', undefined],
    ['a header of 100 KB', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
    ['ten thousand headers', `GET / HTTP/1.1\r\nHost: localhost\r\n${'X: y\r\n'.repeat(10_000)}\r\n`, undefined],
    ['a URL of 60 KB', `GET /${'a'.repeat(60_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 414],
    ['a URL of 100 KB', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ['a proxy request', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n', 405],
    [
      'an expectation that nobody has',
      'PUT /x HTTP/1.1\r\nHost: localhost\r\nExpect: a-miracle\r\nContent-Length: 1\r\n\r\n',
      417,
    ],
    [
      'an upgrade',
      'GET /.alidav/health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      200,
    ],
  ])('%s', async (_what, bytes, status) => {
    const answer = await sendRaw(open.url, bytes.replaceAll('Host: localhost', `Host: ${hostOf(open)}`), 400);
    if (status !== undefined) expect(STATUS_LINE.exec(answer)?.[1]).toBe(String(status));
    expect(answer).not.toMatch(/at .*\.js:\d+/);
    await expectAlive(open);
  });

  it('pipelined requests are all answered, in their order', async () => {
    const host = hostOf(open);
    const one = `GET /.alidav/health HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const two = `PROPFIND /missing HTTP/1.1\r\nHost: ${host}\r\nDepth: 0\r\n\r\n`;
    const three = `OPTIONS / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const answer = await sendRaw(open.url, one + two + three, 5_000);
    expect([...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).toEqual(['200', '404', '200']);
  });

  it('a body that drips in holds up nobody else', async () => {
    const { hostname, port } = new URL(open.url);
    const socket = connect({ host: hostname, port: Number(port) }).on('error', () => {});
    socket.write(`PROPFIND / HTTP/1.1\r\nHost: ${hostOf(open)}\r\nDepth: 0\r\nContent-Length: 1000\r\n\r\n<?xml`);
    expect((await propfind(open.url, '/', '0')).status).toBe(207);
    socket.destroy();
    await expectAlive(open);
  });
});

describe('addresses', () => {
  it.each<[string, number[]]>([
    ['/%', [400]],
    ['/%zz', [400]],
    ['/%E4%BD', [400]],
    ['/%00', [400]],
    ['/a%00b', [400]],
    ['/%ff', [400]],
    ['/%ed%a0%80', [400]],
    ['/..', [400]],
    ['/../..', [400]],
    ['/..%2f..%2fetc%2fpasswd', [400]],
    ['/%2e%2e/', [400]],
    ['/%2E%2E%2F', [400]],
    ['/a/./b', [400]],
    ['/a/../file.txt', [400]],
    ['/file.txt#x', [400]],
    ['/#', [400]],
    ['*', [400]],
    ['file.txt', [400]],
    ['', [400]],
    ['/..%5c..%5cetc', [404]],
    ['/%5c..%5c', [404]],
    ['/file.txt/', [404]],
    ['/file.txt/x', [404]],
    ['/file.txt/x/y/z', [404]],
    ['/nothing', [404]],
    ['/nothing/below', [404]],
    ['//', [207]],
    ['///file.txt', [207]],
    ['/file.txt?x=%', [207]],
    ['/file.txt?', [207]],
    ['/FILE.TXT', [404]],
    ['/%66ile.txt', [207]],
    ['/__proto__', [404]],
    ['/constructor/prototype', [404]],
    [`/${'a/'.repeat(2_000)}`, [404]],
    [`/${'%E4%BD%A0'.repeat(3_000)}`, [404]],
  ])('PROPFIND %s', async (target, statuses) => {
    const raw = `PROPFIND ${target} HTTP/1.1\r\nHost: ${hostOf(open)}\r\nDepth: 0\r\nConnection: close\r\n\r\n`;
    const answer = await sendRaw(open.url, raw, 5_000);
    expect(statuses).toContain(Number(STATUS_LINE.exec(answer)?.[1]));
    await expectAlive(open);
  });

  it('in absolute form are read, for their own host', async () => {
    const own = hostOf(open);
    const send = (target: string) =>
      sendRaw(open.url, `PROPFIND ${target} HTTP/1.1\r\nHost: ${own}\r\nDepth: 0\r\nConnection: close\r\n\r\n`, 5_000);
    expect(await send(`http://${own}/file.txt`)).toMatch(/^HTTP\/1\.1 207 /);
    expect(await send(`http://${own}`)).toMatch(/^HTTP\/1\.1 207 /);
    for (const target of [
      'http://evil.example/file.txt',
      'http:///file.txt',
      'ftp://localhost/file.txt',
      `http://${own}/../x`,
    ]) {
      const answer = await send(target);
      expect(answer).toMatch(/^HTTP\/1\.1 40[03] /);
      expectNotServed(answer);
    }
  });

  it.each([
    '/.alidav',
    '/.alidav/',
    '/.alidav/nothing',
    '/.alidav/health/',
    '/.alidav//health',
    '/%2ealidav/health',
    '/.alidav/%68ealth',
    '//.alidav/health',
    '/.alidav/ready?x=1',
  ])('the program’s own are the program’s in every spelling: %s', async (target) => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PROPFIND']) {
      const answer = await ask(open.url, target, { method, headers: { Depth: '1' } });
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect([200, 404, 405, 503]).toContain(answer.status);
    }
  });

  it.each(['/.ALIDAV/health', '/x/.alidav/health', '/.alidav%20', '/.alidavx'])(
    'and others are not: %s',
    async (target) => {
      expect((await ask(open.url, target)).headers['content-type']).toMatch(/^text\/plain/);
      const refused = await ask(locked.url, target);
      expect(refused.status).toBe(401);
    },
  );
});

describe('bodies of a PROPFIND', () => {
  const bomb = `<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaa">${Array.from({ length: 20 }, (_, index) => `<!ENTITY a${index} "${`&a${index - 1 < 0 ? '' : index - 1};`.repeat(10)}">`).join('')}]><D:propfind xmlns:D="DAV:"><D:prop>&a19;</D:prop></D:propfind>`;
  it.each<[string, string, number]>([
    ['a DOCTYPE', '<!DOCTYPE x SYSTEM "file:///etc/passwd"><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>', 400],
    ['a bomb of entities', bomb, 400],
    ['an entity of HTML', `${PROPFIND_START}<D:prop>&nbsp;</D:prop></D:propfind>`, 400],
    ['200,000 levels', `${PROPFIND_START}<D:prop>${'<a>'.repeat(200_000)}`, 413],
    [
      '5,000 levels',
      `${PROPFIND_START}<D:prop>${'<a>'.repeat(5_000)}${'</a>'.repeat(5_000)}</D:prop></D:propfind>`,
      400,
    ],
    [
      '2,000 properties',
      `${PROPFIND_START}<D:prop>${Array.from({ length: 2_000 }, (_, index) => `<D:p${index}/>`).join('')}</D:prop></D:propfind>`,
      413,
    ],
    ['half a document', `${PROPFIND_START}<D:prop>`, 400],
    ['no namespace', '<propfind><allprop/></propfind>', 400],
    ['a prefix that stands for nothing', '<D:propfind><D:allprop/></D:propfind>', 400],
    ['JSON', '{"propfind": true}', 400],
    ['blanks', '   \n ', 400],
    ['bytes that are no UTF-8', '\xff\xfe\x00<', 400],
    ['allprop and propname', `${PROPFIND_START}<D:allprop/><D:propname/></D:propfind>`, 400],
    ['a megabyte of nothing', `${PROPFIND_START}${' '.repeat(2 ** 20)}<D:allprop/></D:propfind>`, 413],
    [
      'names of the language',
      `${PROPFIND_START}<D:prop><D:__proto__/><D:constructor/><D:toString/></D:prop></D:propfind>`,
      207,
    ],
  ])('%s', async (_what, body, status) => {
    for (const target of ['/', '/file.txt']) {
      const answer = await propfind(open.url, target, '0', { body: Buffer.from(body, 'latin1') }).catch(
        () => undefined,
      );
      expect(answer?.status).toBe(status);
    }
    await expectAlive(open);
  });

  it('chunked ones are read like any other', async () => {
    const body = `${PROPFIND_START}<D:prop><D:getetag/></D:prop></D:propfind>`;
    const chunks = [...body].map((char) => `1\r\n${char}\r\n`).join('');
    const answer = await sendRaw(
      open.url,
      `PROPFIND /file.txt HTTP/1.1\r\nHost: ${hostOf(open)}\r\nDepth: 0\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
      5_000,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 207 /);
    expect(answer).toContain('<D:getetag>');
  });

  it('a promised gigabyte is refused without waiting for it', async () => {
    const answer = await sendRaw(
      open.url,
      `PROPFIND / HTTP/1.1\r\nHost: ${hostOf(open)}\r\nDepth: 0\r\nContent-Length: 1073741824\r\n\r\n<?xml`,
      1_000,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it.each([
    ['infinity', 403],
    ['Infinity', 403],
    [undefined, 403],
    ['2', 400],
    ['-1', 400],
    ['0, 1', 400],
    ['', 400],
    ['1,noroot', 400],
  ])('Depth %s: %i', async (depth, status) => {
    const headers: Record<string, string> = depth === undefined ? {} : { Depth: depth };
    const answer = await ask(open.url, '/', { method: 'PROPFIND', headers });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.text).toContain('propfind-finite-depth');
  });
});

describe('other people’s pages', () => {
  it.each([
    ['evil.example', 403],
    ['127.0.0.1.nip.io', 403],
    ['localhost.evil.example', 403],
    ['192.168.1.1', 403],
    ['evil.example:80', 403],
    ['localhost', 207],
    ['LOCALHOST.', 207],
    ['[::1]:8080', 207],
    ['127.0.0.1', 207],
  ])('a name rebound to this address reads nothing: Host %s', async (host, status) => {
    const answer = await propfind(open.url, '/', '1', { headers: { Host: host } });
    expect(answer.status).toBe(status);
    if (status === 403) expectNotServed(answer.text);
  });

  it.each([
    'http://evil.example',
    'https://evil.example',
    'null',
    'file://',
    'http://localhost:1',
    'chrome-extension://abc',
    'http://127.0.0.1',
  ])('Origin %s gets 403 from every method, and no leave to read it', async (origin) => {
    for (const [stack, path] of [
      [open, '/file.txt'],
      [locked, '/file.txt'],
      [open, '/.alidav/ready'],
    ] as const) {
      for (const method of ['GET', 'PROPFIND', 'OPTIONS', 'PUT', 'DELETE']) {
        const answer = await ask(stack.url, path, { method, headers: { Origin: origin, Depth: '0' } });
        expect([method, answer.status]).toEqual([method, 403]);
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    }
  });

  it('no answer allows another origin anything', async () => {
    for (const method of ['GET', 'HEAD', 'PROPFIND', 'OPTIONS', 'PUT', 'TRACE']) {
      const answer = await ask(open.url, '/file.txt', { method, headers: { Depth: '0' } });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    }
  });
});

describe('without the right password', () => {
  const encode = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

  // Fewer than ten of them are guesses: whoever guesses more is throttled, which is another test's matter.
  it.each<[string, Record<string, string>]>([
    ['no credentials', {}],
    ['an empty header', { Authorization: '' }],
    ['a scheme alone', { Authorization: 'Basic' }],
    ['a scheme that is not offered', { Authorization: 'Bearer right:password' }],
    ['Negotiate', { Authorization: 'Negotiate TlRMTVNTUAAB' }],
    ['a cookie', { Cookie: 'session=admin' }],
    ['names of the language', { Authorization: encode('constructor:') }],
    ['no colon', { Authorization: encode('me') }],
    ['no base64', { Authorization: 'Basic %%%%' }],
    ['the name alone', { Authorization: encode('me:') }],
    ['half of the password', { Authorization: encode('me:right') }],
    ['another name', { Authorization: encode('you:right:password') }],
    ['a Digest without anything', { Authorization: 'Digest' }],
    [
      'a Digest of nothing',
      { Authorization: 'Digest username="me", realm="alidav", nonce="", uri="/file.txt", response=""' },
    ],
  ])('%s: 401', async (_what, headers) => {
    for (const [method, path] of [['GET', '/file.txt']] as const) {
      const answer = await ask(locked.url, path, { method, headers: { Depth: '1', ...headers } });
      expect([401, 429]).toContain(answer.status);
      if (answer.status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Digest .*Basic /);
      expectNotServed(answer.text);
    }
  });

  it('a flood of wrong passwords is told to wait, whatever it says of where it comes from', async () => {
    const stack = await startStack({ env: { ALIDAV_USER: 'me', ALIDAV_PASSWORD: 'p', ALIDAV_TRUSTED_PROXIES: '' } });
    try {
      const statuses = await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const headers = {
            Authorization: encode(`me:${index}`),
            'X-Forwarded-For': `10.0.0.${index}`,
            Forwarded: `for=10.1.0.${index}`,
          };
          return (await ask(stack.url, '/', { headers })).status;
        }),
      );
      expect(statuses.filter((status) => status === 401)).toHaveLength(10);
      expect(statuses.filter((status) => status === 429)).toHaveLength(30);
      const told = await ask(stack.url, '/', { headers: { Authorization: encode('me:p') } });
      expect([told.status, Number(told.headers['retry-after']) > 0]).toEqual([429, true]);
      // Who sends no credentials guesses nothing.
      expect((await ask(stack.url, '/')).status).toBe(401);
      expect((await ask(stack.url, '/.alidav/health')).status).toBe(200);
    } finally {
      await stack.close();
    }
  });

  it('behind a trusted proxy a guesser does not lock out the owner', async () => {
    const env = { ALIDAV_USER: 'me', ALIDAV_PASSWORD: 'p', ALIDAV_TRUSTED_PROXIES: '127.0.0.1' };
    const stack = await startStack({ env });
    try {
      const from = (address: string, password: string) =>
        ask(stack.url, '/', { headers: { Authorization: encode(`me:${password}`), 'X-Forwarded-For': address } });
      for (let count = 0; count < 12; count++) await from('203.0.113.9', 'guess');
      expect((await from('203.0.113.9', 'p')).status).toBe(429);
      // What the guesser writes before his own address is his invention.
      expect((await from('198.51.100.7, 203.0.113.9', 'p')).status).toBe(429);
      expect((await from('198.51.100.7', 'p')).status).toBe(200);
    } finally {
      await stack.close();
    }
  });

  it('a Digest works once for each count, for its own method and address alone', async () => {
    const stack = await startStack({ env: { ALIDAV_USER: 'me', ALIDAV_PASSWORD: 'p' } });
    try {
      const md5 = (text: string) => createHash('md5').update(text).digest('hex');
      const first = await ask(stack.url, '/');
      const nonce = /nonce="([^"]+)"/.exec(String(first.headers['www-authenticate']))?.[1] ?? '';
      const make = (method: string, uri: string, nc: string, given = nonce) => {
        const response = md5(`${md5('me:alidav:p')}:${given}:${nc}:c:auth:${md5(`${method}:${uri}`)}`);
        return {
          Authorization: `Digest username="me", realm="alidav", nonce="${given}", uri="${uri}", qop=auth, nc=${nc}, cnonce="c", response="${response}"`,
        };
      };
      const send = (method: string, target: string, headers: Record<string, string>) =>
        ask(stack.url, target, { method, headers: { Depth: '0', ...headers } }).then(({ status }) => status);
      expect(await send('PROPFIND', '/', make('PROPFIND', '/', '00000001'))).toBe(207);
      expect(await send('PROPFIND', '/', make('PROPFIND', '/', '00000001'))).toBe(401);
      expect(await send('PROPFIND', '/', make('PROPFIND', '/', '00000002'))).toBe(207);
      expect(await send('GET', '/', make('PROPFIND', '/', '00000003'))).toBe(401);
      expect(await send('PROPFIND', '/other', make('PROPFIND', '/', '00000004'))).toBe(401);
      expect(await send('PROPFIND', '/', make('PROPFIND', '/', '00000005', 'invented'))).toBe(401);
      expect(await send('PROPFIND', '/', make('PROPFIND', '/', '00000000'))).toBe(401);
    } finally {
      await stack.close();
    }
  });
});

describe('methods', () => {
  it.each(['PUT', 'DELETE', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'PROPPATCH'])(
    '%s is refused where a drive is served for reading only, and its body read or left',
    async (method) => {
      const answer = await ask(readOnly.url, '/file.txt', {
        method,
        headers: { Destination: '/x', 'Content-Length': '100000' },
        body: 'x'.repeat(100_000),
      });
      expect(answer.status).toBe(403);
      expect((await propfind(readOnly.url, '/file.txt', '0')).status).toBe(207);
    },
  );

  it.each(['PATCH', 'POST', 'TRACE'])('%s has no meaning', async (method) => {
    const answer = await ask(open.url, '/file.txt', { method });
    expect([answer.status, answer.headers.allow?.includes('PROPFIND')]).toEqual([405, true]);
  });

  it.each(['SEARCH', 'REPORT', 'BIND', 'PURGE', 'M-SEARCH'])('%s is not implemented', async (method) => {
    expect((await ask(open.url, '/file.txt', { method })).status).toBe(501);
  });
});

it('many connections that come and go leave nothing behind', async () => {
  const { hostname, port } = new URL(open.url);
  const sockets = Array.from({ length: 300 }, () =>
    connect({ host: hostname, port: Number(port) }).on('error', () => {}),
  );
  for (const [index, socket] of sockets.entries()) {
    socket.write(
      index % 2 === 0 ? 'GET /file' : `GET /file.txt HTTP/1.1\r\nHost: ${hostOf(open)}\r\nUser-Agent: davfs2/1\r\n\r\n`,
    );
    setTimeout(() => (index % 3 === 0 ? socket.resetAndDestroy() : socket.destroy()), index % 50);
  }
  await until(() => sockets.every(({ destroyed }) => destroyed), 10_000, 'all gone');
  await until(() => open.emulator.calls.bodies.open === 0, 10_000, 'the bodies closed');
  await expectAlive(open);
});
