import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { abortedError } from '../drive/abortable.ts';
import { DriveError } from '../drive/errors.ts';
import { NoAnswerError } from './http.ts';

export interface PartUploadOptions {
  readonly body: Readable;
  readonly sizeBytes: number;
  /** Without a byte taken for so long, while some are there, the connection counts as dead. */
  readonly stallMs: number;
  /** Hears of what is handed on. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What the system has taken may still be on its way over a slow line, and nobody tells how far it is: with the last byte taken,
 * silence is borne so many times as long.
 */
const LAST_SILENCES = 3;

/** A kept connection was closed by the host just when it was to be used again: on a new one the request may succeed. */
export class StaleConnectionError extends NoAnswerError {}

/**
 * Sends a body of known length and resolves to the head of the answer, which may come before the body's end: then the rest is
 * not sent, and the connection is of no more use. The caller reads or destroys the answer.
 * @throws DriveError; a failure of the body itself is passed on where it is one
 */
export function sendBody(request: ClientRequest, options: PartUploadOptions): Promise<IncomingMessage> {
  const { body, sizeBytes, stallMs, onBytes, signal } = options;
  return new Promise<IncomingMessage>((resolve, reject) => {
    let leftBytes = sizeBytes;
    let silences = 0;
    let isOver = false;
    const end = (): boolean => {
      if (isOver) return false;
      isOver = true;
      signal?.removeEventListener('abort', onAbort);
      body.destroy();
      return true;
    };
    const fail = (error: DriveError) => {
      if (!end()) return;
      reject(error);
      request.destroy();
    };
    const onAbort = () => {
      if (signal) fail(abortedError(signal));
    };
    signal?.addEventListener('abort', onAbort, { once: true });

    const onSilence = (socket: Socket) => {
      if (isOver) return request.destroy();
      const isAllTaken = leftBytes === 0 && request.writableLength === 0;
      if (isAllTaken) silences += 1;
      // Silence is a stall only when something is left to be taken or to be answered: a slow source is not the host's fault.
      if (request.writableLength > 0 || silences === LAST_SILENCES) fail(new NoAnswerError('ETIMEDOUT', undefined));
      else socket.setTimeout(stallMs);
    };
    // The request's own time-out strikes once; the socket is taken care of as long as it is this request's.
    request.once('socket', (socket) => {
      const listener = () => onSilence(socket);
      socket.setTimeout(stallMs).on('timeout', listener);
      request.once('close', () => socket.off('timeout', listener));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      fail(new (isStale ? StaleConnectionError : NoAnswerError)(error.code, error));
    });
    request.once('response', (response) => {
      // Praise for what has not arrived yet comes from somewhere on the way.
      if (leftBytes > 0 && (response.statusCode ?? 0) < 400) fail(new NoAnswerError(undefined, undefined));
      if (end()) resolve(response);
      else response.destroy();
    });

    // No pipeline: that would cut the connection off, and with it the answer, where a body is refused before its end.
    request.on('drain', () => body.resume());
    body.on('data', (chunk: Buffer) => {
      leftBytes -= chunk.length;
      if (leftBytes < 0) return fail(wrongLength());
      onBytes?.(chunk.length);
      const isRoomLeft = request.write(chunk);
      // With the last byte, not with the source's end: the host may answer in between.
      if (leftBytes === 0) request.end();
      else if (!isRoomLeft) body.pause();
    });
    body.on('error', (error) => fail(toBodyError(error)));
    body.on('close', () => {
      if (leftBytes > 0) fail(wrongLength());
    });
    if (sizeBytes === 0) request.end();
    if (signal?.aborted) onAbort();
  });
}

/** What is too short would keep the host waiting, what is too long would be taken for the next request. */
function wrongLength(): DriveError {
  return new DriveError('content-mismatch', 'A part has not the length that it was announced with.');
}

function toBodyError(error: unknown): DriveError {
  if (error instanceof DriveError) return error;
  return new DriveError('unavailable', 'The bytes that were to be sent could not be read.', { cause: error });
}
