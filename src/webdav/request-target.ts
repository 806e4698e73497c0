import { parseHref } from '../drive/path.ts';
import { DavError } from './errors.ts';

export interface RequestTarget {
  /** Absolute, decoded, without a trailing slash. */
  readonly path: string;
  readonly hasTrailingSlash: boolean;
}

/**
 * Reads a request line's target (RFC 9112 §3.2) in origin form, in absolute form as proxies send it, or `*` as OPTIONS
 * may have it. @throws DavError 400
 */
export function parseRequestTarget(target: string, method: string): RequestTarget {
  if (target === '*' && method === 'OPTIONS') return { path: '/', hasTrailingSlash: true };
  // A client that sends a fragment forgot to encode a name, and would else reach, or delete, its parent.
  if (target.includes('#')) throw new DavError(400, 'A "#" in a URL must be written as %23.');
  const href = target.replace(/^https?:\/\/[^/?]*/i, '').replace(/\?.*$/s, '') || '/';
  const path = parseHref(href);
  if (path === undefined) throw new DavError(400, 'The URL is malformed.');
  return { path, hasTrailingSlash: href.endsWith('/') };
}
