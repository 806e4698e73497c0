import type { IncomingMessage, ServerResponse } from 'node:http';

export interface BodyLimits {
  /** How long a reader may wait for the next byte. Nothing else bounds an upload: it may take hours. */
  readonly stallMs: number;
  /** How much of a body that nobody read is taken in after the answer, to let a client that sends before it reads see it. */
  readonly unreadBytes: number;
  readonly unreadMs: number;
}

export const BODY_LIMITS: BodyLimits = { stallMs: 120_000, unreadBytes: 16 * 2 ** 20, unreadMs: 10_000 };

const CHECK_UNREAD_MS = 50;

/** Watches the body of a request until it is whole. `onStall` is called once, when a reader waited too long for its next byte. */
export function watchBody(
  request: IncomingMessage,
  response: ServerResponse,
  limits: BodyLimits,
  now: () => number,
  onStall: () => void,
): void {
  if (!hasBody(request)) return;
  const { socket } = request;
  let received = socket.bytesRead;
  let quietSince = now();
  const stallTimer = setInterval(
    () => {
      if (request.complete) return clearInterval(stallTimer);
      if (socket.bytesRead !== received || !isReaderWaiting(request)) {
        received = socket.bytesRead;
        quietSince = now();
      } else if (now() - quietSince >= limits.stallMs) {
        clearInterval(stallTimer);
        onStall();
      }
    },
    Math.ceil(limits.stallMs / 8),
  ).unref();
  request.once('close', () => clearInterval(stallTimer));
  response.once('finish', () => {
    clearInterval(stallTimer);
    if (!request.complete) boundUnread(request, limits, now);
  });
}

/** node:http reads what its handler left over, to its end, however long: from here on only so much, then the connection goes. */
function boundUnread(request: IncomingMessage, limits: BodyLimits, now: () => number): void {
  const { socket } = request;
  const lastByte = socket.bytesRead + limits.unreadBytes;
  const deadline = now() + limits.unreadMs;
  const timer = setInterval(() => {
    if (request.complete || socket.destroyed) return clearInterval(timer);
    if (socket.bytesRead < lastByte && now() < deadline) return;
    clearInterval(timer);
    socket.destroy();
  }, CHECK_UNREAD_MS).unref();
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** A body that nobody reads yet, or whose reader is the slow one, is no fault of the client's. */
function isReaderWaiting(request: IncomingMessage): boolean {
  const isRead = request.readableFlowing === true || request.listenerCount('readable') > 0;
  return isRead && request.readableLength === 0;
}

/**
 * Tells a client that waits (`Expect: 100-continue`) to send its body when somebody begins to read it, which is after all
 * guards and whatever the handler checks first.
 */
export function continueWhenRead(request: IncomingMessage, response: ServerResponse): void {
  request.on('newListener', function onListener(event) {
    if (event !== 'data' && event !== 'readable') return;
    request.off('newListener', onListener);
    if (!response.headersSent && !request.socket.destroyed) response.writeContinue();
  });
}
