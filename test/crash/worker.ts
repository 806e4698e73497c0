import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { copy, FOLDER, type Model, makeFolder, move, putFile, remove } from './model.ts';

/** A change that was asked for: how the folder looks if it took place. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly after: Model;
}

const FINDER = 'WebDAVFS/3.0.0 (03008000) Darwin/22.6.0 (arm64)';
const GOOD = new Set([200, 201, 204]);
const MAX_ENTRIES = 25;

/** Somebody who works in a folder of his own, one change after another, and remembers what he was told. */
export class Worker {
  readonly home: string;
  readonly #random: () => number;
  #agent = new Agent({ keepAlive: true });
  #model: Model = new Map();
  /** What the change under way would lead to: after a crash it may or may not have. */
  #pending: Model | undefined;
  #stopped = false;
  changes = 0;
  /** Refusals that no crash explains. */
  readonly complaints: string[] = [];

  constructor(home: string, random: () => number) {
    this.home = home;
    this.#random = random;
  }

  /** Works until the server is gone, or `stop`. */
  async work(url: string): Promise<void> {
    this.#stopped = false;
    this.#agent = new Agent({ keepAlive: true });
    while (!this.#stopped) {
      const asked = this.#think();
      this.#pending = asked.after;
      const status = await this.#send(url, asked).catch(() => undefined);
      if (status === undefined) break;
      if (GOOD.has(status)) {
        this.#model = asked.after;
        this.changes += 1;
      } else {
        this.complaints.push(`${asked.method} ${this.home}${asked.path}: ${status}`);
      }
      this.#pending = undefined;
    }
    this.#agent.destroy();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** How the folder may look now: exactly one of these. */
  allowed(): Model[] {
    return this.#pending ? [this.#model, this.#pending] : [this.#model];
  }

  /** The crash has been looked into, and this is what there is. */
  settle(model: Model): void {
    this.#model = model;
    this.#pending = undefined;
  }

  #think(): Asked {
    const model = this.#model;
    const files = [...model].filter(([, what]) => what !== FOLDER).map(([at]) => at);
    const folders = [...model].filter(([, what]) => what === FOLDER).map(([at]) => at);
    const file = this.#pick(files);
    const folder = this.#pick(folders);
    const dice = this.#random();
    if (model.size > MAX_ENTRIES && (folder || file)) return this.#deletion(folder ?? file ?? '');
    if (!file || dice < 0.3) return this.#put(this.#newPath(folders), this.#random() < 0.3);
    if (dice < 0.5) return this.#put(file, this.#random() < 0.3);
    if (dice < 0.58) return { method: 'MKCOL', ...this.#at(this.#newPath(folders), makeFolder) };
    if (dice < 0.66) return this.#transfer('MOVE', file, this.#newPath(folders));
    if (dice < 0.74) return this.#transfer('COPY', file, this.#newPath(folders));
    const other = this.#pick(files.filter((at) => at !== file));
    if (other && dice < 0.8) return this.#transfer('MOVE', file, other);
    if (other && dice < 0.86) return this.#transfer('COPY', file, other);
    if (folder && dice < 0.9) return this.#transfer('COPY', folder, `/${this.#name()}`);
    if (folder && dice < 0.94) return this.#transfer('MOVE', folder, `/${this.#name()}`);
    if (dice < 0.97) return this.#finderEmpty(this.#newPath(folders));
    return this.#deletion(file);
  }

  #put(path: string, isChunked: boolean): Asked {
    const dice = this.#random();
    const size = dice < 0.05 ? 9_500_000 : dice < 0.15 ? 0 : dice < 0.5 ? 500_000 : 2_000;
    const body = Buffer.alloc(Math.floor(this.#random() * size), `${this.#random()}`);
    const sha1 = createHash('sha1').update(body).digest('hex').toUpperCase();
    const headers: Record<string, string> = isChunked ? { 'Transfer-Encoding': 'chunked' } : {};
    return { method: 'PUT', path, headers, body, after: putFile(this.#model, path, sha1) };
  }

  #finderEmpty(path: string): Asked {
    const sha1 = createHash('sha1').digest('hex').toUpperCase();
    const headers = { 'User-Agent': FINDER };
    return { method: 'PUT', path, headers, body: Buffer.alloc(0), after: putFile(this.#model, path, sha1) };
  }

  #deletion(path: string): Asked {
    return { method: 'DELETE', ...this.#at(path, remove) };
  }

  #transfer(method: 'MOVE' | 'COPY', from: string, to: string): Asked {
    const after = (method === 'MOVE' ? move : copy)(this.#model, from, to);
    return { method, path: from, headers: { Destination: encodeURI(this.home + to) }, after };
  }

  #at(path: string, change: (model: Model, path: string) => Model): Pick<Asked, 'path' | 'after'> {
    return { path, after: change(this.#model, path) };
  }

  #newPath(folders: readonly string[]): string {
    const parent = this.#random() < 0.4 ? this.#pick(folders) : undefined;
    return `${parent ?? ''}/${this.#name()}`;
  }

  #name(): string {
    return `文 ${Math.floor(this.#random() * 1e9).toString(36)}.dat`;
  }

  #pick(paths: readonly string[]): string | undefined {
    return paths[Math.floor(this.#random() * paths.length)];
  }

  #send(url: string, { method, path, headers, body }: Asked): Promise<number> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const sent = request({
        agent: this.#agent,
        hostname,
        port,
        method,
        path: encodeURI(this.home + path),
        headers: { ...headers, ...(!headers?.['Transfer-Encoding'] && { 'Content-Length': body?.length ?? 0 }) },
        timeout: 60_000,
      });
      sent.once('timeout', () => sent.destroy(new Error('no answer')));
      sent.once('error', reject);
      sent.once('response', (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
        response.once('error', reject);
      });
      sent.end(body);
    });
  }
}
