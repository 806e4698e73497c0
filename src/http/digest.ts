import { createHash } from 'node:crypto';

/** The algorithms understood. */
const DIGEST_ALGORITHMS = ['MD5', 'SHA-256'] as const;

type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number];

/** What a client sends after `Digest ` (RFC 7616 §3.4); only `qop=auth`, since a response without a count can be replayed. */
export interface DigestCredentials {
  readonly algorithm: DigestAlgorithm;
  /** The bytes of the name, as they went into the hash. */
  readonly user: Buffer;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly cnonce: string;
  /** Eight hexadecimal digits, as sent: they are part of what is hashed. */
  readonly nc: string;
  /** Lower-case hexadecimal. */
  readonly response: string;
}

/** Parses the credentials of a Digest; undefined when anything is missing, malformed or was not offered. */
export function parseDigest(credentials: string): DigestCredentials | undefined {
  const fields = parseParameters(credentials);
  const user = fields && findUser(fields);
  if (!fields || !user) return undefined;
  const [realm, nonce, uri, cnonce, nc] = ['realm', 'nonce', 'uri', 'cnonce', 'nc'].map((name) => fields.get(name));
  const response = fields.get('response')?.toLowerCase() ?? '';
  if (realm === undefined || nonce === undefined || uri === undefined || cnonce === undefined || nc === undefined) {
    return undefined;
  }
  if (fields.get('qop')?.toLowerCase() !== 'auth' || !/^[\da-f]{8}$/i.test(nc)) return undefined;
  const label = fields.get('algorithm')?.toUpperCase() ?? 'MD5';
  if (!DIGEST_ALGORITHMS.some((known) => known === label)) return undefined;
  // The npm package webdav hashes with MD5 whatever the label that it copies from the last challenge: the length tells.
  const algorithm = /^[\da-f]{32}$/.test(response) ? 'MD5' : /^[\da-f]{64}$/.test(response) ? 'SHA-256' : undefined;
  return algorithm && { algorithm, user, realm, nonce, uri, cnonce, nc, response };
}

/** The response that somebody who knows the password sends (RFC 7616 §3.4.1). */
export function computeResponse(credentials: DigestCredentials, method: string, password: string): string {
  const { algorithm, user, realm, nonce, uri, cnonce, nc } = credentials;
  // node:http shows header bytes as Latin-1, so what came from a header is hashed as the bytes it was.
  const hash = (...parts: readonly Buffer[]) => {
    const digest = createHash(algorithm === 'MD5' ? 'md5' : 'sha256');
    for (const [index, part] of parts.entries()) digest.update(index === 0 ? '' : ':').update(part);
    return Buffer.from(digest.digest('hex'));
  };
  const sent = (text: string) => Buffer.from(text, 'latin1');
  const ha1 = hash(user, sent(realm), Buffer.from(password));
  const ha2 = hash(sent(method), sent(uri));
  return hash(ha1, sent(nonce), sent(nc), sent(cnonce), sent('auth'), ha2).toString();
}

/** `name=token` and `name="quoted string"`, separated by commas; undefined for anything else, and for a name given twice. */
function parseParameters(text: string): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  const parameter = /\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)/y;
  while (parameter.lastIndex < text.length) {
    const match = parameter.exec(text);
    const name = match?.[1]?.toLowerCase();
    if (!match || name === undefined || fields.has(name)) return undefined;
    fields.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '');
  }
  return fields;
}

/** `username`, or `username*` for names that a quoted string cannot hold (RFC 8187). */
function findUser(fields: ReadonlyMap<string, string>): Buffer | undefined {
  const plain = fields.get('username');
  const extended = fields.get('username*');
  if (plain !== undefined) return extended === undefined ? Buffer.from(plain, 'latin1') : undefined;
  const encoded = /^UTF-8'[^']*'(.*)$/i.exec(extended ?? '')?.[1];
  if (encoded === undefined) return undefined;
  try {
    return Buffer.from(decodeURIComponent(encoded));
  } catch {
    return undefined;
  }
}
