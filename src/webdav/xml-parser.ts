import sax, { type QualifiedTag, type Tag } from 'sax';
import { DavError } from './errors.ts';
import { DAV_NAMESPACE, type QName } from './xml.ts';
import { type CapturedXml, type Surroundings, XML_NAMESPACE, XmlCapture } from './xml-capture.ts';

export interface XmlElement extends QName {
  /** Elements alone: what is between them has a meaning only in what is captured. */
  readonly children: readonly XmlElement[];
  /** Of the elements that were asked for; their children are not told apart. */
  readonly captured?: CapturedXml;
}

/** Whether an element is to be kept with all that is in it; its ancestors come from the root down. */
export type CaptureRule = (ancestors: readonly QName[], element: QName) => boolean;

/** `strictEntities` is absent from the types; without it the entities of HTML would pass. */
const PARSER_OPTIONS = { xmlns: true, strictEntities: true };

/** Scopes of namespaces are looked up through each other, so depth costs time as a square. */
const MAX_DEPTH = 100;
/** All that are in scope are copied for each element by the parser. */
const MAX_NAMESPACES = 64;
/** What is captured repeats the declarations around it, and so can be longer than the request. */
const MAX_CAPTURED_CHARS = 2 ** 20;

const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/';
/** Namespaces in XML 1.0 §4, of what the parser takes for a name: one colon at most, and letters after it. */
const QUALIFIED_NAME = /^[^\p{M}:\d.\u00b7\u203f\u2040-][^:]*(?::[^\p{M}:\d.\u00b7\u203f\u2040-][^:]*)?$/u;

interface OpenElement extends QName {
  readonly children: OpenElement[];
  readonly scope: QualifiedTag['ns'];
  readonly language: string | undefined;
  captured?: CapturedXml;
  surroundings?: Surroundings;
}

/**
 * Parses a request body into its root element.
 * @throws DavError 400 for what is not well-formed, not namespace-well-formed, or has a DOCTYPE; 413 for what grows too long
 */
export function parseXml(text: string, isCaptured: CaptureRule = () => false): XmlElement {
  const parser = sax.parser(true, PARSER_OPTIONS);
  const open: OpenElement[] = [];
  let root: OpenElement | undefined;
  let capture: XmlCapture | undefined;
  let capturedChars = 0;
  parser.onerror = (error) => {
    throw badXml(error.message.split('\n')[0] ?? 'malformed');
  };
  parser.ondoctype = () => {
    throw badXml('a DOCTYPE is not accepted');
  };
  parser.onopentag = (tag) => {
    const qualified = checkTag(tag);
    const parent = open.at(-1);
    const element = toElement(qualified, parent);
    if (!capture) {
      if (parent) parent.children.push(element);
      else if (root) throw badXml('more than one root element');
      else root = element;
      if (isCaptured(open, element)) capture = new XmlCapture(toSurroundings(parent));
    }
    capture?.openTag(qualified);
    if (open.push(element) > MAX_DEPTH) throw badXml('elements are nested too deeply');
  };
  parser.ontext = (characters) => capture?.addText(characters);
  parser.oncdata = (characters) => capture?.addText(characters);
  parser.onclosetag = () => {
    const element = open.pop();
    const captured = capture?.closeTag();
    if (!captured || !element) return;
    element.captured = captured;
    capture = undefined;
    capturedChars += captured.xml.length;
    if (capturedChars > MAX_CAPTURED_CHARS) throw new DavError(413, 'The values in the request body are too long.');
  };
  parser.write(text).close();
  if (!root) throw badXml('no root element');
  return strip(root);
}

export function isDav(element: QName, name: string): boolean {
  return element.namespace === DAV_NAMESPACE && element.name === name;
}

function toElement(tag: QualifiedTag, parent: OpenElement | undefined): OpenElement {
  const language = tag.attributes['xml:lang']?.value ?? parent?.language;
  return { namespace: tag.uri, name: tag.local, children: [], scope: tag.ns, language };
}

function strip({ namespace, name, children, captured }: OpenElement): XmlElement {
  return { namespace, name, children: children.map(strip), ...(captured && { captured }) };
}

/** The parser is silent about much of Namespaces in XML 1.0, and what it lets pass would spoil every answer that repeats it. */
function checkTag(tag: Tag | QualifiedTag): QualifiedTag {
  if (!('uri' in tag)) throw badXml('no namespaces');
  checkName(tag.name, tag.uri);
  const names = new Set<string>();
  let isDeclaring = false;
  for (const { name, prefix, local, uri, value } of Object.values(tag.attributes)) {
    checkName(name, uri);
    if (names.has(`${uri} ${local}`)) throw badXml('an attribute is there twice');
    names.add(`${uri} ${local}`);
    if (prefix !== 'xmlns') continue;
    isDeclaring = true;
    if (local !== '' && value === '') throw badXml('a prefix stands for no namespace');
    if (value === XMLNS_NAMESPACE || (value === XML_NAMESPACE && local !== 'xml')) {
      throw badXml('a reserved namespace is declared');
    }
  }
  if (isDeclaring && [...prefixesOf(tag.ns)].length > MAX_NAMESPACES) throw badXml('too many namespaces');
  return tag;
}

/** Prefixes that are called like members of every object find these instead of nothing. */
function checkName(name: string, uri: unknown): void {
  if (!QUALIFIED_NAME.test(name) || typeof uri !== 'string') throw badXml(`"${name}" is no qualified name`);
}

/** The same for all children of one element. */
function toSurroundings(parent: OpenElement | undefined): Surroundings {
  if (!parent) return { namespaces: new Map(), language: undefined };
  const { scope, language } = parent;
  const namespaces = () => new Map([...prefixesOf(scope)].map((prefix) => [prefix, scope[prefix] ?? '']));
  parent.surroundings ??= { namespaces: namespaces(), language };
  return parent.surroundings;
}

/** Scopes inherit from each other, down to the two that are always there. */
function* prefixesOf(scope: QualifiedTag['ns']): Generator<string> {
  for (const prefix in scope) if (prefix !== 'xml' && prefix !== 'xmlns') yield prefix;
}

function badXml(reason: string): DavError {
  return new DavError(400, `The request body is not acceptable XML: ${reason}.`);
}
