import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { continueWhenRead } from '../../../src/http/request-body.ts';
import type { RequestRecord } from '../../../src/log.ts';
import { createCollectionPage } from '../../../src/webdav/collection-page.ts';
import { DavError } from '../../../src/webdav/errors.ts';
import type { MethodHandler } from '../../../src/webdav/method.ts';
import type { Tree, Writer } from '../../../src/webdav/ports.ts';
import { getResource } from '../../../src/webdav/resource.ts';
import { createWebDavServer, type WebDavServer } from '../../../src/webdav/server.ts';
import { createState } from './state.ts';

export interface Served {
  readonly url: string;
  readonly port: number;
  /** Of every request, in the order of their arrival. */
  readonly records: RequestRecord[];
  /** How many requests `handle` has settled. */
  settled: number;
  /** Sends these bytes and resolves with all that comes back until the server closes or `timeoutMs` is over. */
  send(bytes: string, timeoutMs?: number): Promise<string>;
  /** Resolves with the answer's status; the connection asks to be closed. */
  request(method: string, target: string, headers?: Record<string, string>, body?: string): Promise<RawAnswer>;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Serves a tree over node:http on loopback until the test ends; folders' pages, and `file` for the content of files. */
export async function serve(tree: Tree, getHead: MethodHandler = answerFolders(tree)): Promise<Served> {
  const server = createWebDavServer({
    ...createState(),
    tree,
    // Of a drive that is served for reading only, which nobody writes to.
    isReadOnly: true,
    writer: {} as Writer,
    now: Date.now,
    getHead,
    openContent: async () => Readable.from(['content']),
  });
  return serveHandle(server.handle);
}

export async function serveHandle(handle: WebDavServer['handle']): Promise<Served> {
  const records: RequestRecord[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const record: RequestRecord = {
      id: String(records.length),
      clientClass: undefined,
      delivery: undefined,
      upstreamCalls: 0,
      error: undefined,
    };
    records.push(record);
    void handle(request, response, record).then(() => {
      served.settled += 1;
    });
  };
  const http = createServer({ requestTimeout: 0 }, answer);
  // As at the front door: the body is asked for by being read.
  http.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    continueWhenRead(request, response);
    answer(request, response);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  const served: Served = {
    url: `http://127.0.0.1:${port}`,
    port,
    records,
    settled: 0,
    send: (bytes, timeoutMs = 5_000) => exchangeBytes(port, bytes, timeoutMs),
    async request(method, target, headers = {}, body = '') {
      const length = body === '' ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
      const lines = Object.entries({ Host: 'x', Connection: 'close', ...length, ...headers });
      const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      return parseAnswer(await this.send(`${method} ${target} HTTP/1.1\r\n${head}\r\n${body}`));
    },
  };
  return served;
}

function answerFolders(tree: Tree): MethodHandler {
  const answerFolder = createCollectionPage({ tree, properties: createState().properties });
  return async (exchange) => {
    const node = await getResource(tree, exchange);
    if (node.entry.kind === 'file') throw new DavError(418, 'Files are not part of this test.');
    await answerFolder(exchange, node);
  };
}

async function exchangeBytes(port: number, bytes: string, timeoutMs: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  socket.write(bytes);
  await once(socket, 'close');
  clearTimeout(timer);
  return Buffer.concat(chunks).toString();
}

export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const raw = text.slice(end + 4);
  const body = headers['transfer-encoding'] === 'chunked' ? joinChunks(raw) : raw;
  return { status: Number(statusLine.split(' ')[1]), headers, body };
}

/** The payload of a chunked body; one that was cut lacks its last chunk and gets a mark. */
function joinChunks(raw: string): string {
  let bytes = Buffer.from(raw);
  let body = '';
  for (;;) {
    const end = bytes.indexOf('\r\n');
    const length = Number.parseInt(bytes.subarray(0, end).toString(), 16);
    if (end < 0 || Number.isNaN(length)) return `${body}[cut]`;
    if (length === 0) return body;
    body += bytes.subarray(end + 2, end + 2 + length).toString();
    bytes = bytes.subarray(end + 2 + length + 2);
  }
}
