import { DavError } from '../errors.ts';
import { parseLockToken } from '../lock-request.ts';
import type { MethodHandler } from '../method.ts';
import type { WriteDeps } from '../write-deps.ts';

/** UNLOCK (RFC 4918 §9.11): of any resource that the lock covers, whether or not it is still there. */
export function createUnlock({ locks, check }: Pick<WriteDeps, 'locks' | 'check'>): MethodHandler {
  return async (exchange) => {
    const { request, response, path } = exchange;
    const token = parseLockToken(request);
    await check(exchange, []);
    if (!(await locks.covering(path)).some((lock) => lock.token === token)) {
      throw new DavError(409, 'This is not locked by that lock token.', {
        condition: 'lock-token-matches-request-uri',
      });
    }
    await locks.release(token);
    response.writeHead(204).end();
  };
}
