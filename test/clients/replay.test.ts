import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, createReplay, type Replay, readRecordings, readResponses } from '../support/client-replay.ts';
import { pathsOf, readDrive } from '../support/drive-view.ts';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';

const SMALL = 'Hallo, Finder. 你好，资源管理器。\n';
const BIG_SIZE = 9 * 2 ** 20;

const recordings = readRecordings(new URL('../fixtures/clients-replay.json', import.meta.url));

const RFC1123 = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** The recordings' own words for what must hold beside the status, as code. */
const CHECKS: Readonly<Record<string, (answer: Answer, stack: Stack) => void>> = {
  'if 2xx: DAV header contains 1 and 2; if 401: WWW-Authenticate Basic': expectLockingServer,
  'header DAV contains token 1 and 2 (only 1 => Finder mounts READ-ONLY, none => mount refused)': expectLockingServer,
  'ROOT of the host, not the mount path; no auth; DAV: 1,2 and MS-Author-Via: DAV': (answer) => {
    expectLockingServer(answer);
    expect(answer.headers['ms-author-via']).toBe('DAV');
  },
  'resourcetype contains collection; no 3xx': ({ body }) => {
    expect(body.toString()).toMatch(/<D:resourcetype><D:collection\/><\/D:resourcetype>/);
  },
  'unknown D:quota/D:quotaused in a 404 propstat, never 4xx/5xx for the whole request': ({ body }) => {
    const [found = '', missing = ''] = body.toString().match(/<D:propstat>[\s\S]*?<\/D:propstat>/g) ?? [];
    expect(found).toMatch(/<D:quota-available-bytes>\d+<[\s\S]*<D:quota-used-bytes>\d+<[\s\S]*HTTP\/1\.1 200 /);
    expect(missing).toMatch(/<D:quota\/>[\s\S]*<D:quotaused\/>[\s\S]*HTTP\/1\.1 404 /);
  },
  'children hrefs percent-encoded, collections end with /, self entry present': ({ body }) => {
    const hrefs = readResponses(body).map(({ href }) => href);
    expect(hrefs.toSorted()).toEqual(
      ['/dav/', '/dav/a.txt', '/dav/big.bin', '/dav/%E7%85%A7%E7%89%87%20%26/'].toSorted(),
    );
  },
  'Last-Modified (RFC1123) + ETag present (STREAM policy for WebDAVFS)': ({ headers, body }) => {
    expect(headers['last-modified']).toMatch(RFC1123);
    expect(headers.etag).toMatch(/^"[^"]+"$/);
    expect(body.toString()).toBe(SMALL);
  },
  'If-Range with a DATE must be honoured': ({ headers, body }) => {
    expect(headers['content-range']).toBe(`bytes 100000-${BIG_SIZE - 1}/${BIG_SIZE}`);
    expect(body).toHaveLength(BIG_SIZE - 100_000);
  },
  'path walk from the root; never 3xx, never 405': ({ status }) => expect([207, 401]).toContain(status),
  'no trailing slash: answer in place, NO 301; elements carry a namespace PREFIX (not default xmlns)': ({ body }) => {
    expect(body.toString()).toMatch(/<D:multistatus\s[^>]*xmlns:D="DAV:"/);
    expect(body.toString()).not.toMatch(/<(?!\?|\/?\w+:)|\sxmlns=/);
  },
  'empty body = allprop: creationdate, getlastmodified(RFC1123), getcontentlength, resourcetype, displayname': ({
    body,
  }) => {
    const file = readResponses(body).find(({ href }) => href === '/dav/a.txt')?.text ?? '';
    const [, date = ''] = /<D:getlastmodified[^>]*>([^<]*)</.exec(file) ?? [];
    expect(date).toMatch(RFC1123);
    expect(file).toMatch(/<D:creationdate[^>]*>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z</);
    expect(file).toContain(`<D:getcontentlength>${Buffer.byteLength(SMALL)}<`);
    expect(file).toContain('<D:displayname>a.txt<');
    expect(file).toContain('<D:resourcetype/>');
  },
  '404 sent with Cache-Control: no-store': ({ headers }) => expect(headers['cache-control']).toBe('no-store'),
  'Date header present in response; zero-byte file now visible to PROPFIND': ({ headers }) => {
    expect(headers.date).toMatch(RFC1123);
  },
  'body has lockdiscovery/activelock/locktoken/href; Lock-Token header': expectLock,
  'NO Depth header; Lock-Token + lockdiscovery': expectLock,
  'no Content-Length in request; stored size == 3000000; ETag+Last-Modified useful': ({ headers }, stack) => {
    expect(headers.etag).toMatch(/^"[0-9a-f]{40}"$/);
    expect(readDrive(stack).get('/dav/new.bin')).toMatchObject([{ content: { size: 3_000_000 } }]);
  },
  'bodiless LOCK refresh keeps the same token': ({ body }) => {
    expect(body.toString()).toMatch(/<D:activelock>[\s\S]*<D:locktoken>\s*<D:href>[^<]+</);
  },
  'no Overwrite header = T; absolute-URI Destination': (_answer, stack) => {
    expect(pathsOf(stack)).toContain('/dav/ren é.bin');
  },
  'exactly one response => empty': ({ body }) => expect(readResponses(body)).toHaveLength(1),
  'every Win32* prop 200; element names well-formed with namespace; while locked': ({ body }) => {
    const [found = ''] = body.toString().match(/<D:propstat>[\s\S]*?HTTP\/1\.1 200 [\s\S]*?<\/D:propstat>/) ?? [];
    for (const name of ['CreationTime', 'LastAccessTime', 'LastModifiedTime', 'FileAttributes']) {
      expect(found).toMatch(new RegExp(`<(\\w+):Win32${name} xmlns:\\1="urn:schemas-microsoft-com:"/>`));
    }
  },
  'no 302 on HEAD': ({ status }) => expect(status).toBe(200),
  'no trailing slash accepted': (_answer, stack) => expect(pathsOf(stack)).toContain('/dav/New folder'),
  'STREAM, not 302; whole file; Content-Length exact': ({ headers, body }) => {
    expect(headers['content-length']).toBe(String(Buffer.byteLength(SMALL)));
    expect(body.toString()).toBe(SMALL);
  },
};

