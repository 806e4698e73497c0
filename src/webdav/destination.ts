import type { IncomingMessage } from 'node:http';
import { DavError } from './errors.ts';
import { parseReference } from './reference.ts';

/** The path that the Destination of a COPY or MOVE names (RFC 4918 §10.3). @throws DavError 400 */
export function parseDestination({ headers }: IncomingMessage): string {
  const header = headers.destination?.toString().trim();
  if (!header) throw new DavError(400, 'COPY and MOVE need a Destination header.');
  const reference = parseReference(header);
  if (!reference) throw new DavError(400, 'The Destination header is no percent-encoded URL of this server.');
  return reference.path;
}

/** RFC 4918 §10.6: absent means T. @throws DavError 400 */
export function parseOverwrite({ headers }: IncomingMessage): boolean {
  const value = headers.overwrite?.toString().trim().toUpperCase() ?? 'T';
  if (value !== 'T' && value !== 'F') throw new DavError(400, 'The Overwrite header must be T or F.');
  return value === 'T';
}
