import { randomBytes } from 'node:crypto';
import { DriveError, isDriveError } from '../../drive/errors.ts';
import { sleep } from '../../drive/sleep.ts';
import type { Logger } from '../../log.ts';
import type { TokenKind } from '../../state/account-status.ts';
import type { StateStore, StateValue } from '../../state/store.ts';
import type { AccessTokenSource, SignedHeaders } from '../api-client.ts';
import { isAccessTokenRefused, toDriveError } from '../errors.ts';
import { type JsonHttp, NoAnswerError } from '../http.ts';
import { readNumber, readText, toObject } from '../json.ts';
import { MAX_TRIES, retryDelayMs } from '../retry.ts';
import { waitFor } from '../wait-for.ts';
import { createKeyPair, signMessage } from './device-signature.ts';

export interface DeviceSessionOptions {
  readonly apiUrl: string;
  readonly http: JsonHttp;
  readonly store: StateStore;
  readonly tokens: AccessTokenSource;
  readonly identity: Promise<{ readonly userId: string; readonly kind: TokenKind }>;
  readonly log: Logger;
  readonly now: () => number;
}

/** Stored once a user: every new id would take one of the account's ten slots. Processes share it with its signature. */
interface Device {
  readonly deviceId: string;
  readonly appId: string;
  readonly publicKey: string;
  readonly signature: string;
  /** Epoch ms; 0 until the service took it. */
  readonly registeredAt: number;
}

/** The ids under which the service knows its own page and app. */
const APP_IDS: Readonly<Record<TokenKind, string>> = {
  page: '25dzX3vbYqktVxyX',
  app: '5dde4e1bdf9e4966b387ba58f4b3fdc3',
  open: '25dzX3vbYqktVxyX',
};

/** The service wants a new registration every 5 to 60 minutes; more than this within a minute do not hold. */
const RENEWALS_A_MINUTE = 5;
const MINUTE_MS = 60_000;
const PATIENCE_MS = 60_000;

const OFFLINE_MESSAGE =
  'AliyunDrive keeps this device offline: the account has more than ten devices, or this one was signed out. Remove a device in the settings of the AliyunDrive app; alidav comes back by itself.';

/** The device as which this installation calls the web API, and its session there. */
export class DeviceSession implements SignedHeaders {
  readonly #options: DeviceSessionOptions;
  #device: Device | undefined;
  #loading: Promise<Device> | undefined;
  #renewals: number[] = [];

  constructor(options: DeviceSessionOptions) {
    this.#options = options;
  }

  /** What only the account's owner can mend, while it lasts. */
  get problem(): string | undefined {
    return this.#countRenewals() > RENEWALS_A_MINUTE ? OFFLINE_MESSAGE : undefined;
  }