function expectLockingServer({ status, headers }: Answer): void {
  if (status === 401) {
    expect(headers['www-authenticate']).toMatch(/\bBasic realm=/);
    return;
  }
  expect(String(headers.dav).split(/,\s*/)).toEqual(expect.arrayContaining(['1', '2']));
}

function expectLock({ headers, body }: Answer): void {
  const [, token = 'none'] = /^<(.+)>$/.exec(String(headers['lock-token'])) ?? [];
  const xml = body.toString();
  expect(xml).toMatch(/<D:lockdiscovery>\s*<D:activelock>/);
  expect(xml).toMatch(new RegExp(`<D:locktoken>\\s*<D:href>${token}</D:href>\\s*</D:locktoken>`));
}

describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
  describe.each(Object.entries(recordings))('%s', (_client, recording) => {
    let stack: Stack;
    let replay: Replay;

    beforeAll(async () => {
      stack = await startStack({ kind, env: { ALIDAV_USER: 'mimi', ALIDAV_PASSWORD: 'secret' } });
      const { store, drives } = stack.emulator;
      const folder = store.addFolder(store.root(drives.backup), 'dav');
      store.addFile(folder, 'a.txt', SMALL);
      store.addSparseFile(folder, 'big.bin', BIG_SIZE);
      store.addFolder(folder, '照片 &');
      replay = createReplay(recording, stack.url, 'mimi:secret');
    });
    afterAll(async () => {
      replay?.close();
      await stack?.close();
    });

    it.each(recording.steps)('$phase: $m $p', async (step) => {
      const answer = await replay.play(step);
      expect([step.expect].flat()).toContain(answer.status);
      if (step.assert !== undefined) {
        expect(CHECKS).toHaveProperty([step.assert]);
        CHECKS[step.assert]?.(answer, stack);
      }
    });

    it('leaves what was there, and nothing else', () => {
      expect(pathsOf(stack)).toEqual(['/dav', '/dav/a.txt', '/dav/big.bin', '/dav/照片 &'].toSorted());
    });

    it('reads a drive whose folders are listed once', () => {
      const endpoint = kind === 'open' ? '/adrive/v1.0/openFile/list' : '/adrive/v3/file/list';
      expect(stack.emulator.calls.count(endpoint)).toBeLessThanOrEqual(2);
    });
  });
});
