import type { IncomingMessage } from 'node:http';
import { classifyClient } from '../transfer/clients.ts';
import type { ReadOptions, TreeNode } from '../tree/node.ts';
import { DavError } from './errors.ts';
import type { Exchange } from './method.ts';
import type { Tree } from './ports.ts';

/**
 * Finds what the request's URL names.
 * @throws DavError 404 for a file under a URL that ends in a slash, which only a collection has; DriveError as the tree does.
 */
export async function getResource(
  tree: Tree,
  exchange: Exchange,
  options: ReadOptions = toReadOptions(exchange.request),
): Promise<TreeNode> {
  const node = tree.getAtOnce(exchange.path, options) ?? (await tree.get(exchange.path, options, exchange.signal));
  if (exchange.hasTrailingSlash && node.entry.kind === 'file') throw new DavError(404, 'There is no such folder.');
  return node;
}

const LOOKING = new Set<string | undefined>(['GET', 'HEAD', 'PROPFIND']);

/** Only these look without deciding anything: what a write is based on is never from a while ago. */
export function isLooking(method: string | undefined): boolean {
  return LOOKING.has(method);
}

/** Copies and deletes by what a listing says, so it would rather wait. */
const SYNCING = 'rclone';

/** A client that reloads wants the service's word, not ours (RFC 9111 §5.2.1.4, §5.4). */
export function toReadOptions({ method, headers }: IncomingMessage): ReadOptions {
  const wanted = headers['cache-control'] ?? headers.pragma ?? '';
  const fresh = /(?:^|[\s,])no-cache(?:$|[\s,;=])/i.test(wanted);
  const mayBeStale = !fresh && isLooking(method) && classifyClient(headers['user-agent']).name !== SYNCING;
  return { fresh, mayBeStale };
}