  /** Costs a network call once in a device's life. */
  async headers(signal?: AbortSignal): Promise<Readonly<Record<string, string>>> {
    if (this.#device) return toHeaders(this.#device);
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return toHeaders(await waitFor(this.#loading, PATIENCE_MS, signal));
  }

  /**
   * Registers the device anew, unless another process has done so.
   * @throws DriveError `login-required` when registrations do not hold, so that only a person can free a slot
   */
  async renew(signal?: AbortSignal): Promise<void> {
    const { now, log } = this.#options;
    this.#renewals = [...this.#renewals.slice(-RENEWALS_A_MINUTE), now()];
    if (this.problem) {
      log.error(OFFLINE_MESSAGE);
      throw new DriveError('login-required', OFFLINE_MESSAGE, { retryAfterMs: MINUTE_MS });
    }
    const stored = await this.#open();
    const isFresh = this.#device !== undefined && stored.registeredAt > this.#device.registeredAt;
    this.#device = isFresh ? stored : await this.#register(stored, signal);
  }

  #countRenewals(): number {
    const since = this.#options.now() - MINUTE_MS;
    return this.#renewals.filter((at) => at > since).length;
  }

  async #load(): Promise<Device> {
    const device = await this.#open();
    this.#device =
      device.registeredAt > 0
        ? device
        : await this.#register(device).catch((error: unknown) => {
            // The service did without sessions once: the calls themselves will tell whether they need one.
            if (isDriveError(error, 'unavailable', 'throttled', 'login-required', 'aborted')) throw error;
            this.#options.log.warn({ error }, 'the device could not be registered');
            return device;
          });
    return this.#device;
  }

  /** Reads the device from the state, or puts a new one there: never two, however many processes start at once. */
  async #open(): Promise<Device> {
    const { store, identity } = this.#options;
    const { userId, kind } = await identity;
    const key = [userId, 'v1', 'device'];
    try {
      for (;;) {
        const found = await store.get(key);
        const device = toDevice(found);
        if (device?.appId === APP_IDS[kind]) return device;
        const created = createDevice(userId, APP_IDS[kind], device?.deviceId);
        if (await store.compareAndSet(key, found, created)) return created;
      }
    } catch (cause) {
      throw new DriveError('unavailable', 'The id of this device cannot be kept in the state folder.', { cause });
    }
  }

  async #register(device: Device, signal?: AbortSignal): Promise<Device> {
    const { store, identity, log, now } = this.#options;
    await this.#createSession(device, signal);
    const registered = { ...device, registeredAt: now() };
    const { userId } = await identity;
    await store.put([userId, 'v1', 'device'], registered).catch((error: unknown) => {
      log.warn({ error }, 'the device session is not remembered; the next start will create it again');
    });
    return registered;
  }

  async #createSession(device: Device, signal?: AbortSignal): Promise<void> {
    const { apiUrl, http, tokens } = this.#options;
    const url = `${apiUrl}/users/v1/users/device/create_session`;
    const body = { deviceName: 'Chrome', modelName: 'Windows', pubKey: device.publicKey };
    let accessToken = await tokens.getAccessToken(signal);
    for (let tries = 1, isReplaced = false; ; ) {
      const headers = {
        ...toHeaders(device),
        Authorization: `Bearer ${accessToken}`,
        Origin: 'https://www.alipan.com',
        Referer: 'https://www.alipan.com/',
      };
      const outcome = await http.post(url, body, headers, signal).catch(toNoAnswer);
      if (!(outcome instanceof NoAnswerError)) {
        if (outcome.status >= 200 && outcome.status < 300) return;
        if (!isReplaced && isAccessTokenRefused(outcome)) {
          isReplaced = true;
          accessToken = await tokens.replaceAccessToken(accessToken, signal);
          continue;
        }
      }
      // The service throttles this call of all.
      const error = outcome instanceof NoAnswerError ? outcome : toDriveError(outcome);
      const delayMs = retryDelayMs(error, { effect: 'read' }, tries, Math.random());
      if (delayMs === undefined || tries >= MAX_TRIES) throw error;
      await sleep(delayMs, signal);
      tries += 1;
    }
  }
}

function toNoAnswer(error: unknown): NoAnswerError {
  if (error instanceof NoAnswerError) return error;
  throw error;
}

function createDevice(userId: string, appId: string, deviceId = randomBytes(16).toString('hex')): Device {
  const pair = createKeyPair();
  // The last number counts `renew_session` calls; nobody makes those any more.
  const signature = signMessage(`${appId}:${deviceId}:${userId}:0`, pair);
  return { deviceId, appId, publicKey: pair.publicKey, signature, registeredAt: 0 };
}

function toDevice(value: StateValue): Device | undefined {
  const fields = toObject(value);
  const [deviceId, publicKey, signature] = ['deviceId', 'publicKey', 'signature'].map((name) => readText(fields, name));
  if (!deviceId || !publicKey || !signature) return undefined;
  const appId = readText(fields, 'appId') ?? '';
  return { deviceId, appId, publicKey, signature, registeredAt: readNumber(fields, 'registeredAt') ?? 0 };
}

function toHeaders({ deviceId, signature }: Device): Readonly<Record<string, string>> {
  return { 'x-device-id': deviceId, 'x-signature': signature };
}
