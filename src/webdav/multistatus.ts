import type { ServerResponse } from 'node:http';
import { encodeSegment, formatHref } from '../drive/path.ts';
import type { TreeNode } from '../tree/node.ts';
import { type Known, OWNCLOUD_NAMESPACE } from './live-properties.ts';
import type { PropertyPlan } from './property-plan.ts';

export const MULTISTATUS_TYPE = 'application/xml; charset=utf-8';

/** Elements carry a prefix: Explorer of Windows 7 overlooks those of a default namespace. */
export const MULTISTATUS_START = `<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:" xmlns:oc="${OWNCLOUD_NAMESPACE}">\n`;
export const MULTISTATUS_END = '</D:multistatus>\n';

const PLAIN_SEGMENT = /^[\w.~-]+$/;

/** The href of a resource by its path; a collection's ends in a slash (RFC 4918 §5.2). */
export function formatResourceHref(path: string, node: TreeNode | undefined): string {
  const href = formatHref(path);
  return node?.entry.kind === 'folder' && !href.endsWith('/') ? `${href}/` : href;
}

/** Renders the responses of a folder's children; `folderHref` ends in a slash. */
export function createChildRenderer(
  folderHref: string,
  plan: PropertyPlan,
  findKnown: (child: TreeNode) => Known,
): (child: TreeNode) => string {
  const start = `<D:response><D:href>${folderHref}`;
  return (child) => {
    const segment = PLAIN_SEGMENT.test(child.name) ? child.name : encodeSegment(child.name);
    const slash = child.entry.kind === 'folder' ? '/' : '';
    return `${start}${segment}${slash}</D:href>${plan(child, findKnown(child))}</D:response>\n`;
  };
}

export function formatResponse(href: string, propstats: string): string {
  return `<D:response><D:href>${href}</D:href>${propstats}</D:response>\n`;
}

export function sendMultistatus(response: ServerResponse, responses: string): void {
  const xml = MULTISTATUS_START + responses + MULTISTATUS_END;
  response.writeHead(207, { 'Content-Type': MULTISTATUS_TYPE, 'Content-Length': Buffer.byteLength(xml) });
  response.end(xml);
}
