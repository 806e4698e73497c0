import type { IncomingMessage, ServerResponse } from 'node:http';

/** A body of this length costs less to read to its end than a new connection. */
const WORTH_READING_BYTES = 2 ** 20;
/** How long a client may go on sending after its answer, in all and without a byte; nginx's lingering close. */
const LINGER_TOTAL_MS = 30_000;
const LINGER_IDLE_MS = 5_000;

/**
 * Ends the response with this whole body although the request's may still be on its way. Closing a socket with unread
 * bytes resets it, and a reset can overtake the answer: so what still arrives is read and thrown away for a while.
 */
export function endEarly(response: ServerResponse, text: string): void {
  const body = Buffer.from(text);
  response.setHeader('Content-Length', body.length);
  const { req: request } = response;
  if (request.complete || isShort(request)) {
    response.end(body);
    return;
  }
  response.setHeader('Connection', 'close');
  response.write(body);
  const finish = () => {
    clearTimeout(total);
    clearTimeout(idle);
    response.end();
  };
  const total = setTimeout(finish, LINGER_TOTAL_MS).unref();
  const idle = setTimeout(finish, LINGER_IDLE_MS).unref();
  request.on('data', () => idle.refresh());
  request.once('end', finish);
  request.once('close', finish);
  request.resume();
}

/** node:http itself reads the rest of such a body, and the connection lives on. */
function isShort({ headers }: IncomingMessage): boolean {
  // Whoever was not told to continue sends no body at all: what comes next would be taken for it.
  if (headers.expect !== undefined) return false;
  if (headers['transfer-encoding'] !== undefined) return false;
  return Number(headers['content-length'] ?? 0) <= WORTH_READING_BYTES;
}
