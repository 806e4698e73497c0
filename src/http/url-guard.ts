import { parseHref } from '../drive/path.ts';
import type { Refusal } from './refusal.ts';

/** RFC 9110 §4.1 asks for 8000 octets at least; a deep folder of Chinese names, nine octets a character, needs more. */
const MAX_TARGET_LENGTH = 32 * 2 ** 10;

/** A request target that is safe to hand on. */
export interface Target {
  /** Absolute, decoded, without a trailing slash. */
  readonly path: string;
  /** Path and query as sent, in origin-form. */
  readonly url: string;
  /** The host that an absolute-form target names, which replaces the Host header (RFC 9112 §3.2.2). */
  readonly authority: string | undefined;
}

/** Reads a request target of any form of RFC 9112 §3.2 but CONNECT's, before anything that might choke on it sees it. */
export function parseTarget(method: string, target: string): Target | Refusal {
  if (target.length > MAX_TARGET_LENGTH) return { status: 414, message: 'The address is too long.' };
  // `OPTIONS *` asks about the whole server, which is what the root answers for.
  if (target === '*' && method === 'OPTIONS') return { path: '/', url: '/', authority: undefined };
  // Node's parsers differ on raw UTF-8, and those that let it pass tear its bytes into other characters.
  if (/[^\x21-\x7e]/.test(target)) return malformed('what is not ASCII must be percent-encoded UTF-8');
  // A fragment never belongs to a request: whoever sends one means a file whose name has a `#` that nobody encoded.
  if (target.includes('#')) return malformed('a "#" must be sent as %23');
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  const authority = absolute?.[1]?.replace(/^.*@/, '');
  if (authority === '') return malformed('it names no host');
  const url = absolute ? withLeadingSlash(absolute[2] ?? '') : target;
  const path = parseHref(url.split('?', 1)[0] ?? '');
  if (path === undefined) return malformed('it must be an absolute path, percent-encoded UTF-8, without "." or ".."');
  return { path, url, authority };
}

function malformed(why: string): Refusal {
  return { status: 400, message: `The address is malformed: ${why}.` };
}

function withLeadingSlash(pathAndQuery: string): string {
  return pathAndQuery.startsWith('/') ? pathAndQuery : `/${pathAndQuery}`;
}
