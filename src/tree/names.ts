/**
 * The service stores names that no path can hold. They are shown in rclone's encoding (its `Slash`, `Ctl`, `Del`, `Dot`,
 * `LeftSpace`, `RightSpace`, `RightPeriod` and `InvalidUtf8`), so that both programs show one name alike: each such character
 * becomes a look-alike, and a look-alike that was in the name already is quoted with U+201B.
 */
const QUOTE = '\u201B';

/** A name that holds none of this, as nearly all, is shown as it is. */
const NEEDS_MAPPING =
  /[\0-\x1F\x7F/\u201B\uFF0F\u2400-\u241F\u2421\uFFFE\uFFFF\p{Surrogate}]|^[ \u2420]|[ \u2420.\uFF0E]$/u;

const MAPPABLE = /[\0-\x20\x7F./\u201B\uFF0E\uFF0F\u2400-\u2421\uFFFE\uFFFF\p{Surrogate}]/gu;

const MAPPED =
  /\u201B(?:ED\u201B[AB][\dA-F]\u201B[89AB][\dA-F]|EF\u201BBF\u201BB[EF])|\u201B[\u201B\uFF0E\uFF0F\u2400-\u2421]|[\uFF0F\u2400-\u241F\u2421]|^\u2420|\u2420$|\uFF0E$/gu;

/** `．.` and `．．` need a quote that the rule for trailing full stops does not give them: `．．` stands for `..`. */
const LOOKS_LIKE_DOT_DOT = /^\uFF0E[.\uFF0E]$/;

/** The name as it stands in paths; another service name never gets the same one. */
export function toDisplayName(serviceName: string): string {
  if (serviceName === '') return QUOTE;
  if (serviceName === '..') return '\uFF0E\uFF0E';
  if (!NEEDS_MAPPING.test(serviceName)) return serviceName;
  const last = serviceName.length - 1;
  const quoteEveryStop = LOOKS_LIKE_DOT_DOT.test(serviceName);
  return serviceName.replace(MAPPABLE, (char, at: number) => {
    switch (char) {
      case '/':
        return '\uFF0F';
      case '\x7F':
        return '\u2421';
      case ' ':
        return at === 0 || at === last ? '\u2420' : char;
      case '\u2420':
        return at === 0 || at === last ? QUOTE + char : char;
      case '.':
        return at === last ? '\uFF0E' : char;
      case '\uFF0E':
        return at === last || quoteEveryStop ? QUOTE + char : char;
    }
    if (char < ' ') return String.fromCharCode(0x2400 + char.charCodeAt(0));
    return isEncodable(char) ? QUOTE + char : toQuotedBytes(char.charCodeAt(0));
  });
}

/** Undoes `toDisplayName`; a name that it never gives stands for itself as far as it can. */
export function toServiceName(displayName: string): string {
  if (displayName === QUOTE) return '';
  if (displayName === '\uFF0E\uFF0E') return '..';
  return displayName.replace(MAPPED, (match) => {
    if (match.length > 2) return fromQuotedBytes(match);
    if (match.length === 2) return match.charAt(1);
    switch (match) {
      case '\uFF0F':
        return '/';
      case '\uFF0E':
        return '.';
      case '\u2420':
        return ' ';
      case '\u2421':
        return '\x7F';
    }
    return String.fromCharCode(match.charCodeAt(0) - 0x2400);
  });
}

/** The name under which tree and listings know what a path calls so: `notes.` is shown as `notes．`, and found as both. Of a shown name, itself. */
export function toShownName(pathName: string): string {
  return toDisplayName(toServiceName(pathName));
}

const MOST_NAME_BYTES = 1024;

/** @returns why the service cannot store an entry of this name, for people; undefined if it can */
export function findNameProblem(serviceName: string): string | undefined {
  if (serviceName === '') return 'A name cannot be empty.';
  if (serviceName === '.' || serviceName === '..') return `No entry can be called "${serviceName}".`;
  // It would make folders of it.
  if (serviceName.includes('/')) return 'AliyunDrive stores no name with a slash, for which "／" stands here.';
  if (!serviceName.isWellFormed()) return 'AliyunDrive stores no name that is not well-formed Unicode.';
  if (Buffer.byteLength(serviceName) <= MOST_NAME_BYTES) return undefined;
  return `AliyunDrive stores names of ${MOST_NAME_BYTES} bytes at most.`;
}

/** Lone surrogates have no UTF-8 form, so no href; U+FFFE and U+FFFF are allowed in no XML 1.0 document (§2.2). */
function isEncodable(char: string): boolean {
  return char.isWellFormed() && char < '\uFFFE';
}

/** The three bytes that UTF-8's scheme gives a code unit from U+0800 on, in rclone's form for invalid bytes: `‛ED‛A0‛80`. */
function toQuotedBytes(code: number): string {
  return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]
    .map((byte) => QUOTE + byte.toString(16).toUpperCase())
    .join('');
}

function fromQuotedBytes(quoted: string): string {
  const bytes = Number.parseInt(quoted.replaceAll(QUOTE, ''), 16);
  return String.fromCharCode(((bytes >> 4) & 0xf000) | ((bytes >> 2) & 0xfc0) | (bytes & 0x3f));
}
