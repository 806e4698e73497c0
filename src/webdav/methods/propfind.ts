import type { IncomingMessage } from 'node:http';
import { isDriveError } from '../../drive/errors.ts';
import { classifyClient } from '../../transfer/clients.ts';
import type { TreeNode } from '../../tree/node.ts';
import { DavError } from '../errors.ts';
import { createLiveProperties, isQuotaProperty, type Known, NOTHING_KNOWN } from '../live-properties.ts';
import type { LockSystem } from '../locks.ts';
import type { Exchange, MethodHandler } from '../method.ts';
import {
  createChildRenderer,
  formatResourceHref,
  formatResponse,
  MULTISTATUS_END,
  MULTISTATUS_START,
  MULTISTATUS_TYPE,
  sendMultistatus,
} from '../multistatus.ts';
import { writePagedBody } from '../paged-body.ts';
import type { Tree } from '../ports.ts';
import { compilePlan } from '../property-plan.ts';
import { type PropertyStore, recordIdOf } from '../property-store.ts';
import { type PropfindRequest, parsePropfind } from '../propfind-request.ts';
import { readXmlBody } from '../request-body.ts';
import { getResource, toReadOptions } from '../resource.ts';

export interface PropfindDeps {
  readonly tree: Tree;
  /** Undefined where nothing can be locked. */
  readonly locks: Pick<LockSystem, 'covering' | 'ofChildren'> | undefined;
  readonly properties: Pick<PropertyStore, 'of' | 'ofFolder'>;
  readonly now: () => number;
}

/** PROPFIND (RFC 4918 §9.1) of one resource or of a folder with its children. */
export function createPropfind(deps: PropfindDeps): MethodHandler {
  return async (exchange) => {
    const depth = parseDepth(exchange.request);
    const asked = parsePropfind(await readXmlBody(exchange.request));
    const node = await getResource(deps.tree, exchange);
    try {
      await answer(deps, exchange, node, depth, asked);
    } catch (error) {
      // The folder was replaced or removed since its parent was listed.
      if (!isDriveError(error, 'not-found') || exchange.response.headersSent) throw error;
      await answer(deps, exchange, await getResource(deps.tree, exchange, { fresh: true }), depth, asked);
    }
  };
}

async function answer(
  deps: PropfindDeps,
  { request, response, path, askedPath, signal }: Exchange,
  node: TreeNode,
  depth: '0' | '1',
  asked: PropfindRequest,
): Promise<void> {
  const { tree, locks, properties, now } = deps;
  const isFolder = node.entry.kind === 'folder';
  const quota = isFolder && asksForQuota(asked) ? await tree.getQuota(signal) : undefined;
  const client = classifyClient(request.headers['user-agent']).name;
  const plan = compilePlan(asked, createLiveProperties({ quota, at: now(), client, isLockable: locks !== undefined }));
  const href = formatResourceHref(askedPath, node);
  const known = { record: await properties.of(node.entry), locks: (await locks?.covering(path)) ?? [] };
  const own = formatResponse(href, plan(node, known));
  if (depth === '0' || !isFolder) {
    sendMultistatus(response, own);
    return;
  }
  const findKnown = await createFinder(deps, node, path);
  response.statusCode = 207;
  response.setHeader('Content-Type', MULTISTATUS_TYPE);
  await writePagedBody(
    response,
    {
      head: MULTISTATUS_START + own,
      pages: tree.list(node, toReadOptions(request), signal),
      render: createChildRenderer(href, plan, findKnown),
      tail: MULTISTATUS_END,
    },
    signal,
  );
}

/** What is kept about a folder's children costs two looks in all. */
async function createFinder(
  { locks, properties }: PropfindDeps,
  folder: TreeNode,
  path: string,
): Promise<(child: TreeNode) => Known> {
  const records = await properties.ofFolder(folder.entry);
  const findLocks = await locks?.ofChildren(path);
  return ({ name, entry }) => {
    const record = records.get(recordIdOf(entry));
    const covering = findLocks?.(name) ?? [];
    return record === undefined && covering.length === 0 ? NOTHING_KNOWN : { record, locks: covering };
  };
}

/** An absent Depth means infinity (RFC 4918 §9.1), and one request must not crawl a whole drive. */
function parseDepth({ headers }: IncomingMessage): '0' | '1' {
  const depth = headers.depth ?? 'infinity';
  if (depth === '0' || depth === '1') return depth;
  if (typeof depth === 'string' && depth.toLowerCase() === 'infinity') {
    throw new DavError(403, 'A PROPFIND needs Depth 0 or 1 here.', { condition: 'propfind-finite-depth' });
  }
  throw new DavError(400, 'The Depth header must be 0, 1 or infinity.');
}

function asksForQuota(asked: PropfindRequest): boolean {
  if (asked.kind === 'propname') return true;
  return (asked.kind === 'prop' ? asked.names : asked.include).some(isQuotaProperty);
}
