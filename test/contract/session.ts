import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { Account } from '../../src/aliyun/account.ts';
import type { UpstreamCall } from '../../src/aliyun/api-client.ts';
import { createJsonHttp } from '../../src/aliyun/http.ts';
import { createOpenDrive } from '../../src/aliyun/open/open-drive.ts';
import type { Rates } from '../../src/aliyun/pacer.ts';
import { StorageHost } from '../../src/aliyun/storage.ts';
import { createWebDrive } from '../../src/aliyun/web/web-drive.ts';
import type { Settings } from '../../src/config/schema.ts';
import type { Drive } from '../../src/drive/drive.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/emulator/emulator.ts';
import { openEmbeddedStore } from '../../src/state/embedded.ts';

export type LoginKind = keyof Emulator['refreshTokens'];

/** A signed-in account and its drive. */
export interface Session {
  readonly drive: Drive;
  readonly calls: readonly UpstreamCall[];
  /** A drive that remembers nothing of this one, as after a restart. */
  anew(): Drive;
  close(): Promise<void>;
}

type SessionSettings = Pick<
  Settings,
  'api' | 'api_url' | 'auth_url' | 'open_url' | 'client_id' | 'client_secret' | 'refresh_token' | 'state_dir'
>;

export interface SessionOptions {
  readonly rates?: Rates;
  /** Between the tries of a write, in place of what spares the service. */
  readonly backOff?: () => number;
  readonly callTimeoutMs?: number;
}

export async function openSession(settings: SessionSettings, options: SessionOptions = {}): Promise<Session> {
  const { rates, backOff, callTimeoutMs = 20_000 } = options;
  const log = pino({ level: 'silent' });
  const http = createJsonHttp({ timeoutMs: callTimeoutMs, userAgent: 'alidav/test' });
  const store = await openEmbeddedStore(settings.state_dir);
  const account = new Account({ settings, stateDir: settings.state_dir, store, http, log });
  account.start();
  await account.getAccessToken();
  const storage = new StorageHost({ userAgent: 'alidav/test', log, stallMs: 1000 });
  const calls: UpstreamCall[] = [];
  const dependencies = {
    http,
    tokens: account,
    storage,
    log,
    onCall: (call: UpstreamCall) => void calls.push(call),
    ...(rates && { rates }),
    ...(backOff && { backOff }),
  };
  const { device } = account;
  const anew = () =>
    account.identity?.kind === 'open'
      ? createOpenDrive({ ...dependencies, apiUrl: settings.open_url })
      : createWebDrive({ ...dependencies, apiUrl: settings.api_url, device });
  return {
    drive: anew(),
    calls,
    anew,
    async close() {
      storage.close();
      await account.stop();
      await store.close();
    },
  };
}

const UNPACED: Rates = { list: 1000, link: 1000, other: 1000 };

export interface EmulatedSession extends Session {
  readonly emulator: Emulator;
}

/** A session of its own against an emulator of its own; it is paced only where the emulator has limits. */
export async function openEmulatedSession(
  kind: LoginKind,
  options: EmulatorOptions,
  sessionOptions: SessionOptions = {},
): Promise<EmulatedSession> {
  const emulator = await startEmulator({ content: 'empty', ...options });
  const stateDir = await mkdtemp(path.join(tmpdir(), 'alidav-contract-'));
  const session = await openSession(
    {
      api: 'auto',
      api_url: emulator.apiUrl,
      auth_url: emulator.authUrl,
      open_url: emulator.openUrl,
      client_id: emulator.client.id,
      client_secret: emulator.client.secret,
      refresh_token: emulator.refreshTokens[kind],
      state_dir: stateDir,
    },
    options.limits === 'real' ? sessionOptions : { rates: UNPACED, ...sessionOptions },
  );
  return {
    ...session,
    emulator,
    async close() {
      await session.close();
      await emulator.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
