import type { IncomingMessage } from 'node:http';
import { parseHref } from '../drive/path.ts';
import { DavError } from './errors.ts';

/** `http://user:password@host:port`, up to the path; KIO sends credentials here. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/**
 * Reads the Destination of a COPY or MOVE (RFC 4918 §10.3), an absolute URI or an absolute path. The path alone counts: behind
 * a reverse proxy scheme and host are those of the outside. @throws DavError 400
 */
export function parseDestination({ headers }: IncomingMessage): string {
  const header = headers.destination?.toString().trim();
  if (!header) throw new DavError(400, 'COPY and MOVE need a Destination header.');
  const href = header.replace(ORIGIN, '') || '/';
  const path = /[?#]/.test(href) ? undefined : parseHref(href);
  if (path === undefined) throw new DavError(400, 'The Destination header is no URL of this server.');
  return path;
}

/** RFC 4918 §10.6: absent means T. @throws DavError 400 */
export function parseOverwrite({ headers }: IncomingMessage): boolean {
  const value = headers.overwrite?.toString().trim().toUpperCase() ?? 'T';
  if (value !== 'T' && value !== 'F') throw new DavError(400, 'The Overwrite header must be T or F.');
  return value === 'T';
}
