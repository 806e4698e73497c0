import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { type App, createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/emulator/emulator.ts';

export const LOGIN_KINDS = ['page', 'app', 'open'] as const;
export type LoginKind = (typeof LOGIN_KINDS)[number];

/** The whole program on an emulated service, both in this process, on ports of their own. */
export interface Stack {
  readonly emulator: Emulator;
  readonly app: App;
  /** Without a trailing slash. */
  readonly url: string;
  readonly stateDir: string;
  /** What was logged so far, parsed. */
  readonly logLines: readonly Record<string, unknown>[];
  /** Ends the program and starts it anew on the same state folder; its address changes. */
  restart(): Promise<Stack>;
  close(): Promise<void>;
}

export interface StackOptions {
  readonly kind?: LoginKind;
  readonly emulator?: EmulatorOptions | Emulator;
  /** `ALIDAV_…` settings over the test's own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Serves the backup drive of an empty account, unless told otherwise. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { kind = 'app', emulator: given = {} } = options;
  const emulator = isEmulator(given) ? given : await startEmulator({ content: 'empty', ...given });
  const stateDir = mkdtempSync(path.join(tmpdir(), 'alidav-test-'));
  const closeAll = async () => {
    await emulator.close();
    rmSync(stateDir, { recursive: true, force: true });
  };
  return startOn(emulator, stateDir, accountEnv(emulator, kind), options.env ?? {}, closeAll);
}

/** The settings that lead to an emulated account, as a process would get them. */
export function accountEnv(emulator: Emulator, kind: LoginKind): Record<string, string> {
  return {
    ALIDAV_API_URL: emulator.apiUrl,
    ALIDAV_AUTH_URL: emulator.authUrl,
    ALIDAV_OPEN_URL: emulator.openUrl,
    ALIDAV_REFRESH_TOKEN: emulator.tokens.login(kind),
    ...(kind === 'open' && { ALIDAV_CLIENT_ID: emulator.client.id, ALIDAV_CLIENT_SECRET: emulator.client.secret }),
  };
}

async function startOn(
  emulator: Emulator,
  stateDir: string,
  account: Readonly<Record<string, string>>,
  extra: Readonly<Record<string, string>>,
  closeAll: () => Promise<void>,
): Promise<Stack> {
  const env = { ALIDAV_PORT: '0', ALIDAV_STATE_DIR: stateDir, ALIDAV_DRIVE: 'backup', ...account, ...extra };
  const { settings } = loadConfig({ env, flags: {}, configFile: undefined, workingDir: stateDir });
  const logLines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug', base: null }, { write: (line) => logLines.push(JSON.parse(line)) });
  const app = await createApp({ settings, version: '0.0.0-test', log });
  const { url } = await app.start();
  return {
    emulator,
    app,
    url: url.replace(/\/$/, ''),
    stateDir,
    logLines,
    async restart() {
      await app.stop(0);
      return startOn(emulator, stateDir, account, extra, closeAll);
    },
    async close() {
      await app.stop(0);
      await closeAll();
    },
  };
}

function isEmulator(given: EmulatorOptions | Emulator): given is Emulator {
  return 'close' in given;
}
