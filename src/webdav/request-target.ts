import { DavError } from './errors.ts';
import { parseReference, type Reference } from './reference.ts';

export interface RequestTarget extends Reference {
  readonly hasTrailingSlash: boolean;
}

/**
 * Reads a request line's target (RFC 9112 §3.2) in origin form, in absolute form as proxies send it, or `*` as OPTIONS
 * may have it. @throws DavError 400
 */
export function parseRequestTarget(target: string, method: string): RequestTarget {
  if (target === '*' && method === 'OPTIONS') return { path: '/', askedPath: '/', hasTrailingSlash: true };
  // A client that sends a fragment forgot to encode a name, and would else reach, or delete, its parent.
  if (target.includes('#')) throw new DavError(400, 'A "#" in a URL must be written as %23.');
  const href = target.replace(/\?.*$/s, '');
  const reference = parseReference(href);
  if (!reference) throw new DavError(400, 'The URL is malformed.');
  return { ...reference, hasTrailingSlash: href.endsWith('/') || reference.path === '/' };
}
