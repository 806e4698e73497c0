import { createHash } from 'node:crypto';
import type { StateKey } from './store.ts';

/** LMDB keys end at 1978 bytes; a path of the drive alone may be longer. */
const LONGEST_PART_BYTES = 240;
const FOLDED_HEAD_CHARS = 60;

export interface EncodedKey {
  readonly parts: (string | number)[];
  /** Some part was folded, so the key cannot be read back from its parts. */
  readonly folded: boolean;
}

/**
 * The form in which LMDB's ordered-binary encoding keeps every key apart and in order: a part that is too long, not
 * well-formed or has a NUL is folded to its beginning and a digest. The NUL in a folded part keeps it off all others.
 */
export function encodeKey(key: StateKey): EncodedKey {
  let folded = false;
  const parts = key.map((part) => {
    if (typeof part === 'number' || isPlain(part)) return part;
    folded = true;
    const digest = createHash('sha256').update(part, 'utf16le').digest('hex');
    return `${part.slice(0, FOLDED_HEAD_CHARS).toWellFormed().replaceAll('\0', '')}\0${digest}`;
  });
  return { parts, folded };
}

const DIGEST = /^[\da-f]{64}$/;

/** Whether a key as it is read back may have a folded part: the NUL in it is taken for a border, and the digest for a part. */
export function mayBeFolded(parts: readonly (string | number)[]): boolean {
  return parts.some((part) => typeof part === 'string' && DIGEST.test(part));
}

function isPlain(part: string): boolean {
  return part.isWellFormed() && !part.includes('\0') && Buffer.byteLength(part) <= LONGEST_PART_BYTES;
}

/** UTF-8's last character: nothing that anybody stores sorts behind it. */
const LAST = '\u{10ffff}';

/** Where the keys below a prefix end: what lies behind may be the library's own, which is no JSON. */
export function endOf(prefix: readonly (string | number)[]): (string | number)[] {
  return [...prefix, LAST];
}

export function startsWith(key: readonly (string | number)[], prefix: readonly (string | number)[]): boolean {
  return key.length >= prefix.length && prefix.every((part, index) => part === key[index]);
}
