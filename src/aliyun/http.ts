import axios from 'axios';
import { abortedError } from '../drive/abortable.ts';
import { DriveError } from '../drive/errors.ts';

/** An HTTP answer of any status. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed JSON; undefined for an empty body and for one that is no JSON. */
  readonly json: unknown;
  /** The body as it came. */
  readonly text: string;
}

export interface JsonHttp {
  /**
   * Posts JSON and takes any status for an answer.
   * @throws NoAnswerError when there was none (refused, reset, timed out, cut short), DriveError `aborted` on the signal.
   */
  post(
    url: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<HttpAnswer>;
}

export interface JsonHttpOptions {
  /** From the request's start to the end of its answer. */
  readonly timeoutMs: number;
  /** The open API was seen to fail without one. */
  readonly userAgent: string;
}

/** The service was not reached, or its answer broke off: nothing is known about what was asked, unless `neverSent`. */
export class NoAnswerError extends DriveError {
  /** No connection came about, so the request cannot have had an effect. */
  readonly neverSent: boolean;

  constructor(reason: string | undefined, cause: unknown) {
    super('unavailable', `AliyunDrive did not answer${reason ? ` (${reason})` : ''}.`, { cause });
    this.neverSent = reason !== undefined && NEVER_SENT.has(reason);
  }
}

const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** JSON calls over axios, which follows no redirect here: the API has none, and a token must not travel. */
export function createJsonHttp({ timeoutMs, userAgent }: JsonHttpOptions): JsonHttp {
  const client = axios.create({
    maxRedirects: 0,
    // The bytes of files go straight to the storage host; API calls through somebody else's proxy would be half a proxy.
    proxy: false,
    responseType: 'text',
    transformResponse: (data: unknown) => data,
    validateStatus: () => true,
    maxContentLength: 64 * 2 ** 20,
    headers: { 'User-Agent': userAgent, 'Content-Type': 'application/json', Accept: 'application/json' },
  });
  return {
    async post(url, body, headers, signal) {
      if (signal?.aborted) throw abortedError(signal);
      const giveUp = new AbortController();
      const onAbort = () => giveUp.abort();
      signal?.addEventListener('abort', onAbort, { once: true });
      // axios' own time-out starts anew with every byte that drips in.
      let timedOut = false;
      const timer = setTimeout(() => {
        timedOut = true;
        giveUp.abort();
      }, timeoutMs).unref();
      try {
        const answer = await client.post<string>(url, JSON.stringify(body), { headers, signal: giveUp.signal });
        const text = answer.data ?? '';
        return { status: answer.status, headers: toPlainHeaders(answer.headers), json: parseJson(text), text };
      } catch (error) {
        if (signal?.aborted) throw abortedError(signal);
        if (timedOut) throw new NoAnswerError('ETIMEDOUT', undefined);
        throw toNoAnswer(error);
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      }
    },
  };
}

/** Keeps the network's error alone: axios' own carries the request's headers, and with them the access token. */
function toNoAnswer(error: unknown): NoAnswerError {
  if (!axios.isAxiosError(error)) return new NoAnswerError(undefined, error);
  return new NoAnswerError(error.code, error.cause ?? new Error(error.message));
}

function toPlainHeaders(headers: object): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
