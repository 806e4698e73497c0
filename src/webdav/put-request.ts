import type { IncomingMessage } from 'node:http';
import { isFormattable } from './date-formats.ts';
import { DavError } from './errors.ts';
import type { Exchange } from './method.ts';
import type { IncomingBody } from './ports.ts';

const SHA1_CHECKSUM = /(?:^|[\s,])SHA1:\s*([^\s,]*)/i;

/**
 * What a PUT says of its body before a byte of it is read.
 * @throws DavError 400 for a part of a file (RFC 9110 §14.5: it must not be taken for the whole) and for senseless lengths and
 * checksums, 405 for the URL of a collection, 415 for a compressed body, which would be stored as if it were the file
 */
export function readPutRequest({ request, hasTrailingSlash }: Exchange): IncomingBody {
  const { headers } = request;
  if (headers['content-range'] !== undefined) throw new DavError(400, 'A PUT of a part of a file is not understood.');
  if (hasTrailingSlash) throw new DavError(405, 'A URL that ends in a slash is that of a folder; MKCOL makes one.');
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding.toLowerCase() !== 'identity') throw new DavError(415, 'A compressed body is not taken: send it as it is.');
  return { stream: request, sizeBytes: readLength(request), contentHash: readSha1(request) };
}

/** Finder sends large files chunked and tells their length apart. */
function readLength({ headers }: IncomingMessage): number | undefined {
  if (headers['transfer-encoding'] === undefined) return Number(headers['content-length'] ?? 0);
  const expected = headers['x-expected-entity-length'];
  if (expected === undefined) return undefined;
  const length = /^\d+$/.test(String(expected).trim()) ? Number(expected) : Number.NaN;
  if (!Number.isSafeInteger(length)) throw new DavError(400, 'X-Expected-Entity-Length must be a number of bytes.');
  return length;
}

/** ownCloud's header, as rclone sends it; checksums of other kinds are as if they were not there. */
function readSha1({ headers }: IncomingMessage): string | undefined {
  const [, digest] = SHA1_CHECKSUM.exec(headers['oc-checksum']?.toString() ?? '') ?? [];
  if (digest === undefined) return undefined;
  if (!/^[\da-f]{40}$/i.test(digest))
    throw new DavError(400, 'The SHA1 of the OC-Checksum header has no 40 hex digits.');
  return digest.toUpperCase();
}

/** ownCloud's `X-OC-Mtime`: when the file was last modified, in seconds. @returns epoch ms; undefined for what no date can tell */
export function readModificationTime({ headers }: IncomingMessage): number | undefined {
  const text = headers['x-oc-mtime']?.toString().trim() ?? '';
  const at = /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * 1000) : Number.NaN;
  return isFormattable(at) ? at : undefined;
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
