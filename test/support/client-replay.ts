import { readFileSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** One request of a recorded client, and what it can work with. */
interface Step {
  readonly phase: string;
  readonly m: string;
  readonly p: string;
  readonly h?: Readonly<Record<string, string>>;
  /** Names the recording's member that holds the User-Agent; `ua` unless told. */
  readonly ua?: string;
  /** False: sent without credentials. */
  readonly auth?: boolean;
  /** Names the recording's member that holds the body. */
  readonly body?: string;
  readonly bodyRaw?: string;
  /** A body of so many bytes. */
  readonly bodyBytes?: number;
  readonly expect: number | readonly number[];
  /** For people: what else must hold. */
  readonly assert?: string;
}

export interface Recording {
  readonly default_headers?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  readonly [member: string]: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Replay {
  play(step: Step): Promise<Answer>;
  close(): void;
}

export function readRecordings(file: URL): Readonly<Record<string, Recording>> {
  const { _note, ...recordings } = JSON.parse(readFileSync(file, 'utf8'));
  return recordings;
}

/**
 * Sends a recording's steps over one kept-alive connection, as `user:password`. `${base}` is the server's address, `${tok}`
 * the last lock's token, `${lastmod}` when the path was last modified, as far as earlier answers told.
 */
export function createReplay(recording: Recording, url: string, credentials: string): Replay {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const modified = new Map<string, string>();
  let lockToken = '';

  function fill(text: string, path: string): string {
    return text.replace(/\$\{(\w+)\}/g, (_whole, name) => {
      const value = { base: url, tok: lockToken, lastmod: modified.get(decodeURI(path)) }[String(name)];
      if (!value) throw new Error(`Nothing has told the value of ${name} for ${path}.`);
      return value;
    });
  }

  function remember({ p }: Step, { headers, body, status }: Answer): void {
    const path = decodeURI(p);
    if (headers['last-modified']) modified.set(path, headers['last-modified']);
    if (headers['lock-token']) lockToken = String(headers['lock-token']).replace(/^<|>$/g, '');
    if (status !== 207) return;
    for (const { href, text } of readResponses(body)) {
      const date = /<\w+:getlastmodified[^>]*>([^<]+)</.exec(text)?.[1];
      if (date) modified.set(decodeURI(href), date);
    }
  }

  return {
    async play(step) {
      const body = bodyOf(step, recording);
      const headers = {
        'User-Agent': String(recording[step.ua ?? 'ua']),
        ...recording.default_headers,
        ...(step.auth !== false && { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
        ...(body && !step.h?.['Transfer-Encoding'] && { 'Content-Length': String(body.length) }),
        ...Object.fromEntries(Object.entries(step.h ?? {}).map(([name, value]) => [name, fill(value, step.p)])),
      };
      const answer = await send(agent, url, step, headers, body);
      remember(step, answer);
      return answer;
    },
    close: () => agent.destroy(),
  };
}

/** The responses of a multistatus, by the href that each is about. */
export function readResponses(body: Buffer): { readonly href: string; readonly text: string }[] {
  const responses = body.toString().match(/<\w+:response\b[\s\S]*?<\/\w+:response>/g) ?? [];
  return responses.map((text) => ({ href: /<\w+:href>([^<]*)</.exec(text)?.[1] ?? '', text }));
}

function bodyOf({ body, bodyRaw, bodyBytes }: Step, recording: Recording): Buffer | undefined {
  if (bodyBytes !== undefined) return Buffer.alloc(bodyBytes, 'a');
  const text = bodyRaw ?? (body === undefined ? undefined : recording[body]);
  return text === undefined ? undefined : Buffer.from(String(text));
}

function send(
  agent: Agent,
  url: string,
  { m: method, p: path }: Step,
  headers: Readonly<Record<string, string>>,
  body: Buffer | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const outgoing = request({ agent, hostname, port, method, path, headers, timeout: 20_000 }, (response) => {
      response
        .toArray()
        .then(
          (chunks) =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
          reject,
        );
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path} was not answered.`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
