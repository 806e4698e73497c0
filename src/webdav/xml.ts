import sax, { type QualifiedTag, type Tag } from 'sax';
import { DavError } from './errors.ts';

/** A name in a namespace; the namespace of an unqualified name is empty. */
export interface QName {
  readonly namespace: string;
  readonly name: string;
}

export interface XmlElement extends QName {
  /** Elements alone: no request of the protocol has a meaning in the text between them. */
  readonly children: readonly XmlElement[];
}

export const DAV_NAMESPACE = 'DAV:';

/** `strictEntities` is absent from the types; without it the entities of HTML would pass. */
const PARSER_OPTIONS = { xmlns: true, strictEntities: true };

/** Scopes of namespaces are looked up through each other, so depth costs time as a square. */
const MAX_DEPTH = 100;

interface OpenElement extends QName {
  readonly children: OpenElement[];
}

/**
 * Parses a request body into its root element.
 * @throws DavError 400 for what is not well-formed, not namespace-well-formed, or has a DOCTYPE.
 */
export function parseXml(text: string): XmlElement {
  const parser = sax.parser(true, PARSER_OPTIONS);
  const open: OpenElement[] = [];
  let root: OpenElement | undefined;
  parser.onerror = (error) => {
    throw badXml(error.message.split('\n')[0] ?? 'malformed');
  };
  parser.ondoctype = () => {
    throw badXml('a DOCTYPE is not accepted');
  };
  parser.onopentag = (tag) => {
    const element = toElement(tag);
    const parent = open.at(-1);
    if (parent) parent.children.push(element);
    else if (root) throw badXml('more than one root element');
    else root = element;
    if (open.push(element) > MAX_DEPTH) throw badXml('elements are nested too deeply');
  };
  parser.onclosetag = () => {
    open.pop();
  };
  parser.write(text).close();
  if (!root) throw badXml('no root element');
  return root;
}

function toElement(tag: Tag | QualifiedTag): OpenElement {
  if (!('uri' in tag)) throw badXml('no namespaces');
  if (!/^[^:]+(:[^:]+)?$/.test(tag.name)) throw badXml(`"${tag.name}" is no qualified name`);
  for (const attribute of Object.values(tag.attributes)) {
    // Namespaces in XML 1.0 §2.2 lets only the default namespace be empty; the parser is silent about it.
    if (attribute.prefix === 'xmlns' && attribute.local !== '' && attribute.value === '')
      throw badXml('a prefix stands for no namespace');
  }
  return { namespace: tag.uri, name: tag.local, children: [] };
}

function badXml(reason: string): DavError {
  return new DavError(400, `The request body is not acceptable XML: ${reason}.`);
}

const SPECIAL = /[&<>"\u0000-\u001f\ud800-\udfff\ufffe\uffff]/;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Escapes for text and attributes alike; a character that XML 1.0 cannot carry becomes U+FFFD. */
export function escapeXml(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.toWellFormed().replace(/[&<>"\u0000-\u001f\ufffe\uffff]/g, (char) => ENTITIES[char] ?? '\ufffd');
}
