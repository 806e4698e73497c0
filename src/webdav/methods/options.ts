import type { MethodHandler } from '../method.ts';

/** What every resource answers to, in the order of RFC 9110 and RFC 4918. */
export const ALLOWED_METHODS = 'OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, MKCOL, COPY, MOVE, LOCK, UNLOCK';

/**
 * OPTIONS (RFC 4918 §10.1): the same for every path and without looking it up, so that a mount survives an account
 * that does not answer. Explorer asks at the host's root, whatever the path of its mount.
 */
export const answerOptions: MethodHandler = async ({ response }) => {
  response.writeHead(200, {
    // Finder mounts read-only what does not claim class 2, and nothing at all what does not claim class 1.
    DAV: '1, 2',
    'MS-Author-Via': 'DAV',
    Allow: ALLOWED_METHODS,
    'Accept-Ranges': 'bytes',
    'Content-Length': 0,
  });
  response.end();
};
