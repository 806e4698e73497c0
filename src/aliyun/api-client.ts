import type { CallSignal, CallTally } from '../drive/call-signal.ts';
import { DriveError } from '../drive/errors.ts';
import { SharedCalls } from '../drive/shared-calls.ts';
import { sleep } from '../drive/sleep.ts';
import type { Logger } from '../log.ts';
import { type ApiError, apiCodeOf, isAccessTokenRefused, isDeviceSessionRefused, toDriveError } from './errors.ts';
import { type HttpAnswer, type JsonHttp, NoAnswerError } from './http.ts';
import { isObject } from './json.ts';
import { type OnWait, type PaceClass, Pacer, type Rates } from './pacer.ts';
import { MAX_TRIES, type RetryTraits, retryDelayMs } from './retry.ts';

/** Where access tokens come from: fulfilled by the account keeper. */
export interface AccessTokenSource {
  /**
   * Waits for a refresh in flight.
   * @throws DriveError `login-required` or `unavailable`
   */
  getAccessToken(signal?: AbortSignal): Promise<string>;
  /**
   * For an access token that the service refused: resolves to another one.
   * All who report the same refused token share one refresh, and none is made if it was replaced meanwhile.
   */
  replaceAccessToken(refused: string, signal?: AbortSignal): Promise<string>;
}

/** The device headers of the web API and the session that makes them valid. */
export interface SignedHeaders {
  headers(signal?: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** Registers the device anew after the service refused its headers. */
  renew(signal?: AbortSignal): Promise<void>;
}

export interface Endpoint extends RetryTraits {
  readonly path: string;
  readonly paceClass: PaceClass;
  /** A read that must see what was written before it was asked, so it joins no call in flight. */
  readonly isUnshared?: boolean;
  /** Succeeds with 204, too; any other answer without JSON proves nothing. */
  readonly mayBeEmpty?: boolean;
}

/** What is posted; as a function where it depends on the access token that goes with it, and asked for anew with each try. */
export type RequestBody = object | ((accessToken: string) => Promise<object>);

/** One HTTP call that was made, for counters. */
export interface UpstreamCall {
  readonly endpoint: string;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly ms: number;
  /** What the caller's signal brought along. */
  readonly tally?: CallTally | undefined;
}

export interface ApiClientOptions {
  readonly http: JsonHttp;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly tokens: AccessTokenSource;
  readonly rates: Rates;
  readonly log: Logger;
  readonly headers?: Readonly<Record<string, string>>;
  readonly device?: SignedHeaders | undefined;
  /** Called synchronously after every HTTP call, in the async context of the first caller who asked for it. */
  readonly onCall?: ((call: UpstreamCall) => void) | undefined;
  readonly onWait?: OnWait | undefined;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** No try starts later than this after the first one did. */
const RETRY_WITHIN_MS = 45_000;

/** Calls one account's API: paced, retried, with identical reads in flight shared and refused credentials replaced once. */
export class ApiClient {
  readonly #options: ApiClientOptions;
  readonly #pacer: Pacer;
  readonly #random: () => number;
  readonly #shared = new SharedCalls<unknown>();
  /** Tells whether the session was renewed since a refused call took its headers. */
  #deviceSession = 0;

  constructor(options: ApiClientOptions) {
    this.#options = options;
    this.#pacer = new Pacer({ rates: options.rates, onWait: options.onWait });
    this.#random = options.random ?? Math.random;
  }

  /**
   * @returns the answer's JSON: an object, shared between callers of a read; undefined where the endpoint `mayBeEmpty`
   * @param signal of background work: gives way to other calls, unless somebody who waits asks for the same
   * @throws DriveError; one that a later try may cure carries `retryAfterMs`
   */
  call(endpoint: Endpoint, body: RequestBody, signal?: CallSignal): Promise<unknown> {
    if (endpoint.effect === 'write' || endpoint.isUnshared || typeof body === 'function') {
      return this.#perform(endpoint, body, signal);
    }
    const key = `${endpoint.path} ${JSON.stringify(body)}`;
    return this.#shared.join(key, (allLeft) => this.#perform(endpoint, body, allLeft), signal);
  }

