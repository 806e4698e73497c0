import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DownloadLink } from '../drive/drive.ts';
import { type DeliveryRequest, formatRedirectCacheControl } from '../transfer/delivery.ts';

/** What of a request bears on whether it is redirected, but for the file that it asks for. */
export function toDeliveryRequest({ headers, socket }: IncomingMessage): Omit<DeliveryRequest, 'isSmallRead'> {
  return {
    hasOrigin: headers.origin !== undefined,
    hasReferer: Boolean(headers.referer),
    hasRange: headers.range !== undefined,
    credentials: toCredentials(headers.authorization),
    isSecure: 'encrypted' in socket || isForwardedSecure(headers['x-forwarded-proto']),
  };
}

function toCredentials(authorization: string | undefined): DeliveryRequest['credentials'] {
  if (authorization === undefined) return 'none';
  const scheme = authorization.toLowerCase().split(' ', 1)[0];
  return scheme === 'basic' || scheme === 'digest' ? scheme : 'none';
}

/** The front has removed the header unless a trusted proxy sent it; the first value is the client's own hop. */
function isForwardedSecure(protocols: string | readonly string[] | undefined): boolean {
  if (protocols === undefined) return false;
  return String(protocols).split(',', 1)[0]?.trim().toLowerCase() === 'https';
}

/** Programs name themselves in less; what is remembered of a client must not grow with what it sends. */
const MAX_NAME_LENGTH = 200;

/** Tells clients apart: behind a trusted proxy, which alone may say for whom it asks, by its word. */
export function nameClient({ headers, socket }: IncomingMessage): string {
  const parts = [socket.remoteAddress, headers['x-forwarded-for'], headers['user-agent']];
  return parts.map((part) => String(part ?? '').slice(0, MAX_NAME_LENGTH)).join(' ');
}

/** Redirects to a signed link: 302, for libavformat and browsers keep a 301, and this link dies. */
export function sendRedirect(response: ServerResponse, link: DownloadLink, lifeLeftMs: number): void {
  response.writeHead(302, {
    Location: toHeaderValue(link.url),
    'Content-Length': 0,
    'Cache-Control': formatRedirectCacheControl(lifeLeftMs),
    'Referrer-Policy': 'no-referrer',
  });
  response.end();
}

/** Left as signed wherever a header can carry it. */
function toHeaderValue(url: string): string {
  return /^[\x21-\x7e]+$/.test(url) ? url : new URL(url).href;
}
