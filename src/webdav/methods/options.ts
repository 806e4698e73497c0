import type { MethodHandler } from '../method.ts';

/** What a server says of all its resources alike. */
interface Claims {
  /** Compliance classes (RFC 4918 §18). */
  readonly classes: string;
  /** Methods, in the order of RFC 9110 and RFC 4918. */
  readonly allow: string;
}

/** Finder mounts read-only what does not claim class 2, and nothing at all what does not claim class 1. */
export const FULL_ACCESS: Claims = {
  classes: '1, 2',
  allow: 'OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, MKCOL, COPY, MOVE, LOCK, UNLOCK',
};

export const READ_ACCESS: Claims = { classes: '1', allow: 'OPTIONS, GET, HEAD, PROPFIND' };

/**
 * OPTIONS (RFC 4918 §10.1): the same for every path and without looking it up, so that a mount survives an account
 * that does not answer. Explorer asks at the host's root, whatever the path of its mount.
 */
export function createOptions({ classes, allow }: Claims): MethodHandler {
  return async ({ response }) => {
    response.writeHead(200, {
      DAV: classes,
      'MS-Author-Via': 'DAV',
      Allow: allow,
      'Accept-Ranges': 'bytes',
      'Content-Length': 0,
    });
    response.end();
  };
}
