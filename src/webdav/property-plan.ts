import type { TreeNode } from '../tree/node.ts';
import type { Known, LiveProperty } from './live-properties.ts';
import { visibleProperties } from './properties.ts';
import type { PropfindRequest } from './propfind-request.ts';
import { formatEmptyElement, formatKey, type QName } from './xml.ts';

/** Renders the propstats of one resource. */
export type PropertyPlan = (node: TreeNode, known: Known) => string;

const FOUND_START = '<D:propstat><D:prop>';
const FOUND_END = '</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>';
const MISSING_START = '<D:propstat><D:prop>';
const MISSING_END = '</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>';

/** Resolves a request's names once, so that each of many thousand resources costs only its own values. */
export function compilePlan(request: PropfindRequest, live: readonly LiveProperty[]): PropertyPlan {
  switch (request.kind) {
    case 'prop':
      return planNamed([], request.names, live, false);
    case 'allprop':
      return planNamed(
        live.filter((property) => property.inAllprop),
        request.include,
        live,
        true,
      );
    case 'propname':
      return (node, known) => {
        const present = live.filter((property) => property.render(node, known) !== '');
        const names = present.map((property) => `<${property.tag}/>`).join('');
        const dead = visibleProperties(node.entry, known.record).map(formatEmptyElement).join('');
        return FOUND_START + names + dead + FOUND_END;
      };
  }
}

/**
 * `anyway` is left out where a resource lacks it; a named property is then reported as missing, and so is a named one
 * that nobody knows. Dead properties come all, or as they are named.
 */
function planNamed(
  anyway: readonly LiveProperty[],
  names: readonly QName[],
  live: readonly LiveProperty[],
  allDead: boolean,
): PropertyPlan {
  const known = new Map(live.map((property) => [formatKey(property), property]));
  const asked: LiveProperty[] = [];
  const others: QName[] = [];
  for (const name of names) {
    const property = known.get(formatKey(name));
    if (property === undefined) others.push(name);
    else if (!anyway.includes(property)) asked.push(property);
  }
  const unknown = others.map(formatEmptyElement).join('');
  return (node, about) => {
    const dead = about.record === undefined ? undefined : findDead(node, about, others, allDead);
    let found = '';
    let missing = dead?.missing ?? unknown;
    for (const property of anyway) found += property.render(node, about);
    for (const property of asked) {
      const element = property.render(node, about);
      if (element === '') missing += `<${property.tag}/>`;
      else found += element;
    }
    if (dead !== undefined) found += dead.found;
    if (missing === '') return FOUND_START + found + FOUND_END;
    const missingPart = MISSING_START + missing + MISSING_END;
    return found === '' ? missingPart : FOUND_START + found + FOUND_END + missingPart;
  };
}

function findDead(
  node: TreeNode,
  { record }: Known,
  names: readonly QName[],
  all: boolean,
): { readonly found: string; readonly missing: string } {
  const properties = new Map(visibleProperties(node.entry, record).map((property) => [formatKey(property), property]));
  let found = all ? [...properties.values()].map(({ xml }) => xml).join('') : '';
  let missing = '';
  for (const name of names) {
    const property = properties.get(formatKey(name));
    if (property === undefined) missing += formatEmptyElement(name);
    else if (!all) found += property.xml;
  }
  return { found, missing };
}
