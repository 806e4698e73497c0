import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { abortedError } from '../drive/abortable.ts';
import type { ByteRange, DownloadLink } from '../drive/drive.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import type { Logger } from '../log.ts';
import type { UpstreamCall } from './api-client.ts';
import { type ApiError, toStorageError } from './errors.ts';
import { NoAnswerError } from './http.ts';
import { StaleConnectionError, sendBody } from './part-upload.ts';
import { checkRange, RangeBody } from './range-body.ts';

export interface StorageHostOptions {
  readonly userAgent: string;
  readonly log: Logger;
  /** Called after every call, with what was done for an endpoint: where at the host is in a signed link. */
  readonly onCall?: ((call: UpstreamCall) => void) | undefined;
  /** Called for the bytes of files, piece by piece. */
  readonly onBytes?: ((direction: 'received' | 'uploaded', bytes: number) => void) | undefined;
  /** Without a byte for so long, while some are wanted, a connection counts as dead. */
  readonly stallMs?: number;
}

/** The service closes idle connections after 60 s: they are dropped before, so that no request runs into the closing. */
const IDLE_SOCKET_MS = 50_000;

/** Either satisfies the signature of a link that covers the Referer; that both always do is not known. */
const REFERERS = ['https://www.aliyundrive.com/', 'https://www.alipan.com/'] as const;

/** Errors of the storage host are short XML documents. */
const MAX_ERROR_BYTES = 64 * 1024;
const ERROR_WITHIN_MS = 10_000;

/**
 * The host that signed links lead to. It sees no access token: it refuses a request that has both a signature and an
 * Authorization header.
 */
export class StorageHost {
  readonly #options: StorageHostOptions;
  readonly #stallMs: number;
  readonly #agents = {
    'http:': new http.Agent({ keepAlive: true, timeout: IDLE_SOCKET_MS }),
    'https:': new https.Agent({ keepAlive: true, timeout: IDLE_SOCKET_MS }),
  };
  /** The Referer that worked last. */
  #referer: string = REFERERS[0];

  constructor(options: StorageHostOptions) {
    this.#options = options;
    this.#stallMs = options.stallMs ?? 30_000;
  }

  /** See `ReadDrive.openRange`. */
  async openRange(link: DownloadLink, range: ByteRange, signal?: AbortSignal): Promise<Readable> {
    if (!link.refererRequired) return this.#open(link.url, range, undefined, signal);
    const referer = this.#referer;
    try {
      return await this.#open(link.url, range, referer, signal);
    } catch (error) {
      if (!isDriveError(error, 'forbidden')) throw error;
      const other = REFERERS.find((candidate) => candidate !== referer);
      const body = await this.#open(link.url, range, other, signal);
      this.#referer = other ?? referer;
      return body;
    }
  }

  /**
   * Sends one part of an upload to its signed URL; one that is there already counts as sent.
   * @param open yields the part's bytes; called once more where a kept connection proves dead
   */
  async putPart(url: string, sizeBytes: number, open: () => Readable, signal?: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    let status = 0;
    let response: IncomingMessage;
    try {
      response = await this.#send(url, sizeBytes, open, signal);
      status = response.statusCode ?? 0;
    } finally {
      this.#report('storage PUT', url, status, startedAt, { sizeBytes });
    }
    if (status >= 200 && status < 300) {
      // Read to its end, so that the next part finds the connection free.
      await finished(response.resume()).catch(() => {});
      return;
    }
    const error = await readError(response, status, signal);
    response.destroy();
    if (error.apiCode !== 'PartAlreadyExist') throw error;
  }

  /** Drops the idle connections. */
  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  #report(endpoint: string, url: string, status: number, startedAt: number, facts: object): void {
    const ms = Math.round(performance.now() - startedAt);
    this.#options.log.debug({ host: new URL(url).host, status, ...facts, ms }, 'storage call');
    this.#options.onCall?.({ endpoint, status, ms });
  }

  async #send(url: string, sizeBytes: number, open: () => Readable, signal?: AbortSignal): Promise<IncomingMessage> {
    for (let isRepeat = false; ; isRepeat = true) {
      if (signal?.aborted) throw abortedError(signal);
      const isTls = url.startsWith('https:');
      const request = (isTls ? https : http).request(url, {
        method: 'PUT',
        agent: this.#agents[isTls ? 'https:' : 'http:'],
        // No Content-Type: the signature covers its absence.
        headers: { 'Content-Length': sizeBytes, 'User-Agent': this.#options.userAgent },
      });
      try {
        const onBytes = (bytes: number) => this.#options.onBytes?.('uploaded', bytes);
        return await sendBody(request, { body: open(), sizeBytes, stallMs: this.#stallMs, onBytes, signal });
      } catch (error) {
        if (isRepeat || !(error instanceof StaleConnectionError)) throw error;
      }
    }
  }

  async #open(url: string, range: ByteRange, referer: string | undefined, signal?: AbortSignal): Promise<Readable> {
    const startedAt = performance.now();
    let status = 0;
    let response: IncomingMessage;
    try {
      response = await this.#request(url, range, referer, signal);
      status = response.statusCode ?? 0;
    } finally {
      this.#report('storage GET', url, status, startedAt, range);
    }
    if (status !== 200 && status !== 206) throw await readError(response, status, signal);
    try {
      checkRange(response, range);
    } catch (error) {
      response.destroy();
      throw error;
    }
    const onBytes = (bytes: number) => this.#options.onBytes?.('received', bytes);
    return new RangeBody(response, range, { stallMs: this.#stallMs, onBytes, signal });
  }

  #request(url: string, range: ByteRange, referer?: string, signal?: AbortSignal, retried = false) {
    return new Promise<IncomingMessage>((resolve, reject) => {
      if (signal?.aborted) return reject(abortedError(signal));
      const isTls = url.startsWith('https:');
      const request = (isTls ? https : http).get(url, {
        agent: this.#agents[isTls ? 'https:' : 'http:'],
        timeout: this.#stallMs,
        headers: {
          Range: `bytes=${range.first}-${range.last}`,
          'Accept-Encoding': 'identity',
          'User-Agent': this.#options.userAgent,
          ...(referer && { Referer: referer }),
        },
      });
      const onAbort = () => request.destroy();
      signal?.addEventListener('abort', onAbort, { once: true });
      const onTimeout = () => request.destroy(new NoAnswerError('ETIMEDOUT', undefined));
      request.once('timeout', onTimeout);
      request.once('response', (response) => {
        signal?.removeEventListener('abort', onAbort);
        request.removeListener('timeout', onTimeout);
        resolve(response);
      });
      request.once('error', (error: NodeJS.ErrnoException) => {
        signal?.removeEventListener('abort', onAbort);
        if (signal?.aborted) return reject(abortedError(signal));
        // The host closed an idle connection while the request was on its way into it.
        if (request.reusedSocket && error.code === 'ECONNRESET' && !retried) {
          return resolve(this.#request(url, range, referer, signal, true));
        }
        reject(error instanceof DriveError ? error : new NoAnswerError(error.code, error));
      });
    });
  }
}

async function readError(response: IncomingMessage, status: number, signal?: AbortSignal): Promise<ApiError> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const giveUp = () => response.destroy();
  const timer = setTimeout(giveUp, ERROR_WITHIN_MS).unref();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    for await (const chunk of response) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_ERROR_BYTES) break;
    }
  } catch {
    // What has arrived, and the status, must do.
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
  if (signal?.aborted) throw abortedError(signal);
  return toStorageError(status, Buffer.concat(chunks).toString('utf8'));
}
