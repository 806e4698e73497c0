import type { IncomingMessage } from 'node:http';
import type { Quota } from '../../drive/drive.ts';
import type { Entry } from '../../drive/entry.ts';
import { DriveError, isDriveError } from '../../drive/errors.ts';
import { localKindOf } from '../../drive/local-entry.ts';
import { type ClientClass, classifyClient } from '../../transfer/clients.ts';
import type { Slot } from '../../tree/slot.ts';
import { DavError } from '../errors.ts';
import { formatETag } from '../etag.ts';
import type { Exchange, MethodHandler } from '../method.ts';
import { explainMissing, locateTarget } from '../places.ts';
import type { IncomingBody, WriteOptions } from '../ports.ts';
import type { Submitted } from '../preconditions.ts';
import { readModificationTime, readPutRequest } from '../put-request.ts';
import { checkConditions } from '../write-conditions.ts';
import type { WriteDeps } from '../write-deps.ts';

/** They create a file empty, lock it, and only then send what is in it. */
const WRITES_EMPTY_FIRST = new Set(['finder', 'windows', 'office']);

/**
 * PUT (RFC 9110 §9.3.4, RFC 4918 §9.7). The body is asked for (`100 Continue`) by being read, and so not before everything
 * that can refuse it has had its say.
 */
export function createPut(deps: WriteDeps): MethodHandler {
  const { tree, writer } = deps;
  return async (exchange) => {
    const { request, response, record, path, signal } = exchange;
    const body = readPutRequest(exchange);
    const client = classifyClient(request.headers['user-agent']);
    record.clientClass = client.name;
    const release = await writer.claim([await locateTarget(tree, path, signal)], signal);
    try {
      // Whoever held the name meanwhile may have changed what is there.
      const slot = await locateTarget(tree, path, signal);
      const { checkLocks } = await checkPut(deps, exchange, slot, body);
      const options = { ...toOptions(exchange, client), mayAppear: checkLocks };
      const entry = await writer.write(slot, body, options, signal);
      const before = slot.node?.entry;
      const isTimeKept = await keepModificationTime(deps, exchange, entry);
      response.writeHead(before ? 204 : 201, {
        ETag: formatETag(entry),
        ...(isTimeKept && { 'X-OC-Mtime': 'accepted' }),
        'Content-Length': 0,
      });
      response.end();
    } catch (error) {
      // Somebody else was faster, which `If-None-Match: *` is to find out.
      if (isDriveError(error, 'already-exists')) throw new DavError(412, 'There is a file by now.');
      throw await explainMissing(tree, { path }, error, signal);
    } finally {
      release();
    }
  };
}

function toOptions({ request }: Exchange, client: ClientClass): WriteOptions {
  return {
    mayHold: WRITES_EMPTY_FIRST.has(client.name),
    mustBeNew: asksForNew(request),
  };
}

function asksForNew({ headers }: IncomingMessage): boolean {
  return headers['if-none-match']?.trim() === '*';
}

async function checkPut(deps: WriteDeps, exchange: Exchange, slot: Slot, body: IncomingBody): Promise<Submitted> {
  const { path, signal, request } = exchange;
  if (slot.node?.entry.kind === 'folder') throw new DavError(405, 'There is a folder of this name.');
  const submitted = await deps.check(exchange, [{ path, effect: slot.node ? 'content' : 'create' }]);
  const isAbsent = asksForNew(request) && isAbsentTo(deps, slot, submitted);
  await checkConditions(deps, exchange, isAbsent ? undefined : slot.node?.entry);
  await checkSpace(deps, body, signal);
  return submitted;
}

/**
 * davfs2 locks a name before it creates it, and then sends `If-None-Match: *` under its own lock; or, once it has looked, an
 * `If-Match` of the empty file.
 */
function isAbsentTo({ writer }: WriteDeps, { node }: Slot, submitted: Submitted): boolean {
  return node !== undefined && writer.isLockPlaceholder(node.entry) && submitted.tokens.size > 0;
}

async function checkSpace({ tree }: WriteDeps, { sizeBytes = 0 }: IncomingBody, signal: AbortSignal): Promise<void> {
  if (sizeBytes === 0) return;
  const hasRoom = (quota: Quota | undefined): boolean =>
    quota?.totalBytes === undefined || sizeBytes <= quota.totalBytes - quota.usedBytes;
  // Something may have been deleted since the last look, here or elsewhere.
  if (hasRoom(await tree.getQuota(signal)) || hasRoom(await tree.getFreshQuota(signal))) return;
  throw new DriveError('quota-exhausted', 'The drive has not enough free space for this file.');
}

/** Whether the client gave a time, which the service cannot store and we remember. */
export async function keepModificationTime(
  { properties }: WriteDeps,
  { request }: Exchange,
  entry: Entry,
): Promise<boolean> {
  const modifiedAt = readModificationTime(request);
  if (modifiedAt === undefined || entry.kind === 'folder' || localKindOf(entry) === 'junk') return false;
  await properties.rememberModifiedAt(entry, modifiedAt);
  return true;
}
