/** A path is absolute, decoded and `/`-separated, without a trailing slash; the root is `/`. */

/**
 * Decodes the path of a request target or of a Destination.
 * @returns undefined when it is malformed: no leading slash, broken percent-encoding, invalid UTF-8, NUL, or a `.` or `..` segment.
 */
export function parseHref(href: string): string | undefined {
  if (!href.startsWith('/')) return undefined;
  const segments: string[] = [];
  for (const encoded of href.split('/')) {
    if (encoded === '') continue;
    let segment: string;
    try {
      segment = decodeURIComponent(encoded);
    } catch {
      return undefined;
    }
    if (segment === '.' || segment === '..' || segment.includes('/') || segment.includes('\0')) return undefined;
    segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

/** Reads a path as people write it, decoded and with or without its slashes at the ends; undefined when it is malformed. */
export function parsePath(text: string): string | undefined {
  return parseHref(formatHref(text.startsWith('/') ? text : `/${text}`));
}

/** Encodes a path for an href or a Location: everything but RFC 3986 unreserved characters is percent-encoded. */
export function formatHref(path: string): string {
  return path.split('/').map(encodeSegment).join('/');
}

/** `encodeURIComponent` leaves `!'()*`; a lone surrogate, which it refuses, becomes U+FFFD. */
export function encodeSegment(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function splitPath(path: string): string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}
