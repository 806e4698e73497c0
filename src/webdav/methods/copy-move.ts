import type { Entry } from '../../drive/entry.ts';
import type { Slot } from '../../tree/slot.ts';
import { parseDestination, parseOverwrite } from '../destination.ts';
import { DavError } from '../errors.ts';
import { sendLockedMembers } from '../locked-members.ts';
import type { Exchange, MethodHandler } from '../method.ts';
import { explainMissing, locateExisting, locateTarget, type TakenSlot } from '../places.ts';
import { LockedMembersError, type WriteTarget } from '../preconditions.ts';
import { checkConditions } from '../write-conditions.ts';
import type { WriteDeps } from '../write-deps.ts';
import { keepModificationTime } from './put.ts';

interface Transfer {
  readonly source: TakenSlot;
  readonly target: Slot;
  readonly depth: '0' | 'infinity';
}

/** COPY (RFC 4918 §9.8). */
export function createCopy(deps: WriteDeps): MethodHandler {
  const { writer, propertyCopies } = deps;
  return createTransfer(deps, 'copy', async ({ source, target, depth }) => {
    const entry = await writer.copy(source, target, depth);
    await propertyCopies.nearOf(entry);
    return entry;
  });
}

/** MOVE (RFC 4918 §9.9). Locks do not move along (§7.5): the destination has only those that cover it. */
export function createMove(deps: WriteDeps): MethodHandler {
  const { writer, locks } = deps;
  return createTransfer(deps, 'move', async ({ source, target }) => {
    const entry = await writer.move(source, target);
    await locks.forget(source.path);
    return entry;
  });
}

function createTransfer(
  deps: WriteDeps,
  kind: 'copy' | 'move',
  run: (transfer: Transfer, exchange: Exchange) => Promise<Entry>,
): MethodHandler {
  const { tree, writer, check, locks } = deps;

  async function transfer(exchange: Exchange): Promise<'created' | 'replaced'> {
    const { request, response, path, signal } = exchange;
    const destination = parseDestination(request);
    const mayReplace = parseOverwrite(request);
    const depth = parseDepth(exchange);
    refuseOverlap(path, destination);
    const find = async () => ({
      source: await locateExisting(tree, exchange),
      target: await locateTarget(tree, destination, signal),
    });
    const before = await find();
    const release = await writer.claim([before.source, before.target], signal);
    try {
      const { source, target } = await find();
      requireWholeMove(kind, source, depth);
      if (target.node && !mayReplace) throw new DavError(412, 'Something is at the destination already.');
      await check(exchange, toWriteTargets(kind, path, destination, target));
      await checkConditions(deps, exchange, source.node.entry);
      const entry = await run({ source, target, depth }, exchange).catch(async (error: unknown) => {
        throw await explainMissing(tree, { path: destination, source: path }, error, signal);
      });
      if (target.node) await locks.forget(destination, 'members');
      if (await keepModificationTime(deps, exchange, entry)) response.setHeader('X-OC-Mtime', 'accepted');
      return target.node ? 'replaced' : 'created';
    } finally {
      release();
    }
  }

  return async (exchange) => {
    const { response } = exchange;
    try {
      const outcome = await transfer(exchange);
      if (outcome === 'replaced') response.writeHead(204).end();
      else response.writeHead(201, { 'Content-Length': 0 }).end();
    } catch (error) {
      if (!(error instanceof LockedMembersError)) throw error;
      sendLockedMembers(response, error);
    }
  };
}

/** RFC 4918 §9.8.5, §9.9.4. What would lie in itself, or make away with the folder that it is in, cannot be. */
function refuseOverlap(source: string, destination: string): void {
  if (source === destination) throw new DavError(403, 'Source and destination are the same.');
  if (destination.startsWith(`${source}/`)) throw new DavError(403, 'A folder cannot be put into itself.');
  if (source.startsWith(`${destination}/`)) {
    throw new DavError(403, 'The destination holds the source: to replace it would be to delete it.');
  }
}

function toWriteTargets(kind: 'copy' | 'move', path: string, destination: string, target: Slot): WriteTarget[] {
  const arriving: WriteTarget = { path: destination, effect: target.node ? 'remove' : 'create' };
  return kind === 'move' ? [{ path, effect: 'remove' }, arriving] : [arriving];
}

function parseDepth({ request: { headers } }: Exchange): '0' | 'infinity' {
  const depth = headers.depth?.toString().toLowerCase() ?? 'infinity';
  if (depth === 'infinity' || depth === '0') return depth;
  throw new DavError(400, 'COPY and MOVE need Depth 0 or infinity.');
}

/** A folder is moved with all that is in it (RFC 4918 §9.9.2); copied, it may be taken alone (§9.8.3). */
function requireWholeMove(kind: 'copy' | 'move', { node }: TakenSlot, depth: '0' | 'infinity'): void {
  if (kind === 'copy' || depth === 'infinity' || node.entry.kind === 'file') return;
  throw new DavError(400, 'A folder can be moved with Depth infinity alone.');
}
