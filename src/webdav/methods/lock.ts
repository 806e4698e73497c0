import type { ServerResponse } from 'node:http';
import { isDriveError } from '../../drive/errors.ts';
import type { TreeNode } from '../../tree/node.ts';
import { DavError } from '../errors.ts';
import { parseLockDepth, parseLockInfo, parseTimeout } from '../lock-request.ts';
import { formatLockDiscovery } from '../lock-xml.ts';
import { type Lock, LockConflictBelowError, type LockRequest } from '../locks.ts';
import type { Exchange, MethodHandler } from '../method.ts';
import { formatResourceHref, MULTISTATUS_TYPE, sendMultistatus } from '../multistatus.ts';
import { locateTarget } from '../places.ts';
import { readXmlBody } from '../request-body.ts';
import type { WriteDeps } from '../write-deps.ts';

export interface LockDeps extends Pick<WriteDeps, 'tree' | 'writer' | 'locks' | 'check'> {
  readonly now: () => number;
}

/** LOCK (RFC 4918 §9.10): takes a lock, on a free name too, or prolongs one. The body's type is anyone's guess and ignored. */
export function createLock(deps: LockDeps): MethodHandler {
  return async (exchange) => {
    const body = await readXmlBody(exchange.request);
    if (body.trim() === '') await refresh(deps, exchange);
    else await take(deps, exchange, body);
  };
}

async function refresh({ locks, check, now }: LockDeps, exchange: Exchange): Promise<void> {
  const { request, response, path } = exchange;
  if (request.headers.if === undefined) {
    throw new DavError(400, 'A LOCK without a body prolongs the lock that its If header names, and there is none.');
  }
  const { holds } = await check(exchange, []);
  const held = (await locks.covering(path)).find(holds);
  const lock = held && (await locks.refresh(held.token, parseTimeout(request)));
  if (!lock) {
    throw new DavError(412, 'The If header names no lock that covers this.', {
      condition: 'lock-token-matches-request-uri',
    });
  }
  sendLock(response, 200, lock, now());
}

async function take(deps: LockDeps, exchange: Exchange, body: string): Promise<void> {
  const { request, response, path, askedPath } = exchange;
  const depth = parseLockDepth(request);
  const info = parseLockInfo(body);
  const timeoutS = parseTimeout(request);
  const toRequest = (href: string): LockRequest => ({ ...info, path, href, depth, timeoutS });
  try {
    const { lock, status } = await grant(deps, exchange, toRequest);
    response.setHeader('Lock-Token', `<${lock.token}>`);
    sendLock(response, status, lock, deps.now());
  } catch (error) {
    if (!(error instanceof LockConflictBelowError)) throw error;
    sendConflictBelow(response, formatResourceHref(askedPath, await deps.tree.get(path, {}, exchange.signal)), error);
  }
}

interface Granted {
  readonly lock: Lock;
  readonly status: 200 | 201;
}

async function grant(deps: LockDeps, exchange: Exchange, toRequest: (href: string) => LockRequest): Promise<Granted> {
  const { tree, locks, check } = deps;
  const { path, askedPath, hasTrailingSlash, signal } = exchange;
  const node = await findNode(tree, path, signal);
  if (!node) return grantFree(deps, exchange, toRequest);
  if (hasTrailingSlash && node.entry.kind === 'file') throw new DavError(404, 'There is no such folder.');
  await check(exchange, []);
  return { lock: await locks.grant(toRequest(formatResourceHref(askedPath, node))), status: 200 };
}

/** A name that is locked is an empty file from then on (RFC 4918 §7.3). */
async function grantFree(
  { tree, writer, locks, check }: LockDeps,
  exchange: Exchange,
  toRequest: (href: string) => LockRequest,
): Promise<Granted> {
  const { path, askedPath, hasTrailingSlash, signal } = exchange;
  const release = await writer.claim([await locateTarget(tree, path, signal)], signal);
  try {
    const slot = await locateTarget(tree, path, signal);
    if (!slot.node && hasTrailingSlash) throw new DavError(409, 'There is no such folder, and LOCK makes none.');
    await check(exchange, slot.node ? [] : [{ path, effect: 'create' }]);
    const href = formatResourceHref(askedPath, slot.node);
    // The lock comes first: what is held back waits for as long as it is locked.
    const lock = await locks.grant(toRequest(href));
    if (slot.node) return { lock, status: 200 };
    try {
      await writer.hold(slot);
    } catch (error) {
      await locks.release(lock.token);
      throw error;
    }
    return { lock, status: 201 };
  } finally {
    release();
  }
}

async function findNode(tree: LockDeps['tree'], path: string, signal: AbortSignal): Promise<TreeNode | undefined> {
  try {
    return await tree.get(path, {}, signal);
  } catch (error) {
    if (isDriveError(error, 'not-found', 'not-a-folder')) return undefined;
    throw error;
  }
}

function sendLock(response: ServerResponse, status: number, lock: Lock, at: number): void {
  const xml = `<?xml version="1.0" encoding="utf-8"?>\n<D:prop xmlns:D="DAV:">${formatLockDiscovery([lock], at)}</D:prop>\n`;
  response.writeHead(status, { 'Content-Type': MULTISTATUS_TYPE, 'Content-Length': Buffer.byteLength(xml) }).end(xml);
}

/** RFC 4918 §9.10.6: what is in the way, and the folder that is not locked because of it. */
function sendConflictBelow(response: ServerResponse, href: string, { hrefs }: LockConflictBelowError): void {
  const locked = '<D:status>HTTP/1.1 423 Locked</D:status><D:error><D:no-conflicting-lock/></D:error>';
  const responses = [
    ...hrefs.map((member) => `<D:response><D:href>${member}</D:href>${locked}</D:response>\n`),
    `<D:response><D:href>${href}</D:href><D:status>HTTP/1.1 424 Failed Dependency</D:status></D:response>\n`,
  ];
  sendMultistatus(response, responses.join(''));
}
