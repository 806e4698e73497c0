import type { IncomingMessage, ServerResponse } from 'node:http';
import { DavError } from '../errors.ts';
import { createLiveProperties, isQuotaProperty } from '../live-properties.ts';
import type { MethodHandler } from '../method.ts';
import {
  createChildRenderer,
  formatResourceHref,
  formatResponse,
  MULTISTATUS_END,
  MULTISTATUS_START,
  MULTISTATUS_TYPE,
} from '../multistatus.ts';
import { writePagedBody } from '../paged-body.ts';
import type { Tree } from '../ports.ts';
import { compilePlan } from '../property-plan.ts';
import { type PropfindRequest, parsePropfind } from '../propfind-request.ts';
import { readXmlBody } from '../request-body.ts';
import { getResource, toReadOptions } from '../resource.ts';

/** PROPFIND (RFC 4918 §9.1) of one resource or of a folder with its children. */
export function createPropfind(tree: Tree): MethodHandler {
  return async (exchange) => {
    const { request, response, path, signal } = exchange;
    const depth = parseDepth(request);
    const asked = parsePropfind(await readXmlBody(request));
    const node = await getResource(tree, exchange);
    const isFolder = node.entry.kind === 'folder';
    const quota = isFolder && asksForQuota(asked) ? await tree.getQuota(signal) : undefined;
    const plan = compilePlan(asked, createLiveProperties(quota));
    const href = formatResourceHref(path, node);
    const head = MULTISTATUS_START + formatResponse(href, plan(node));
    if (depth === '0' || !isFolder) {
      sendMultistatus(response, head + MULTISTATUS_END);
      return;
    }
    response.statusCode = 207;
    response.setHeader('Content-Type', MULTISTATUS_TYPE);
    const pages = tree.list(node, toReadOptions(request), signal);
    await writePagedBody(
      response,
      { head, pages, render: createChildRenderer(href, plan), tail: MULTISTATUS_END },
      signal,
    );
  };
}

function sendMultistatus(response: ServerResponse, xml: string): void {
  response.writeHead(207, { 'Content-Type': MULTISTATUS_TYPE, 'Content-Length': Buffer.byteLength(xml) });
  response.end(xml);
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
