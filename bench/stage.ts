import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Running, startProgram } from './processes.ts';

/** `full` where nothing is left out; `short` where time matters more than that nothing grows in the long run. */
export type Size = 'short' | 'usual' | 'full';

/** What a row is measured with: an emulated service of its own, and the yardsticks. */
export interface Stage {
  readonly service: Service;
  readonly bare: Server;
  readonly size: Size;
}

/** What the open API allows an account. */
export const LISTS_PER_SECOND = 4;

/** The service as ordinary accounts of the open API have it, 40 ms away. */
export const ORDINARY_ACCOUNT: Readonly<Record<string, unknown>> = {
  limits: 'real',
  latencyMs: 40,
  storageLatencyMs: 40,
  bytesPerSecond: 500_000,
};

/** The emulated service as a process of its own, with its control. */
export interface Service extends Running {
  control(action: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Calls so far to one endpoint, or to all. */
  calls(endpoint?: string): Promise<number>;
  text(name: string): string;
  /** The drive that is served. */
  readonly driveId: string;
  /** What the storage host counted. */
  bodies(): Promise<Readonly<Record<'open' | 'peakOpen' | 'refused', number>>>;
  /** Calls beyond a rate. */
  overLimit(): Promise<number>;
  /** @returns the last planted entry's id */
  plant(entry: Readonly<Record<string, unknown>>): Promise<string>;
}

export async function startService(settings: Readonly<Record<string, unknown>> = {}): Promise<Service> {
  const args = ['dist/emulator/main.js', '--content', 'empty', '--limits', 'none', '--port', '0'];
  for (const [name, value] of Object.entries(settings)) args.push('--set', `${name}=${JSON.stringify(value)}`);
  const running = await startProgram(args, (line) => typeof line.apiUrl === 'string', { TMPDIR: scratchDir() });
  const text = (name: string) => String(running.ready[name]);
  const control = async (action: string, body?: unknown) => {
    const method = body === undefined ? 'GET' : 'POST';
    const answer = await fetch(`${text('controlUrl')}/_emulator/${action}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const json = (await answer.json()) as Record<string, unknown>;
    if (!answer.ok) throw new Error(`${action}: ${JSON.stringify(json)}`);
    return json;
  };
  const driveId = String((running.ready.drives as Record<string, unknown>).backup);
  return {
    ...running,
    text,
    control,
    driveId,
    async bodies() {
      return (await control('calls')).bodies as Record<'open' | 'peakOpen' | 'refused', number>;
    },
    async overLimit() {
      return Number((await control('calls')).overLimit);
    },
    async plant(entry) {
      return String((await control('entries', { drive_id: driveId, ...entry })).file_id);
    },
    async calls(endpoint) {
      const { total, endpoints } = (await control('calls')) as {
        total: number;
        endpoints: Record<string, { calls: number }>;
      };
      return endpoint === undefined ? total : (endpoints[endpoint]?.calls ?? 0);
    },
  };
}

/** Memory where there is some: no disk is measured. */
function scratchDir(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

/** A server that is measured. */
export interface Server extends Running {
  readonly url: string;
}

/** Ours, on a state folder that goes when it stops. */
export interface OwnServer extends Server {
  /** Stops it and starts it anew on the same state folder. */
  restart(): Promise<OwnServer>;
}

export type LoginKind = 'page' | 'app' | 'open';

export async function startServer(
  service: Service,
  kind: LoginKind,
  settings: Readonly<Record<string, string>> = {},
  nodeFlags: readonly string[] = [],
): Promise<OwnServer> {
  const stateDir = mkdtempSync(path.join(tmpdir(), 'alidav-bench-'));
  const { refresh_token } = await service.control('login', { kind });
  const client = service.ready.client as { id: string; secret: string };
  const env = {
    ALIDAV_PORT: '0',
    ALIDAV_LOG_FORMAT: 'json',
    ALIDAV_LOG_LEVEL: 'warn',
    ALIDAV_STATE_DIR: stateDir,
    ALIDAV_API_URL: service.text('apiUrl'),
    ALIDAV_AUTH_URL: service.text('authUrl'),
    ALIDAV_OPEN_URL: service.text('openUrl'),
    ALIDAV_REFRESH_TOKEN: String(refresh_token),
    ...(kind === 'open' && { ALIDAV_CLIENT_ID: client.id, ALIDAV_CLIENT_SECRET: client.secret }),
    ALIDAV_DRIVE: 'backup',
    ALIDAV_LIST_FRESH_S: '3600',
    ...settings,
  };
  const start = async (): Promise<OwnServer> => {
    const args = [...nodeFlags, 'dist/cli/main.js', 'serve'];
    const running = await startProgram(args, (line) => line.msg === 'listening', env);
    return {
      ...running,
      url: String(running.ready.url).replace(/\/$/, ''),
      async restart() {
        await running.stop();
        return start();
      },
      async stop() {
        await running.stop();
        rmSync(stateDir, { recursive: true, force: true });
      },
    };
  };
  return start();
}

/** Runs a measurement against a server of its own. */
export async function withServer<T>(
  service: Service,
  settings: Readonly<Record<string, string>>,
  measure: (server: OwnServer) => Promise<T>,
  kind: LoginKind = 'app',
): Promise<T> {
  const server = await startServer(service, kind, settings);
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
}

/** The yardsticks of `bare.ts`, or the library's own method of `stock.ts`. */
export async function startBare(program = 'bench/bare.ts', args: readonly string[] = []): Promise<Server> {
  const line = ['--import', 'tsx', program, ...args];
  const running = await startProgram(line, (ready) => typeof ready.url === 'string');
  return { ...running, url: String(running.ready.url) };
}
