import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { pino } from 'pino';
import { Account, type AccountOptions } from '../../../src/aliyun/account.ts';
import { createJsonHttp, type JsonHttp } from '../../../src/aliyun/http.ts';
import { openEmbeddedStore } from '../../../src/state/embedded.ts';
import type { StateStore } from '../../../src/state/store.ts';

/**
 * Signs in, or replaces the access token of a login that is stored, and kills itself (SIGKILL) before its n-th step of
 * I/O; without n it prints the access token and the number of steps. With `sign-in` a stored login is used as it is.
 */
const [stateDir = '', settingsJson = '', killAt = '0', task = 'rotate'] = process.argv.slice(2);
let steps = 0;
let isCounting = false;

function step(): void {
  if (!isCounting) return;
  steps += 1;
  if (steps === Number(killAt)) process.kill(process.pid, 'SIGKILL');
}

type AsyncMethod = (...args: unknown[]) => Promise<unknown>;

/** Makes each call a step, before its effect: what follows an effect is the next step. */
function countCalls<T extends object>(target: T, names: readonly (keyof T & string)[]): void {
  for (const name of names) {
    const original = target[name] as AsyncMethod;
    const counted: AsyncMethod = async function (this: unknown, ...args) {
      step();
      return original.apply(this, args);
    };
    Object.defineProperty(target, name, { value: counted, configurable: true, writable: true });
  }
}

const probe = await fs.open(import.meta.filename);
countCalls(Object.getPrototypeOf(probe), ['writeFile', 'sync', 'close']);
await probe.close();
countCalls(fs, ['open', 'rename', 'readFile', 'readdir', 'mkdir', 'chmod', 'access']);
syncBuiltinESMExports();

const store: StateStore = await openEmbeddedStore(stateDir);
countCalls(store, ['acquireLease']);
const http: JsonHttp = createJsonHttp({ timeoutMs: 10_000, userAgent: 'alidav/test' });
countCalls(http, ['post']);
const settings: AccountOptions['settings'] = JSON.parse(settingsJson);
const account = new Account({ settings, stateDir, store, http, log: pino({ level: 'silent' }) });
const replaces = task === 'rotate' && (await fs.readdir(stateDir)).includes('accounts');
const stored = replaces ? await account.getAccessToken() : undefined;
isCounting = true;
const accessToken = stored ? await account.replaceAccessToken(stored) : await account.getAccessToken();
// What follows the last effect.
step();
isCounting = false;
await account.stop();
await store.close();
process.stdout.write(JSON.stringify({ accessToken, steps }));
