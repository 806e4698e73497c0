import { once } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ByteRange } from '../../drive/drive.ts';
import type { Entry } from '../../drive/entry.ts';
import { DriveError, isDriveError } from '../../drive/errors.ts';
import { isLivePhoto } from '../../drive/live-photo.ts';
import { classifyClient } from '../../transfer/clients.ts';
import type { OpenReadStream } from '../../transfer/read-stream.ts';
import type { TreeNode } from '../../tree/node.ts';
import type { CollectionHandler } from '../collection-page.ts';
import { evaluateConditions, isConditional, isRangeCurrent, parseRange, type Validators } from '../conditions.ts';
import { DavError } from '../errors.ts';
import { findContentLength, formatETag } from '../etag.ts';
import { formatFileHeaders, formatValidatorHeaders } from '../file-headers.ts';
import { createFindRedirect, type FindRedirectDeps } from '../find-redirect.ts';
import type { Exchange, MethodHandler } from '../method.ts';
import type { Tree } from '../ports.ts';
import { modifiedAtOf } from '../properties.ts';
import type { PropertyStore } from '../property-store.ts';
import { sendRedirect } from '../redirect.ts';
import { getResource } from '../resource.ts';

export interface GetHeadDeps extends FindRedirectDeps {
  readonly tree: Tree;
  /** Completes a live photo that was listed without its streams; any other entry comes back as it is. */
  readonly livePhotos: { resolve(entry: Entry, signal?: AbortSignal): Promise<Entry> };
  readonly openReadStream: OpenReadStream;
  /** For who asked for a range: such a client can come back for what fails behind the first bytes. */
  readonly openRangeStream: OpenReadStream;
  /** A client will soon read the file at the storage host by itself. */
  readonly onRedirect: (entry: Entry) => void;
  readonly collection: CollectionHandler;
  readonly properties: Pick<PropertyStore, 'of'>;
}

/** A file as this request gets it. */
interface Selected {
  readonly entry: Entry;
  /** To look for a remembered time costs as much as a redirect's own work, which needs none. */
  findValidators(): Promise<Validators>;
  /** Of the answer that carries the content. */
  formatHeaders(): Promise<OutgoingHttpHeaders>;
}

/**
 * GET and HEAD. Preconditions are settled before a file is delivered: a client that is redirected would have the storage
 * host compare our validators with its own. HEAD is never redirected, for links are signed for GET alone.
 */
export function createGetHead(deps: GetHeadDeps): MethodHandler {
  const deliver = createDelivery(deps);
  return async (exchange) => {
    const node = await getResource(deps.tree, exchange);
    try {
      await deliver(exchange, node);
    } catch (error) {
      // The file was changed, replaced or removed since its folder was listed.
      if (!isDriveError(error, 'content-mismatch', 'not-found') || exchange.response.headersSent) throw error;
      await deliver(exchange, await getResource(deps.tree, exchange, { fresh: true }));
    }
  };
}

function createDelivery(deps: GetHeadDeps): (exchange: Exchange, node: TreeNode) => Promise<void> {
  const findRedirect = createFindRedirect(deps);
  return async (exchange, node) => {
    const { request, response, record } = exchange;
    const client = classifyClient(request.headers['user-agent']);
    record.clientClass = client.name;
    if (node.entry.kind === 'folder') return deps.collection(exchange, node);
    if (node.entry.blockedReason !== undefined) throw new DriveError('blocked', node.entry.blockedReason);

    const findValidators = async () => ({
      etag: formatETag(node.entry),
      lastModifiedAt: modifiedAtOf(node.entry, await deps.properties.of(node.entry)),
    });
    if (isConditional(request.headers)) {
      const validators = await findValidators();
      const outcome = evaluateConditions(request.method ?? 'GET', request.headers, validators);
      if (outcome === 'precondition-failed') throw new DavError(412, 'The file is not in the state asked for.');
      if (outcome === 'not-modified') {
        response.writeHead(304, formatValidatorHeaders(validators)).end();
        return;
      }
    }

    const entry = isLivePhoto(node.entry) ? await deps.livePhotos.resolve(node.entry, exchange.signal) : node.entry;
    const formatHeaders = async () =>
      formatFileHeaders(node, await findValidators(), isLivePhoto(entry) ? 'none' : 'bytes');
    const sizeBytes = findContentLength(entry);
    if (request.method === 'HEAD' || sizeBytes === 0) {
      response
        .writeHead(200, { ...(await formatHeaders()), ...(sizeBytes !== undefined && { 'Content-Length': sizeBytes }) })
        .end();
      return;
    }
    if (sizeBytes === undefined) throw new DriveError('unavailable', 'The parts of this live photo are not known.');
    const selected: Selected = { entry, findValidators, formatHeaders };
    const range = await selectRange(exchange, selected);
    const link = await findRedirect(exchange, { entry, client, range });
    record.delivery = link ? 'redirect' : 'stream';
    if (link) {
      deps.onRedirect(entry);
      sendRedirect(response, link, link.expiresAt - deps.now());
    } else await sendStream(range ? deps.openRangeStream : deps.openReadStream, exchange, selected, range);
  };
}

/** The bytes to send; undefined for all of them. */
async function selectRange(
  { request: { headers } }: Exchange,
  { entry, findValidators }: Selected,
): Promise<ByteRange | undefined> {
  // A live photo's zip is made while it is sent and comes whole.
  if (isLivePhoto(entry) || headers.range === undefined) return undefined;
  const ifRange = headers['if-range']?.toString();
  if (ifRange !== undefined && !isRangeCurrent(ifRange, await findValidators())) return undefined;
  const asked = parseRange(headers.range, entry.sizeBytes);
  if (asked.kind === 'unsatisfiable') {
    const contentRange = { 'Content-Range': `bytes */${entry.sizeBytes}` };
    throw new DavError(416, 'The file ends before this range.', { headers: contentRange });
  }
  return asked.kind === 'part' ? asked.range : undefined;
}

async function sendStream(
  openReadStream: OpenReadStream,
  { response, signal }: Exchange,
  { entry, formatHeaders }: Selected,
  part: ByteRange | undefined,
): Promise<void> {
  const { sizeBytes } = entry;
  const { first, last } = part ?? { first: 0, last: sizeBytes - 1 };
  const headers = await formatHeaders();
  const stream = await openReadStream(entry, { first, last }, signal);
  // Until the first byte is here, what goes wrong can still become a status; a broken connection tells a client nothing.
  await once(stream, 'readable', { signal });
  response.writeHead(part ? 206 : 200, {
    ...headers,
    'Content-Length': last - first + 1,
    ...(part && { 'Content-Range': `bytes ${first}-${last}/${sizeBytes}` }),
  });
  try {
    await pipeline(stream, response);
  } catch (error) {
    if (!signal.aborted && !isClientGone(error)) throw error;
    throw new DriveError('aborted', 'The client left.', { cause: error });
  }
}

function isClientGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
