import { isDriveError } from '../../drive/errors.ts';
import { DavError } from '../errors.ts';
import type { MethodHandler } from '../method.ts';
import { explainMissing, locateTarget } from '../places.ts';
import { hasBody } from '../put-request.ts';
import type { WriteDeps } from '../write-deps.ts';

/** MKCOL (RFC 4918 §9.3). Programs send it before each upload and take 405 for "is there already". */
export function createMkcol({ tree, writer, check }: WriteDeps): MethodHandler {
  return async (exchange) => {
    const { request, response, path, signal } = exchange;
    if (hasBody(request)) throw new DavError(415, 'MKCOL with a body is not understood.');
    if (path === '/') throw alreadyThere();
    const release = await writer.claim([await locateTarget(tree, path, signal)], signal);
    try {
      const slot = await locateTarget(tree, path, signal);
      if (slot.node) throw alreadyThere();
      await check(exchange, [{ path, effect: 'create' }]);
      await writer.createFolder(slot);
      response.writeHead(201, { 'Content-Length': 0 }).end();
    } catch (error) {
      throw isDriveError(error, 'already-exists')
        ? alreadyThere()
        : await explainMissing(tree, { path }, error, signal);
    } finally {
      release();
    }
  };
}

function alreadyThere(): DavError {
  return new DavError(405, 'Something of this name is there already.');
}
