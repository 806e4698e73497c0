import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { createCollectionPage } from '../../../src/webdav/collection-page.ts';
import { createLinkServer } from '../../../src/webdav/link-server.ts';
import { getResource } from '../../../src/webdav/resource.ts';
import { type Content, file, MemoryTree } from './memory-tree.ts';
import { type Served, serveHandle } from './serve.ts';
import { createState } from './state.ts';

const CONTENT: Content = {
  'secret.txt': file({ sizeBytes: 6 }),
  Private: { 电影: { 'a b.mp4': file({ sizeBytes: 5 }), deep: { 'c.txt': file() } }, 'diary.txt': file() },
};
const FOLDERS: Readonly<Record<string, string>> = { all: '/', films: '/Private/电影', gone: '/Private/gone' };
const T = '/.alidav/t';

/** Serves the links `all`, `films` and `gone`; files' content is their path, and a 418 is an unknown link. */
async function serve(tree = new MemoryTree(CONTENT)): Promise<Served & { readonly tree: MemoryTree }> {
  const { properties } = createState();
  const page = createCollectionPage({ tree, properties });
  const server = createLinkServer({
    tree,
    properties,
    now: Date.now,
    links: {
      async find(token) {
        if (token === 'unasked') throw new DriveError('unavailable', 'Nobody could be asked.');
        if (token === 'ended') return token;
        const folder = FOLDERS[token];
        return folder === undefined ? undefined : { folder };
      },
    },
    getHead: async (exchange) => {
      const node = await getResource(tree, exchange);
      if (node.entry.kind === 'folder') await page(exchange, node);
      else exchange.response.end(exchange.path);
    },
    openContent: async () => Readable.from([]),
  });
  const served = await serveHandle(async (request, response, record) => {
    const token = decodeURIComponent(request.url?.split('/')[3] ?? '');
    if (!(await server.handle(request, response, record, { token, prefix: `${T}/${token}` }))) {
      response.writeHead(418).end();
    }
  });
  return Object.assign(served, { tree });
}

const hrefsOf = (body: string) => [...body.matchAll(/<D:href>([^<]*)</g)].map(([, href]) => href);
const linksOf = (body: string) => [...body.matchAll(/<a href="([^"]*)"/g)].map(([, href]) => href);
const FILMS = '%E7%94%B5%E5%BD%B1';

describe('PROPFIND through a private link', () => {
  it.each([
    [`${T}/all/`, [`${T}/all/`, `${T}/all/secret.txt`, `${T}/all/Private/`]],
    [`${T}/all`, [`${T}/all/`, `${T}/all/secret.txt`, `${T}/all/Private/`]],
    [`${T}/all/Private/`, [`${T}/all/Private/`, `${T}/all/Private/${FILMS}/`, `${T}/all/Private/diary.txt`]],
    [`${T}/films/`, [`${T}/films/`, `${T}/films/a%20b.mp4`, `${T}/films/deep/`]],
    [`${T}/films/deep`, [`${T}/films/deep/`, `${T}/films/deep/c.txt`]],
    [`${T}/films/a%20b.mp4`, [`${T}/films/a%20b.mp4`]],
  ])('%s has hrefs below the link', async (target, hrefs) => {
    const { status, body } = await (await serve()).request('PROPFIND', target, { Depth: '1' });
    expect([status, hrefsOf(body)]).toEqual([207, hrefs]);
  });

  it('tells of no lock and offers none', async () => {
    const { body } = await (await serve()).request('PROPFIND', `${T}/films/`, { Depth: '1' });
    expect(body).toContain('<D:supportedlock/><D:lockdiscovery/>');
    expect(body).not.toContain('lockentry');
  });
});

