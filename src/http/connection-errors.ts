import { type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '../log.ts';
import type { Connections } from './connections.ts';
import { refuse } from './refusal.ts';

/** How long a client whose request could not be read may go on sending: closing at once resets, and a reset can overtake the answer. */
const LINGER_MS = 1_000;

const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers what never becomes a request: unreadable, oversized or endless headers, CONNECT, and a failed TLS handshake. */
export function answerConnectionErrors(server: Server, connections: Connections, log: Logger): void {
  const answered = new WeakSet<Duplex>();

  function answer(socket: Duplex, status: number): void {
    answered.add(socket);
    const body = `${STATUS_CODES[status]}\n`;
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'X-Content-Type-Options: nosniff',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }

  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // The rest of what was refused still arrives, and is refused again.
    if (answered.has(socket)) return;
    const { code = '' } = error;
    const isGone = code === 'ECONNRESET' || code === 'HPE_INVALID_EOF_STATE' || !socket.writable;
    // Nothing was ever asked on it: a connection that a browser opened ahead of need.
    const isSilent = code === 'ERR_HTTP_REQUEST_TIMEOUT' && 'bytesRead' in socket && socket.bytesRead === 0;
    const [current] = connections.answersOn(socket);
    const isInBody = current !== undefined && !current.req.complete && !current.headersSent;
    if (isGone || isSilent || (current && !isInBody)) {
      socket.destroy();
      return;
    }
    const status = STATUS_OF_CODE[code] ?? 400;
    log.info({ status, error: code }, 'unreadable request');
    if (current) refuse(current, { status, message: `${STATUS_CODES[status]}`, headers: { Connection: 'close' } });
    else answer(socket, status);
  });
  server.on('connect', (_request, socket) => {
    log.info({ status: 405, method: 'CONNECT' }, 'this is no proxy');
    answer(socket, 405);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException) =>
    log.debug({ error: error.code }, 'TLS handshake failed'),
  );
}
