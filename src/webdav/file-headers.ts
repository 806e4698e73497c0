import type { OutgoingHttpHeaders } from 'node:http';
import { encodeSegment } from '../drive/path.ts';
import type { TreeNode } from '../tree/node.ts';
import type { Validators } from './conditions.ts';
import { contentTypeOf } from './content-type.ts';
import { createDateFormats } from './date-formats.ts';

/**
 * What a browser may do with a file shown as a page: an uploaded HTML or SVG must not act in the name of this server,
 * on whose origin it lies. It runs no script and sends no form; without the origin itself, the player that a browser
 * makes of a film would ask for its ranges in the name of nobody, and be refused as a stranger.
 */
const SANDBOX =
  "sandbox allow-same-origin; default-src 'none'; img-src 'self' data:; media-src 'self'; font-src data:; style-src 'unsafe-inline'";

/** The headers by which a client revalidates a file; those that a 304 repeats (RFC 9110 §15.4.5). */
export function formatValidatorHeaders({ etag, lastModifiedAt }: Validators): OutgoingHttpHeaders {
  const lastModified = createDateFormats().formatHttpDate(lastModifiedAt);
  return {
    ETag: etag,
    ...(lastModified !== undefined && { 'Last-Modified': lastModified }),
    // Asking again costs a 304 from memory; a stale copy costs the owner's trust.
    'Cache-Control': 'private, no-cache',
  };
}

/** The headers of a file's content besides its length. */
export function formatFileHeaders(
  node: TreeNode,
  validators: Validators,
  acceptRanges: 'bytes' | 'none',
): OutgoingHttpHeaders {
  return {
    'Content-Type': contentTypeOf(node),
    'Content-Disposition': `inline; filename*=UTF-8''${encodeSegment(node.name)}`,
    'Accept-Ranges': acceptRanges,
    ...formatValidatorHeaders(validators),
    'Content-Security-Policy': SANDBOX,
  };
}
