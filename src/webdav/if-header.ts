import { DavError } from './errors.ts';
import { parseReference } from './reference.ts';

/** One thing that is claimed of a resource: that a lock covers it, or that it is in a state. */
interface IfCondition {
  readonly isNegated: boolean;
  readonly kind: 'token' | 'etag';
  readonly value: string;
}

/** Conditions that must all hold of one resource. */
export interface IfList {
  /** undefined: the resource that the request is about. */
  readonly path: string | undefined;
  readonly conditions: readonly IfCondition[];
}

/** What is known about resources while a header is evaluated. */
export interface IfFacts {
  /** The tokens of the locks that cover it. */
  tokensOf(path: string): Promise<ReadonlySet<string>>;
  /** undefined for what is not there, or has none. */
  etagOf(path: string): Promise<string | undefined>;
}

/** Each may have to be asked for. */
const MAX_RESOURCES = 32;

const BLANKS = /[ \t]*/y;
const CODED_URL = /<([^<>]*)>/y;
const ENTITY_TAG = /\[[ \t]*((?:W\/)?"[^"]*")[ \t]*\]/y;
const NOT = /Not\b/iy;
/** An absolute URI, as every state token is one; nothing that could not stand in a header. */
const ABSOLUTE_URI = /^[a-z][a-z\d+.-]*:[\x21-\x7e]+$/i;

/**
 * Reads an If header (RFC 4918 §10.4): lists that are all tagged with a resource, or all not.
 * @throws DavError 400
 */
export function parseIfHeader(header: string): readonly IfList[] {
  const scanner = new Scanner(header);
  const lists: IfList[] = [];
  const paths = new Set<string>();
  scanner.skipBlanks();
  const isTagged = scanner.isAt('<');
  while (!scanner.isAtEnd()) {
    const path = isTagged ? parseTag(scanner.expect(CODED_URL)) : undefined;
    if (path !== undefined && paths.add(path).size > MAX_RESOURCES) throw malformed('names too many resources');
    do lists.push({ path, conditions: parseList(scanner) });
    while (scanner.isAt('('));
  }
  if (lists.length === 0) throw malformed('is empty');
  return lists;
}

/** Whether at least one list holds. */
export async function evaluateIf(lists: readonly IfList[], requestPath: string, facts: IfFacts): Promise<boolean> {
  const known = rememberFacts(facts);
  for (const { path = requestPath, conditions } of lists) {
    if (await holdsAll(conditions, path, known)) return true;
  }
  return false;
}

/** The lock tokens that a header submits: all that it names (RFC 4918 §10.4.1), but for those that it denies. */
export function submittedTokens(lists: readonly IfList[]): ReadonlySet<string> {
  const conditions = lists.flatMap((list) => list.conditions);
  return new Set(conditions.filter(({ kind, isNegated }) => kind === 'token' && !isNegated).map(({ value }) => value));
}

async function holdsAll(conditions: readonly IfCondition[], path: string, facts: IfFacts): Promise<boolean> {
  for (const { isNegated, kind, value } of conditions) {
    const isSo = kind === 'token' ? (await facts.tokensOf(path)).has(value) : (await facts.etagOf(path)) === value;
    if (isSo === isNegated) return false;
  }
  return true;
}

function rememberFacts(facts: IfFacts): IfFacts {
  const tokens = new Map<string, Promise<ReadonlySet<string>>>();
  const etags = new Map<string, Promise<string | undefined>>();
  return {
    tokensOf: (path) => remember(tokens, path, facts.tokensOf),
    etagOf: (path) => remember(etags, path, facts.etagOf),
  };
}

function remember<T>(known: Map<string, Promise<T>>, path: string, ask: (path: string) => Promise<T>): Promise<T> {
  const answer = known.get(path) ?? ask(path);
  known.set(path, answer);
  return answer;
}

function parseList(scanner: Scanner): readonly IfCondition[] {
  scanner.expect(/\(/y);
  const conditions: IfCondition[] = [];
  while (!scanner.isAt(')')) {
    const isNegated = scanner.take(NOT) !== undefined;
    const etag = scanner.take(ENTITY_TAG)?.[1];
    if (etag !== undefined) {
      conditions.push({ isNegated, kind: 'etag', value: etag });
      continue;
    }
    const [, token = ''] = scanner.expect(CODED_URL);
    if (!ABSOLUTE_URI.test(token)) throw malformed('has a state token that is no URI');
    conditions.push({ isNegated, kind: 'token', value: token });
  }
  scanner.expect(/\)/y);
  if (conditions.length === 0) throw malformed('has an empty list');
  return conditions;
}

function parseTag([, url = '']: RegExpExecArray): string {
  const reference = parseReference(url.replace(/\?.*$/s, ''));
  if (!reference) throw malformed('tags a list with what is no URL of this server');
  return reference.path;
}

/** Goes through a header once, from its beginning to its end. */
class Scanner {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    return this.#position >= this.#text.length;
  }

  isAt(char: string): boolean {
    return this.#text[this.#position] === char;
  }

  skipBlanks(): void {
    BLANKS.lastIndex = this.#position;
    this.#position += BLANKS.exec(this.#text)?.[0].length ?? 0;
  }

  /** @param pattern sticky */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text);
    if (!found) return undefined;
    this.#position += found[0].length;
    this.skipBlanks();
    return found;
  }

  expect(pattern: RegExp): RegExpExecArray {
    const found = this.take(pattern);
    if (!found) throw malformed(`cannot be read from its character ${this.#position + 1} on`);
    return found;
  }
}

function malformed(what: string): DavError {
  return new DavError(400, `The If header ${what}.`);
}
