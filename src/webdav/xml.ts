/** A name in a namespace; the namespace of an unqualified name is empty. */
export interface QName {
  readonly namespace: string;
  readonly name: string;
}

export const DAV_NAMESPACE = 'DAV:';

/** As a key of maps; no name holds a blank. */
export function formatKey({ namespace, name }: QName): string {
  return `${namespace} ${name}`;
}

/** An element without content; the multistatus declares the prefix `D`. */
export function formatEmptyElement({ namespace, name }: QName): string {
  if (namespace === DAV_NAMESPACE) return `<D:${name}/>`;
  return namespace === '' ? `<${name} xmlns=""/>` : `<x:${name} xmlns:x="${escapeXml(namespace)}"/>`;
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
