import { parseHref, splitPath } from '../drive/path.ts';
import { toShownName } from '../tree/names.ts';

/** `http://user:password@host:port`, up to the path; KIO sends credentials in a Destination. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/** What a URL of ours names. */
export interface Reference {
  /** Absolute, decoded, without a trailing slash; of the several ways to write a name, the one that listings show. */
  readonly path: string;
  /** The same as the client wrote it, for the hrefs of its answer. */
  readonly askedPath: string;
}

/**
 * Reads an absolute URI or an absolute path, without query and fragment. The path alone counts: behind a reverse proxy scheme
 * and host are those of the outside.
 * @returns undefined for what is no URL of this server, or holds bytes that should have been percent-encoded: of UTF-8 in a
 * header other characters would come out
 */
export function parseReference(reference: string): Reference | undefined {
  if (/[^ -~]/.test(reference)) return undefined;
  const origin = ORIGIN.exec(reference)?.[0] ?? '';
  const href = reference.slice(origin.length) || (origin === '' ? '' : '/');
  const askedPath = /[?#]/.test(href) ? undefined : parseHref(href);
  if (askedPath === undefined) return undefined;
  return { path: `/${splitPath(askedPath).map(toShownName).join('/')}`, askedPath };
}