  async #perform(endpoint: Endpoint, body: RequestBody, signal?: CallSignal): Promise<unknown> {
    const { tokens } = this.#options;
    let isTokenReplaced = false;
    // A device that was forgotten may, once known again, be refused for its signature: each complaint is cured once.
    const curedComplaints = new Set<string | undefined>();
    const startedAt = performance.now();
    let tries = 0;
    for (let again = false; ; again = true) {
      const accessToken = await tokens.getAccessToken(signal);
      const deviceSession = this.#deviceSession;
      const headers = await this.#headers(accessToken, signal);
      const payload = typeof body === 'function' ? await body(accessToken) : body;
      const answered = await this.#pacer.take(endpoint.paceClass, signal, again);
      const outcome = await this.#post(endpoint, payload, headers, signal).finally(answered);
      if (!(outcome instanceof NoAnswerError)) {
        if (isSuccess(outcome, endpoint)) return outcome.json;
        if (!isTokenReplaced && isAccessTokenRefused(outcome)) {
          isTokenReplaced = true;
          await tokens.replaceAccessToken(accessToken, signal);
          continue;
        }
        if (isDeviceSessionRefused(outcome) && !curedComplaints.has(apiCodeOf(outcome))) {
          curedComplaints.add(apiCodeOf(outcome));
          await this.#renewDevice(deviceSession, signal);
          continue;
        }
      }
      tries += 1;
      const error = outcome instanceof NoAnswerError ? outcome : toDriveError(outcome);
      await this.#waitToRetry(error, endpoint, tries, startedAt, signal);
    }
  }

  /** Returns when the call may be tried again; throws its error when it may not. */
  async #waitToRetry(
    error: ApiError | NoAnswerError,
    endpoint: Endpoint,
    tries: number,
    startedAt: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const delayMs = retryDelayMs(error, endpoint, tries, this.#random());
    if (delayMs === undefined) throw error;
    // The limits are counted per endpoint: its other callers would only be refused as well.
    if (error.code === 'throttled') this.#pacer.pause(endpoint.paceClass, delayMs);
    if (tries >= MAX_TRIES || performance.now() + delayMs > startedAt + RETRY_WITHIN_MS) {
      throw new DriveError(error.code, error.message, { cause: error, retryAfterMs: Math.ceil(delayMs) });
    }
    if (error.code !== 'throttled') await sleep(delayMs, signal);
  }

  async #headers(accessToken: string, signal?: AbortSignal): Promise<Record<string, string>> {
    const { headers, device } = this.#options;
    return { ...headers, ...(await device?.headers(signal)), Authorization: `Bearer ${accessToken}` };
  }

  async #post(
    endpoint: Endpoint,
    body: object,
    headers: Record<string, string>,
    signal?: CallSignal,
  ): Promise<HttpAnswer | NoAnswerError> {
    const { http, baseUrl } = this.#options;
    const startedAt = performance.now();
    try {
      const answer = await http.post(baseUrl + endpoint.path, body, headers, signal);
      this.#report(endpoint, answer.status, startedAt, signal);
      return answer;
    } catch (error) {
      this.#report(endpoint, 0, startedAt, signal);
      if (error instanceof NoAnswerError) return error;
      throw error;
    }
  }

  #report(endpoint: Endpoint, status: number, startedAt: number, signal: CallSignal | undefined): void {
    const call = { endpoint: endpoint.path, status, ms: Math.round(performance.now() - startedAt) };
    this.#options.log.debug(call, 'upstream call');
    this.#options.onCall?.({ ...call, tally: signal?.tally });
  }

  /** Callers that were refused together share one renewal; one that was refused before it needs none. */
  async #renewDevice(refusedSession: number, signal?: AbortSignal): Promise<void> {
    const { device } = this.#options;
    if (!device || refusedSession !== this.#deviceSession) return;
    const renew = async (allLeft: AbortSignal) => {
      await device.renew(allLeft);
      this.#deviceSession += 1;
    };
    await this.#shared.join('device session', renew, signal);
  }
}

function isSuccess({ status, json, text }: HttpAnswer, endpoint: Endpoint): boolean {
  if (status < 200 || status > 299) return false;
  // HTML or half a JSON with status 200 proves nothing.
  return isObject(json) || (endpoint.mayBeEmpty === true && text === '');
}
