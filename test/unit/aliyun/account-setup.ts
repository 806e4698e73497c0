import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { Account, type AccountOptions } from '../../../src/aliyun/account.ts';
import { createJsonHttp } from '../../../src/aliyun/http.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../../src/emulator/emulator.ts';
import { openEmbeddedStore } from '../../../src/state/embedded.ts';
import { temporaryFolder } from '../state/temporary-folder.ts';
import { recordingLog } from './recording-log.ts';

export const REFRESH_ENDPOINTS = {
  page: '/token/refresh',
  app: '/v2/account/token',
  open: '/oauth/access_token',
} as const;

export interface Scene {
  readonly emulator: Emulator;
  readonly stateDir: string;
  /** Everything that any account logged. */
  readonly lines: string[];
  /** An account of its own over the shared state folder, as another process would have it; not started. */
  createAccount(settings?: Partial<AccountOptions['settings']>, options?: Partial<AccountOptions>): Promise<Account>;
  /** Refreshes that the service was asked for, of every kind. */
  countRefreshes(): number;
  readCredentials(): Promise<Record<string, unknown>>;
  changeCredentials(changes: Readonly<Record<string, unknown>>): Promise<void>;
}

/**
 * An emulator and a state folder, gone when the test has ended.
 * @param finish the test's own `onTestFinished`, where tests run concurrently
 */
export async function setScene(
  options: EmulatorOptions = {},
  finish: typeof onTestFinished = onTestFinished,
): Promise<Scene> {
  const emulator = await startEmulator({ content: 'empty', ...options });
  finish(() => emulator.close());
  const stateDir = await temporaryFolder(finish);
  const { log, lines } = recordingLog();
  const findFile = async () => {
    const folder = path.join(stateDir, 'accounts');
    const [name = ''] = (await readdir(folder)).filter((candidate) => candidate.endsWith('.json'));
    return path.join(folder, name);
  };
  const readCredentials = async () => JSON.parse(await readFile(await findFile(), 'utf8'));
  return {
    emulator,
    stateDir,
    lines,
    async createAccount(settings = {}, more = {}) {
      const store = await openEmbeddedStore(stateDir);
      const account = new Account({
        settings: {
          api: 'auto',
          api_url: emulator.apiUrl,
          auth_url: emulator.authUrl,
          open_url: emulator.openUrl,
          client_id: emulator.client.id,
          client_secret: emulator.client.secret,
          ...settings,
        },
        stateDir,
        store,
        http: createJsonHttp({ timeoutMs: 5000, userAgent: 'alidav/test' }),
        log,
        ...more,
      });
      finish(async () => {
        await account.stop();
        await store.close();
      });
      return account;
    },
    countRefreshes: () => Object.values(REFRESH_ENDPOINTS).reduce((sum, path) => sum + emulator.calls.count(path), 0),
    readCredentials,
    async changeCredentials(changes) {
      await writeFile(await findFile(), JSON.stringify({ ...(await readCredentials()), ...changes }));
    },
  };
}

/** The error that the work ends with. */
export async function failureOf(work: Promise<unknown>): Promise<DriveError> {
  const outcome = await work.catch((error: unknown) => error);
  if (!(outcome instanceof DriveError)) throw new Error(`expected a DriveError, got ${String(outcome)}`);
  return outcome;
}
