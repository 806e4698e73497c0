import { invalidField } from './errors.ts';
import { categoryOf } from './media-type.ts';
import { extensionOf, type StoredEntry, sizeOf } from './store/entry.ts';

type Predicate = (entry: StoredEntry) => boolean;
type Value = string | number | boolean;

const TOKEN = /\s*("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|<=|>=|[=<>()[\],]|[\w.-]+)/y;

/**
 * Parses the search grammar: `and`, `or`, `not`, parentheses, `= < > <= >= in match prefix`.
 * @throws ApiError `InvalidParameter.Query` for anything else.
 */
export function parseQuery(query: string): Predicate {
  const words = tokenize(query);
  if (words.length === 0) return () => true;
  const parser = new Parser(words);
  const predicate = parser.alternatives();
  parser.expectEnd();
  return predicate;
}

function tokenize(query: string): string[] {
  const words: string[] = [];
  TOKEN.lastIndex = 0;
  const text = query.trimEnd();
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (!match?.[1]) throw refused();
    words.push(match[1]);
  }
  return words;
}

/** Recursive descent; precedence: parentheses, not, and, or. */
class Parser {
  readonly #words: readonly string[];
  #position = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  alternatives(): Predicate {
    let left = this.#conjunction();
    while (this.#take('or')) {
      const [first, second] = [left, this.#conjunction()];
      left = (entry) => first(entry) || second(entry);
    }
    return left;
  }

  expectEnd(): void {
    if (this.#position < this.#words.length) throw refused();
  }

  #conjunction(): Predicate {
    let left = this.#negation();
    while (this.#take('and')) {
      const [first, second] = [left, this.#negation()];
      left = (entry) => first(entry) && second(entry);
    }
    return left;
  }

  #negation(): Predicate {
    if (this.#take('not')) {
      const inner = this.#negation();
      return (entry) => !inner(entry);
    }
    if (!this.#take('(')) return this.#comparison();
    const inner = this.alternatives();
    this.#expect(')');
    return inner;
  }

  #comparison(): Predicate {
    const field = this.#next();
    const operator = this.#next();
    const read = FIELDS[field];
    if (!read) throw refused();
    if (operator === 'in') {
      const values = this.#list();
      return (entry) => values.includes(read(entry));
    }
    const value = field.endsWith('_at') ? Date.parse(withZone(String(this.#value()))) : this.#value();
    const compare = OPERATORS[operator];
    const isFit = operator === 'match' ? field === 'name' : !(operator === 'prefix' && field === 'name');
    if (!compare || !isFit || Number.isNaN(value)) throw refused();
    return (entry) => compare(read(entry), value);
  }

  #list(): Value[] {
    this.#expect('[');
    const values = [this.#value()];
    while (this.#take(',')) values.push(this.#value());
    this.#expect(']');
    return values;
  }

  #value(): Value {
    const word = this.#next();
    if (/^["']/.test(word)) return word.slice(1, -1).replace(/\\(.)/g, '$1');
    if (word === 'true' || word === 'false') return word === 'true';
    const value = Number(word);
    if (Number.isNaN(value)) throw refused();
    return value;
  }

  #next(): string {
    const word = this.#words[this.#position++];
    if (word === undefined) throw refused();
    return word;
  }

  #take(word: string): boolean {
    if (this.#words[this.#position]?.toLowerCase() !== word) return false;
    this.#position += 1;
    return true;
  }

  #expect(word: string): void {
    if (!this.#take(word)) throw refused();
  }
}

const FIELDS: Readonly<Record<string, (entry: StoredEntry) => Value>> = {
  name: (entry) => entry.name,
  parent_file_id: (entry) => entry.parentFileId,
  type: (entry) => entry.type,
  category: (entry) => (entry.type === 'file' ? categoryOf(entry.name) : ''),
  file_extension: (entry) => (entry.type === 'file' ? extensionOf(entry.name) : ''),
  size: sizeOf,
  created_at: (entry) => entry.createdAt,
  updated_at: (entry) => entry.updatedAt,
  starred: (entry) => entry.starred,
  hidden: (entry) => entry.hidden,
  status: () => 'available',
  content_hash: (entry) => entry.content?.digests()?.sha1 ?? '',
};

const OPERATORS: Readonly<Record<string, (left: Value, right: Value) => boolean>> = {
  '=': (left, right) => left === right,
  '<': (left, right) => left < right,
  '>': (left, right) => left > right,
  '<=': (left, right) => left <= right,
  '>=': (left, right) => left >= right,
  prefix: (left, right) => String(left).startsWith(String(right)),
  match: (left, right) => String(left).toLowerCase().includes(String(right).toLowerCase()),
};

/** The grammar's dates are UTC without saying so. */
function withZone(text: string): string {
  return /(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`;
}

function refused(): Error {
  return invalidField('query', 'the query can not be parsed');
}
