import { parseHttpDate } from './conditions.ts';
import { isFormattable } from './date-formats.ts';
import { DavError } from './errors.ts';
import { type DeadProperty, type PropertyChange, WIN32_MODIFIED } from './properties.ts';
import { DAV_NAMESPACE, formatKey, type QName } from './xml.ts';
import { isDav, parseXml, type XmlElement } from './xml-parser.ts';

/** One property of a PROPPATCH, in the order of the document (RFC 4918 §9.2). */
export interface Instruction {
  readonly name: QName;
  /** What it asks for; undefined where the value makes no sense for this property. */
  readonly changes: readonly PropertyChange[] | undefined;
}

const LAST_MODIFIED_KEY = formatKey({ namespace: DAV_NAMESPACE, name: 'getlastmodified' });
/** rclone's, in seconds since 1970. */
const RCLONE_MODIFIED_KEY = formatKey({ namespace: DAV_NAMESPACE, name: 'lastmodified' });
const WIN32_MODIFIED_KEY = formatKey(WIN32_MODIFIED);

/** Properties by which a client tells when the content was modified; setting one is no change of a protected property. */
export const TIME_KEYS: ReadonlySet<string> = new Set([LAST_MODIFIED_KEY, RCLONE_MODIFIED_KEY, WIN32_MODIFIED_KEY]);

const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/i;

/** @throws DavError 400, 413 */
export function parseProppatch(body: string): readonly Instruction[] {
  const root = parseXml(body, isProperty);
  if (!isDav(root, 'propertyupdate')) {
    throw new DavError(400, 'The root element of a PROPPATCH body must be DAV:propertyupdate.');
  }
  const instructions = root.children.flatMap((block) => {
    if (isDav(block, 'set')) return namesOf(block).map(toSetting);
    return isDav(block, 'remove') ? namesOf(block).map(toRemoval) : [];
  });
  if (instructions.length === 0) throw new DavError(400, 'DAV:propertyupdate sets and removes nothing.');
  return instructions;
}

/** Whatever is in a DAV:prop in a block of the root. */
function isProperty([, , parent, ...deeper]: readonly QName[]): boolean {
  return parent !== undefined && deeper.length === 0 && isDav(parent, 'prop');
}

function namesOf({ children }: XmlElement): XmlElement[] {
  return children.filter((child) => isDav(child, 'prop')).flatMap((prop) => prop.children);
}

function toSetting({ namespace, name, captured }: XmlElement): Instruction {
  const property: DeadProperty = { namespace, name, xml: captured?.xml ?? '' };
  const text = captured?.text.trim() ?? '';
  const set: PropertyChange = { kind: 'set', property };
  switch (formatKey(property)) {
    case LAST_MODIFIED_KEY:
      return { name: { namespace, name }, changes: toTimeChange(parseDate(text)) };
    case RCLONE_MODIFIED_KEY:
      return { name: { namespace, name }, changes: toTimeChange(parseSeconds(text)) };
    case WIN32_MODIFIED_KEY:
      // Explorer gives up on a file whose attributes are refused, so that a time that cannot be read is kept as it is.
      return { name: { namespace, name }, changes: [...(toTimeChange(parseDate(text)) ?? []), set] };
    default:
      return { name: { namespace, name }, changes: [set] };
  }
}

function toRemoval({ namespace, name }: XmlElement): Instruction {
  const removal: PropertyChange = { kind: 'remove', name: { namespace, name } };
  const isTime = TIME_KEYS.has(formatKey({ namespace, name }));
  return { name: { namespace, name }, changes: isTime ? [{ kind: 'modified-at', at: undefined }, removal] : [removal] };
}

function toTimeChange(at: number | undefined): readonly PropertyChange[] | undefined {
  return at !== undefined && isFormattable(at) ? [{ kind: 'modified-at', at }] : undefined;
}

function parseDate(text: string): number | undefined {
  const seconds = parseHttpDate(text);
  if (seconds !== undefined) return seconds * 1000;
  const parsed = ISO_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}

function parseSeconds(text: string): number | undefined {
  return /^\d{1,12}(\.\d{1,9})?$/.test(text) ? Math.round(Number(text) * 1000) : undefined;
}
