import { Account } from './aliyun/account.ts';
import { AccountDrive } from './aliyun/account-drive.ts';
import type { UpstreamCall } from './aliyun/api-client.ts';
import { createJsonHttp } from './aliyun/http.ts';
import { observeHttp } from './aliyun/observed-http.ts';
import { createOpenDrive } from './aliyun/open/open-drive.ts';
import type { OnWait } from './aliyun/pacer.ts';
import { StorageHost, type StorageHostOptions } from './aliyun/storage.ts';
import { createWebDrive } from './aliyun/web/web-drive.ts';
import type { Settings } from './config/schema.ts';
import type { Drive } from './drive/drive.ts';
import type { Logger } from './log.ts';
import { openEmbeddedStore } from './state/embedded.ts';
import type { StateStore } from './state/store.ts';

/** An account, its drives, and what is remembered of them. */
export interface Connection {
  readonly account: Account;
  readonly drive: Drive;
  readonly store: StateStore;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly settings: Settings;
  /** Goes into the User-Agent. */
  readonly version: string;
  readonly log: Logger;
  /** See `ApiClient`. */
  readonly onCall?: (call: UpstreamCall) => void;
  /** Called for the calls that no request is charged with: of the login and its device, and at the storage host. */
  readonly onSideCall?: (call: UpstreamCall) => void;
  readonly onWait?: OnWait;
  readonly onBytes?: StorageHostOptions['onBytes'];
}

/** The state folder cannot be used; the message says what to do. */
class StateDirError extends Error {
  override readonly name = 'StateDirError';
}

const CALL_TIMEOUT_MS = 30_000;

/**
 * Wires the account and its drives over one state folder. No network call is made and nothing is started.
 * @throws StateDirError
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { settings, version, log, onCall, onSideCall, onWait, onBytes } = options;
  const { state_dir: stateDir, api_url, open_url } = settings;
  const store = await openStore(stateDir);
  const userAgent = `alidav/${version}`;
  const http = createJsonHttp({ timeoutMs: CALL_TIMEOUT_MS, userAgent });
  const storage = new StorageHost({ userAgent, log, onCall: onSideCall, onBytes });
  const loginHttp = onSideCall ? observeHttp(http, onSideCall) : http;
  const account = new Account({ settings, stateDir, store, http: loginHttp, log });
  const shared = { http, storage, tokens: account, log, onCall, onWait };
  const drive = new AccountDrive(account, (kind) =>
    kind === 'open'
      ? createOpenDrive({ ...shared, apiUrl: open_url })
      : createWebDrive({ ...shared, apiUrl: api_url, device: account.device }),
  );
  return {
    account,
    drive,
    store,
    async close() {
      await account.stop();
      storage.close();
      await store.close();
    },
  };
}

async function openStore(stateDir: string): Promise<StateStore> {
  try {
    return await openEmbeddedStore(stateDir);
  } catch (cause) {
    const { message } = cause as Error;
    throw new StateDirError(`${message}. Set ALIDAV_STATE_DIR to a folder that can be written.`, { cause });
  }
}
