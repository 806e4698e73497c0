import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The answer ended as it had promised, not by a broken connection. */
  readonly isWhole: boolean;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
}

/** Asks for `target` as it is, percent signs and all; follows no redirect. Rejects when no status came. */
export function ask(base: string, target: string, options: AskOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, signal } = options;
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const sent = httpRequest({
      hostname,
      port,
      path: target,
      method,
      headers,
      agent: false,
      ...(signal && { signal }),
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      const chunks: Buffer[] = [];
      const finish = () => {
        const whole = Buffer.concat(chunks);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          text: whole.toString('utf8'),
          isWhole: response.complete,
        });
      };
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', finish).once('error', finish);
    });
    sent.end(body);
  });
}

export function propfind(base: string, target: string, depth: '0' | '1', options: AskOptions = {}): Promise<Answer> {
  return ask(base, target, { method: 'PROPFIND', ...options, headers: { Depth: depth, ...options.headers } });
}

/** One resource of a multistatus. */
export interface Row {
  readonly href: string;
  readonly isFolder: boolean;
  readonly length: number | undefined;
  readonly displayName: string;
}

export function readRows(multistatus: string): Row[] {
  return multistatus
    .split('<D:response>')
    .slice(1)
    .map((response) => ({
      href: /<D:href>([^<]*)<\/D:href>/.exec(response)?.[1] ?? '',
      isFolder: response.includes('<D:collection/>'),
      length: toNumber(/<D:getcontentlength>(\d+)</.exec(response)?.[1]),
      displayName: unescapeXml(/<D:displayname>([^<]*)</.exec(response)?.[1] ?? ''),
    }));
}

function toNumber(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}

function unescapeXml(text: string): string {
  return text
    .replace(/&#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

/** Sends bytes as they are and collects what comes back until the server closes, or for `withinMs`. */
export function sendRaw(base: string, bytes: string | Buffer, withinMs = 1_000): Promise<string> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve) => {
    let received = '';
    const socket = connect({ host: hostname, port: Number(port) });
    const timer = setTimeout(() => socket.destroy(), withinMs);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      received += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(received);
    });
    socket.write(bytes);
  });
}

/** Waits until something holds, looking often; rejects after `withinMs`. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs: number, what: string): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
