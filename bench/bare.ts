/**
 * What the figures are held against: node:http servers that do the least that could work. One renders a multistatus from an
 * array, one redirects, one pipes an upstream's bytes, one pipes a body upstream.
 */
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { pipeUpload } from './bare-upload.ts';

interface Row {
  readonly name: string;
  readonly size: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly hash: string;
}

const rows: readonly Row[] = Array.from({ length: 50_000 }, (_, index) => ({
  name: `file-${String(index).padStart(5, '0')}.txt`,
  size: index,
  createdAt: 1_700_000_000_000 + index * 1000,
  updatedAt: 1_700_000_000_000 + index * 1000,
  hash: 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709',
}));

/** RFC 4918 §15.10. */
const SUPPORTED_LOCK =
  '<D:supportedlock><D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry><D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry></D:supportedlock>';

function renderAllprop({ name, size, createdAt, updatedAt, hash }: Row): string {
  return `<D:response><D:href>/files/${encodeURIComponent(name)}</D:href><D:propstat><D:prop><D:resourcetype/><D:displayname>${name}</D:displayname><D:getcontentlength>${size}</D:getcontentlength><D:getlastmodified>${new Date(updatedAt).toUTCString()}</D:getlastmodified><D:creationdate>${new Date(createdAt).toISOString()}</D:creationdate><D:getetag>"${hash}"</D:getetag><D:getcontenttype>text/plain</D:getcontenttype>${SUPPORTED_LOCK}<D:lockdiscovery/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n`;
}

function renderFinder({ name, size, createdAt, updatedAt }: Row): string {
  return `<D:response><D:href>/files/${encodeURIComponent(name)}</D:href><D:propstat><D:prop><D:getlastmodified>${new Date(updatedAt).toUTCString()}</D:getlastmodified><D:getcontentlength>${size}</D:getcontentlength><D:creationdate>${new Date(createdAt).toISOString()}</D:creationdate><D:resourcetype/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n`;
}

async function sendListing(response: ServerResponse, render: (row: Row) => string, count: number): Promise<void> {
  response.writeHead(207, { 'Content-Type': 'application/xml; charset=utf-8' });
  let chunk =
    '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns">\n';
  for (const row of rows.slice(0, count)) {
    chunk += render(row);
    if (chunk.length < 65_536) continue;
    if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve));
    chunk = '';
  }
  response.end(`${chunk}</D:multistatus>\n`);
}

function proxy(request: IncomingMessage, response: ServerResponse, upstream: string): void {
  const { range } = request.headers;
  get(upstream, { headers: range ? { range } : {} }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    pipeline(answer, response, () => undefined);
  }).on('error', () => response.destroy());
}

function upload(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
  const text = (name: string) => query.get(name) ?? '';
  const place = { openUrl: text('open'), driveId: text('drive'), accessToken: text('token') };
  const file = { name: text('name'), partSizeBytes: Number(text('part')) };
  pipeUpload(request, response, place, file).catch((error: unknown) => response.destroy(error as Error));
}

/** As long as the service's signed links are. */
const LOCATION = `http://127.0.0.1/${'x'.repeat(560)}`;

/** What every redirect says that does its duty. */
function redirect(response: ServerResponse): void {
  response
    .writeHead(302, {
      Location: LOCATION,
      'Content-Length': 0,
      'Cache-Control': 'max-age=800, private',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    })
    .end();
}

const server = createServer((request, response) => {
  if (request.url === '/redirect') return redirect(response);
  const url = new URL(request.url ?? '/', 'http://bare');
  const count = Number(url.searchParams.get('count'));
  if (url.pathname === '/allprop') void sendListing(response, renderAllprop, count);
  else if (url.pathname === '/finder') void sendListing(response, renderFinder, count);
  else if (url.pathname === '/proxy') proxy(request, response, url.searchParams.get('upstream') ?? '');
  else if (url.pathname === '/upload') upload(request, response, url.searchParams);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` }));
});
process.on('SIGTERM', () => process.exit(0));
