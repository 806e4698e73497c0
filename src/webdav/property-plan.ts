import type { TreeNode } from '../tree/node.ts';
import type { LiveProperty } from './live-properties.ts';
import type { PropfindRequest } from './propfind-request.ts';
import { DAV_NAMESPACE, escapeXml, type QName } from './xml.ts';

/** Renders the propstats of one resource. */
export type PropertyPlan = (node: TreeNode) => string;

const FOUND_START = '<D:propstat><D:prop>';
const FOUND_END = '</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>';
const MISSING_START = '<D:propstat><D:prop>';
const MISSING_END = '</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>';

/** Resolves a request's names once, so that each of many thousand resources costs only its own values. */
export function compilePlan(request: PropfindRequest, live: readonly LiveProperty[]): PropertyPlan {
  switch (request.kind) {
    case 'prop':
      return planNamed([], request.names, live);
    case 'allprop':
      return planNamed(
        live.filter((property) => property.inAllprop),
        request.include,
        live,
      );
    case 'propname':
      return (node) => {
        const present = live.filter((property) => property.render(node) !== '');
        return `${FOUND_START}${present.map((property) => `<${property.tag}/>`).join('')}${FOUND_END}`;
      };
  }
}

/**
 * `anyway` is left out where a resource lacks it; a named property is then reported as missing, and so is a named one
 * that nobody knows.
 */
function planNamed(
  anyway: readonly LiveProperty[],
  names: readonly QName[],
  live: readonly LiveProperty[],
): PropertyPlan {
  const known = new Map(live.map((property) => [`${property.namespace} ${property.name}`, property]));
  const asked: LiveProperty[] = [];
  let unknown = '';
  for (const name of names) {
    const property = known.get(`${name.namespace} ${name.name}`);
    if (property === undefined) unknown += formatUnknown(name);
    else if (!anyway.includes(property)) asked.push(property);
  }
  return (node) => {
    let found = '';
    let missing = unknown;
    for (const property of anyway) found += property.render(node);
    for (const property of asked) {
      const element = property.render(node);
      if (element === '') missing += `<${property.tag}/>`;
      else found += element;
    }
    if (missing === '') return FOUND_START + found + FOUND_END;
    const missingPart = MISSING_START + missing + MISSING_END;
    return found === '' ? missingPart : FOUND_START + found + FOUND_END + missingPart;
  };
}

function formatUnknown({ namespace, name }: QName): string {
  if (namespace === DAV_NAMESPACE) return `<D:${name}/>`;
  return namespace === '' ? `<${name} xmlns=""/>` : `<x:${name} xmlns:x="${escapeXml(namespace)}"/>`;
}
