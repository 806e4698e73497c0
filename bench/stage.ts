import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Running, startProgram } from './processes.ts';

/** The emulated service as a process of its own, with its control. */
export interface Service extends Running {
  control(action: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Calls so far to one endpoint, or to all. */
  calls(endpoint?: string): Promise<number>;
  text(name: string): string;
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
  return {
    ...running,
    text,
    control,
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

/** Our server as a process, on a state folder that goes when it stops. */
export interface Server extends Running {
  readonly url: string;
}

export type LoginKind = 'page' | 'app' | 'open';

export async function startServer(
  service: Service,
  kind: LoginKind,
  settings: Readonly<Record<string, string>> = {},
  nodeFlags: readonly string[] = [],
): Promise<Server> {
  const stateDir = mkdtempSync(path.join(tmpdir(), 'alidav-bench-'));
  const { refresh_token } = await service.control('login', { kind });
  const client = service.ready.client as { id: string; secret: string };
  const running = await startProgram([...nodeFlags, 'dist/cli/main.js', 'serve'], (line) => line.msg === 'listening', {
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
  });
  return {
    ...running,
    url: String(running.ready.url).replace(/\/$/, ''),
    async stop() {
      await running.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

/** Runs a measurement against a server of its own. */
export async function withServer<T>(
  service: Service,
  settings: Readonly<Record<string, string>>,
  measure: (server: Server) => Promise<T>,
  kind: LoginKind = 'app',
): Promise<T> {
  const server = await startServer(service, kind, settings);
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
}

/** The yardsticks of `bare.ts`. */
export async function startBare(): Promise<Server> {
  const running = await startProgram(['--import', 'tsx', 'bench/bare.ts'], (line) => typeof line.url === 'string');
  return { ...running, url: String(running.ready.url) };
}
