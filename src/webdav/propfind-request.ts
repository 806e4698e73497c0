import { DavError } from './errors.ts';
import { DAV_NAMESPACE, formatKey, type QName } from './xml.ts';
import { isDav, parseXml, type XmlElement } from './xml-parser.ts';

/** What a PROPFIND asks for (RFC 4918 §14.20). */
export type PropfindRequest =
  | { readonly kind: 'allprop'; readonly include: readonly QName[] }
  | { readonly kind: 'propname' }
  | { readonly kind: 'prop'; readonly names: readonly QName[] };

/** Every name is answered for every child, so a short request could cost a long answer. */
const MAX_NAMES = 256;

const KINDS = new Set(['allprop', 'propname', 'prop']);

/** Reads a PROPFIND's body; an empty one means allprop (RFC 4918 §9.1). @throws DavError 400, 413 */
export function parsePropfind(body: string): PropfindRequest {
  if (body === '') return { kind: 'allprop', include: [] };
  const root = parseXml(body);
  if (!isDav(root, 'propfind')) throw new DavError(400, 'The root element of a PROPFIND body must be DAV:propfind.');
  // Elements that are not known are as if they were not there (RFC 4918 §17).
  const kinds = root.children.filter((child) => child.namespace === DAV_NAMESPACE && KINDS.has(child.name));
  const [kind] = kinds;
  if (!kind || kinds.length > 1) {
    throw new DavError(400, 'DAV:propfind must hold exactly one of DAV:allprop, DAV:propname and DAV:prop.');
  }
  if (kind.name === 'propname') return { kind: 'propname' };
  if (kind.name === 'prop') return { kind: 'prop', names: toNames(kind.children) };
  const include = root.children.filter((child) => isDav(child, 'include'));
  return { kind: 'allprop', include: toNames(include.flatMap((element) => element.children)) };
}

/** Each name once, in the order of the request. */
function toNames(elements: readonly XmlElement[]): QName[] {
  const names = new Map<string, QName>();
  for (const { namespace, name } of elements) names.set(formatKey({ namespace, name }), { namespace, name });
  if (names.size > MAX_NAMES) throw new DavError(413, `A PROPFIND may name ${MAX_NAMES} properties at most.`);
  return [...names.values()];
}
