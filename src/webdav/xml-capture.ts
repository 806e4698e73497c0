import type { QualifiedTag } from 'sax';
import { escapeXml } from './xml.ts';

/** An element of a request with all that is in it. */
export interface CapturedXml {
  /** The whole element; stands by itself, for it declares every namespace that it needs and carries its `xml:lang`. */
  readonly xml: string;
  /** The characters in it, without the elements around them. */
  readonly text: string;
}

/** What is declared around an element: prefixes ('' for the default namespace) and the language. */
export interface Surroundings {
  readonly namespaces: ReadonlyMap<string, string>;
  readonly language: string | undefined;
}

export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';

const NAME_CHAR = /[\w.\-\u00b7-\uffff]/;

/**
 * Writes an element anew while it is parsed: with the prefixes of its author, because values may refer to them
 * (RFC 4918 §4.3), without comments and processing instructions.
 */
export class XmlCapture {
  readonly #surroundings: Surroundings;
  /** Of the outermost element, up to where what it takes from its surroundings will be declared. */
  #head = '';
  #body = '';
  #text = '';
  /** The open elements, from the outermost in; `isEmpty` while the start tag is not closed. */
  readonly #open: { readonly name: string; isEmpty: boolean }[] = [];
  readonly #usedPrefixes = new Set<string>();
  readonly #ownPrefixes = new Set<string>();
  #ownLanguage = false;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  openTag(tag: QualifiedTag): void {
    this.#closeStart();
    const attributes = Object.values(tag.attributes);
    const written = attributes.map(({ name, value }) => ` ${name}="${escapeXml(value)}"`).join('');
    if (this.#open.length === 0) {
      this.#head = `<${tag.name}`;
      this.#body = written;
      for (const { name, prefix, local, uri } of attributes) {
        if (prefix === 'xmlns' || name === 'xmlns') this.#ownPrefixes.add(name === 'xmlns' ? '' : local);
        if (uri === XML_NAMESPACE && local === 'lang') this.#ownLanguage = true;
      }
    } else this.#body += `<${tag.name}${written}`;
    this.#usedPrefixes.add(tag.prefix);
    for (const { prefix, value } of attributes) {
      if (prefix !== '') this.#usedPrefixes.add(prefix);
      this.#notePrefixesIn(value);
    }
    this.#open.push({ name: tag.name, isEmpty: true });
  }

  addText(text: string): void {
    this.#closeStart();
    this.#text += text;
    this.#body += escapeText(text);
    this.#notePrefixesIn(text);
  }

  /** @returns what was captured, once the outermost element is closed */
  closeTag(): CapturedXml | undefined {
    const closing = this.#open.pop();
    this.#body += closing?.isEmpty ? '/>' : `</${closing?.name}>`;
    if (this.#open.length > 0) return undefined;
    return { xml: this.#head + this.#formatSurroundings() + this.#body, text: this.#text };
  }

  #closeStart(): void {
    const innermost = this.#open.at(-1);
    if (!innermost?.isEmpty) return;
    innermost.isEmpty = false;
    this.#body += '>';
  }

  /** A value may hold a qualified name, as XML Schema has it; one declaration too many does no harm. */
  #notePrefixesIn(value: string): void {
    for (let colon = value.indexOf(':'); colon !== -1; colon = value.indexOf(':', colon + 1)) {
      let start = colon;
      while (start > 0 && NAME_CHAR.test(value.charAt(start - 1))) start--;
      if (start < colon) this.#usedPrefixes.add(value.slice(start, colon));
    }
  }

  #formatSurroundings(): string {
    const { namespaces, language } = this.#surroundings;
    let declarations = '';
    for (const prefix of this.#usedPrefixes) {
      const uri = namespaces.get(prefix);
      if (uri === undefined || this.#ownPrefixes.has(prefix)) continue;
      declarations += ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeXml(uri)}"`;
    }
    return language === undefined || this.#ownLanguage
      ? declarations
      : `${declarations} xml:lang="${escapeXml(language)}"`;
  }
}

/** Blanks and line ends of content stay as they are. */
function escapeText(text: string): string {
  return escapeXml(text).replaceAll('&#10;', '\n').replaceAll('&#9;', '\t').replaceAll('&quot;', '"');
}
