import { randomBytes } from 'node:crypto';
import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';

const HEADERS_END = Buffer.from('\r\n\r\n');

/** What one request cost, ms and bytes. */
export interface Timing {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly firstByteMs: number;
  readonly totalMs: number;
  readonly bytes: number;
}

export interface RequestSpec {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Sends so many bytes instead of `body`. */
  readonly bodyBytes?: number;
  /** Sees the answer's body as it comes. */
  readonly onData?: (chunk: Buffer) => void;
}

const BLOCK = randomBytes(2 ** 20);

/** One connection that is kept: what is compared is the answer, not the handshake. */
export function createConnection(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

/** Sends a request and reads its answer to the end. */
export function time(agent: Agent, spec: RequestSpec): Promise<Timing> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const onAnswer = (answer: IncomingMessage) => {
      let firstByteMs = Number.NaN;
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        if (bytes === 0) firstByteMs = performance.now() - started;
        bytes += chunk.length;
        spec.onData?.(chunk);
      });
      answer.on('end', () => {
        const { statusCode: status = 0, headers } = answer;
        resolve({ status, headers, firstByteMs, totalMs: performance.now() - started, bytes });
      });
      answer.on('error', reject);
    };
    const sent = request(spec.url, { agent, method: spec.method ?? 'GET', headers: headersOf(spec) }, onAnswer);
    sent.on('error', reject);
    if (spec.bodyBytes === undefined) sent.end(spec.body);
    else sendBytes(sent, spec.bodyBytes);
  });
}

function headersOf({ headers = {}, bodyBytes }: RequestSpec): Record<string, string> {
  return { ...headers, ...(bodyBytes !== undefined && { 'Content-Length': String(bodyBytes) }) };
}

function sendBytes(sent: ClientRequest, sizeBytes: number): void {
  let left = sizeBytes;
  const go = () => {
    while (left > 0) {
      const block = BLOCK.subarray(0, left);
      left -= block.length;
      if (!sent.write(block)) {
        sent.once('drain', go);
        return;
      }
    }
    sent.end();
  };
  go();
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The value that so many percent of all are not above. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}

/** Does a piece of work for each item, so many at a time. */
export async function atATime<T>(
  most: number,
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: most }, worker));
}

/** Runs two measurements in turn, so that a machine that slows down slows both; one warm-up each. */
export async function inTurn(
  rounds: number,
  a: () => Promise<number>,
  b: () => Promise<number>,
): Promise<{ a: number; b: number; ratio: number }> {
  const results: { a: number; b: number }[] = [];
  for (let round = 0; round <= rounds; round++) {
    const result = { a: await a(), b: await b() };
    if (round > 0) results.push(result);
  }
  return {
    a: median(results.map((result) => result.a)),
    b: median(results.map((result) => result.b)),
    ratio: median(results.map((result) => result.a / result.b)),
  };
}

/**
 * Requests per second of `connections` clients that each wait for their answer, over `durationMs`. The answers must have no
 * body: plain sockets that look for the end of the headers cost so little that the server is what is measured.
 * @throws when an answer's status is not `status`
 */
export async function requestsPerSecond(
  url: string,
  status: number,
  connections: number,
  durationMs: number,
): Promise<number> {
  const { hostname, port, host, pathname } = new URL(url);
  const question = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const expected = Buffer.from(`HTTP/1.1 ${status} `);
  const started = performance.now();
  let done = 0;
  const client = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.write(question));
      socket.on('data', (answer) => {
        if (!answer.subarray(0, expected.length).equals(expected)) {
          socket.destroy(new Error(`unexpected answer: ${answer.subarray(0, 60)}`));
        } else if (answer.subarray(-4).equals(HEADERS_END)) {
          done += 1;
          if (performance.now() - started < durationMs) socket.write(question);
          else socket.end();
        }
      });
      socket.on('error', reject);
      socket.on('close', () => resolve());
    });
  await Promise.all(Array.from({ length: connections }, client));
  return (done / (performance.now() - started)) * 1000;
}
