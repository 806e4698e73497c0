import axios from 'axios';
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
   * @throws DriveError `unavailable` when there was none (refused, reset, timed out, cut short), `aborted` on the signal.
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

/** JSON calls over axios, which follows no redirect here: the API has none, and a token must not travel. */
export function createJsonHttp({ timeoutMs, userAgent }: JsonHttpOptions): JsonHttp {
  const client = axios.create({
    timeout: timeoutMs,
    maxRedirects: 0,
    responseType: 'text',
    transformResponse: (data: unknown) => data,
    validateStatus: () => true,
    maxContentLength: 64 * 2 ** 20,
    headers: { 'User-Agent': userAgent, 'Content-Type': 'application/json', Accept: 'application/json' },
  });
  return {
    async post(url, body, headers, signal) {
      try {
        const answer = await client.post<string>(url, JSON.stringify(body), { headers, ...(signal && { signal }) });
        const text = answer.data ?? '';
        return { status: answer.status, headers: toPlainHeaders(answer.headers), json: parseJson(text), text };
      } catch (error) {
        if (signal?.aborted) throw new DriveError('aborted', 'The request was given up.', { cause: signal.reason });
        const code = axios.isAxiosError(error) ? error.code : undefined;
        throw new DriveError('unavailable', `AliyunDrive did not answer${code ? ` (${code})` : ''}.`, { cause: error });
      }
    },
  };
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
