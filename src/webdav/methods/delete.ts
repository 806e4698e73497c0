import type { IncomingMessage } from 'node:http';
import type { Entry } from '../../drive/entry.ts';
import { DavError } from '../errors.ts';
import { sendLockedMembers } from '../locked-members.ts';
import type { Exchange, MethodHandler } from '../method.ts';
import { locateExisting } from '../places.ts';
import { LockedMembersError } from '../preconditions.ts';
import { checkConditions } from '../write-conditions.ts';
import type { WriteDeps } from '../write-deps.ts';

/** DELETE (RFC 4918 §9.6): a folder with all that is below it, or nothing of it. */
export function createDelete(deps: WriteDeps): MethodHandler {
  const { tree, writer, check, locks } = deps;

  async function remove(exchange: Exchange): Promise<void> {
    const { request, path, signal } = exchange;
    const release = await writer.claim([await locateExisting(tree, exchange)], signal);
    try {
      const slot = await locateExisting(tree, exchange);
      const { entry } = slot.node;
      requireWhole(request, entry);
      await check(exchange, [{ path, effect: 'remove' }]);
      await checkConditions(deps, exchange, entry);
      await writer.remove(slot);
      await locks.forget(path);
    } finally {
      release();
    }
  }

  return async (exchange) => {
    const { response } = exchange;
    try {
      await remove(exchange);
      response.writeHead(204).end();
    } catch (error) {
      if (!(error instanceof LockedMembersError)) throw error;
      sendLockedMembers(response, error);
    }
  };
}

/** Whoever asks for a folder without what is in it (RFC 4918 §9.6.1) must not lose that. */
function requireWhole({ headers }: IncomingMessage, { kind }: Entry): void {
  if (kind === 'file' || headers.depth === undefined || /^\s*infinity\s*$/i.test(headers.depth.toString())) return;
  throw new DavError(400, 'A folder can be deleted with Depth infinity alone.');
}
