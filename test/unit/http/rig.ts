import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { OPEN_ADMIN_PATHS, PROBE_PATHS } from '../../../src/admin/admin.ts';
import { createFront, type Front, type FrontDeps, type FrontSettings } from '../../../src/http/front.ts';

export interface Rig {
  readonly front: Front;
  readonly url: string;
  readonly port: number;
  /** What reached the handler of the drive, as `METHOD url`. */
  readonly handled: string[];
  /** The log lines so far, parsed. */
  readonly lines: Record<string, unknown>[];
  /** Sends bytes as they are and reads until the server closes, or until `enough` is satisfied. */
  exchange(bytes: string, enough?: (text: string) => boolean): Promise<string>;
  open(): Socket;
}

/** The one token that opens something. */
export const GOOD_TOKEN = 'link_good';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export async function startRig(
  settings: Partial<FrontSettings> = {},
  deps: Partial<FrontDeps> & { dav?: Handler } = {},
): Promise<Rig> {
  const handled: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const sink = new PassThrough();
  sink.on('data', (line: Buffer) => lines.push(JSON.parse(line.toString()) as Record<string, unknown>));
  const front = createFront({
    settings: {
      host: '127.0.0.1',
      port: 0,
      user: undefined,
      password: undefined,
      allow_anonymous: false,
      trusted_proxies: [],
      tls_cert: undefined,
      tls_key: undefined,
      ...settings,
    },
    async handleDav(request, response) {
      handled.push(`${request.method} ${request.url}`);
      if (deps.dav) await deps.dav(request, response);
      else response.end('dav');
    },
    async handlePrivate(request, response, _record, { token, prefix }) {
      if (token !== GOOD_TOKEN) return false;
      handled.push(`${request.method} ${request.url}`);
      response.end(`private ${prefix}`);
      return true;
    },
    async handleAdmin(_request, response, path) {
      response.end(`admin ${path}`);
    },
    openAdminPaths: OPEN_ADMIN_PATHS,
    version: '1.2.3',
    probePaths: PROBE_PATHS,
    log: pino({ level: 'debug', base: null }, sink),
    now: Date.now,
    classifyClient: (userAgent) => userAgent.split('/', 1)[0],
    ...deps,
  });
  const { url } = await front.listen();
  const port = Number(new URL(url).port);
  const open = () => connect(port, '127.0.0.1');
  return {
    front,
    url,
    port,
    handled,
    lines,
    open,
    exchange: (bytes, enough = () => false) =>
      new Promise((resolve, reject) => {
        const socket = open();
        let text = '';
        socket.setEncoding('latin1').on('data', (chunk: string) => {
          text += chunk;
          if (enough(text)) socket.destroy();
        });
        socket.on('close', () => resolve(text));
        socket.on('error', (error: NodeJS.ErrnoException) => (text === '' ? reject(error) : resolve(text)));
        socket.write(bytes, 'latin1');
      }),
  };
}

/** A request as text, closing its connection unless told otherwise. */
export function rawRequest(line: string, headers: readonly string[] = [], body = ''): string {
  const host = headers.some((header) => /^host:/i.test(header)) ? [] : ['Host: localhost'];
  return [`${line} HTTP/1.1`, ...host, 'Connection: close', ...headers, '', body].join('\r\n');
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