describe('GET through a private link', () => {
  it('finds files below its folder', async () => {
    const served = await serve();
    expect((await served.request('GET', `${T}/films/a%20b.mp4`)).body).toBe('/Private/电影/a b.mp4');
    expect((await served.request('GET', `${T}/films//deep/c.txt`)).body).toBe('/Private/电影/deep/c.txt');
    expect((await served.request('HEAD', `${T}/all/secret.txt`)).status).toBe(200);
  });

  it.each([
    [`${T}/films/`, '电影', ['a%20b.mp4', 'deep/']],
    [`${T}/films`, '电影', ['films/a%20b.mp4', 'films/deep/']],
    [`${T}/films/deep/`, 'deep', ['../', '../', 'c.txt']],
    [`${T}/films/deep`, 'deep', ['./', './', 'deep/c.txt']],
    [`${T}/all/`, 'AliyunDrive', ['Private/', 'secret.txt']],
  ])('the page %s leads nowhere else', async (target, title, links) => {
    const { status, body } = await (await serve()).request('GET', target);
    expect([status, linksOf(body)]).toEqual([200, links]);
    expect(body).toContain(`<title>${title}</title>`);
    expect(body).not.toContain('>Private<');
  });
});

describe('a private link leads out of its folder', () => {
  it.each([
    `${T}/films/../diary.txt`,
    `${T}/films/%2e%2e/diary.txt`,
    `${T}/films/..%2fdiary.txt`,
    `${T}/films/deep/../../diary.txt`,
    `${T}/films/..%5cdiary.txt`,
    `${T}/films/%252e%252e/diary.txt`,
    `${T}/films/Private/diary.txt`,
    `${T}/films/secret.txt`,
    `${T}/films/.alidav/health`,
    `${T}/all/.alidav/health`,
    `${T}/all/.alidav/t/films/a%20b.mp4`,
  ])('never by %s', async (target) => {
    const served = await serve();
    for (const method of ['GET', 'PROPFIND']) {
      const { status, body } = await served.request(method, target, { Depth: '1' });
      expect([400, 404]).toContain(status);
      expect(body).not.toMatch(/Private|diary/);
    }
    for (const asked of served.tree.asked) expect(asked).toMatch(/^get \/(?:Private\/电影|\.alidav)(?:\/|$)/);
  });

  it('nor by what it says of what it lacks', async () => {
    for (const target of ['gone/', 'gone/x', 'films/nothing', 'films/a%20b.mp4/x']) {
      const { status, body } = await (await serve()).request('GET', `${T}/${target}`);
      expect([target, status, body]).toEqual([target, 404, 'There is nothing here.\n']);
    }
  });
});

describe('what a private link refuses', () => {
  const allow = 'OPTIONS, GET, HEAD, PROPFIND';

  it.each(['PUT', 'DELETE', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'PROPPATCH', 'POST', 'PATCH', 'TRACE'])(
    '%s, and says what it takes',
    async (method) => {
      const served = await serve();
      const headers = { Destination: '/moved', Depth: 'infinity' };
      const { status, headers: answered } = await served.request(method, `${T}/films/a%20b.mp4`, headers);
      expect([status, answered.allow]).toEqual([405, allow]);
      expect(served.tree.asked).toEqual([]);
    },
  );

  it('OPTIONS says the same, and claims no locks', async () => {
    const { status, headers } = await (await serve()).request('OPTIONS', `${T}/films/`);
    expect([status, headers.allow, headers.dav]).toEqual([200, allow, '1']);
  });

  it.each(['OPTIONS', 'GET', 'HEAD', 'PROPFIND', 'PUT', 'LOCK'])(
    '%s of an unknown link is left to the caller',
    async (method) => {
      const served = await serve();
      expect((await served.request(method, `${T}/nobody/secret.txt`, { Depth: '1' })).status).toBe(418);
      expect(served.tree.asked).toEqual([]);
    },
  );

  it('a link whose time is over, which is no guess', async () => {
    const served = await serve();
    for (const method of ['OPTIONS', 'GET', 'PROPFIND', 'PUT']) {
      const { status, headers } = await served.request(method, `${T}/ended/secret.txt`);
      expect([method, status, headers['cache-control']]).toEqual([method, 404, 'no-store']);
    }
    expect(served.tree.asked).toEqual([]);
  });

  it('takes no link for unknown that could not be looked up', async () => {
    const { status, headers } = await (await serve()).request('GET', `${T}/unasked/`);
    expect([status, Number(headers['retry-after']) > 0]).toEqual([503, true]);
  });

  it('passes on what the drive could not tell', async () => {
    const served = await serve();
    served.tree.getError = new DriveError('throttled', 'Too fast.');
    expect((await served.request('GET', `${T}/films/`)).status).toBe(503);
  });
});
