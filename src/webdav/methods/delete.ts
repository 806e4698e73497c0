import { DavError } from '../errors.ts';
import { sendLockedMembers } from '../locked-members.ts';
import type { Exchange, MethodHandler } from '../method.ts';
import { locateExisting } from '../places.ts';
import { LockedMembersError } from '../preconditions.ts';
import { checkConditions } from '../write-conditions.ts';
import type { WriteDeps } from '../write-deps.ts';

/** DELETE (RFC 4918 §9.6): a folder with all that is below it, or nothing of it. */
export function createDelete(deps: WriteDeps): MethodHandler {
  const { tree, writer, check, locks, properties } = deps;

  async function remove(exchange: Exchange): Promise<void> {
    const { path, hasTrailingSlash, signal } = exchange;
    const release = await writer.claim([await locateExisting(tree, path, signal)], signal);
    try {
      const slot = await locateExisting(tree, path, signal);
      const { entry } = slot.node;
      if (hasTrailingSlash && entry.kind === 'file') throw new DavError(404, 'There is no such folder.');
      await check(exchange, [{ path, effect: 'remove' }]);
      await checkConditions(deps, exchange, entry);
      await writer.remove(slot);
      await locks.forget(path);
      await properties.removed(entry);
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
