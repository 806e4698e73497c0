import type { IncomingMessage } from 'node:http';
import { DavError } from './errors.ts';
import type { Lock } from './locks.ts';
import { DAV_NAMESPACE } from './xml.ts';
import { isDav, parseXml, type XmlElement } from './xml-parser.ts';

/** What a LOCK with a body asks for (RFC 4918 §14.11). */
export type LockInfo = Pick<Lock, 'scope' | 'ownerXml'>;

const MAX_TIMEOUT_S = 3600;
/** Comes with every listing of the folder. */
const MAX_OWNER_CHARS = 8 * 1024;

const SCOPES = ['exclusive', 'shared'] as const;

/** @throws DavError 400, 413 */
export function parseLockInfo(body: string): LockInfo {
  const root = parseXml(body, (ancestors, element) => ancestors.length === 1 && isDav(element, 'owner'));
  if (!isDav(root, 'lockinfo')) throw new DavError(400, 'The root element of a LOCK body must be DAV:lockinfo.');
  const scopes = childrenOf(root, 'lockscope').map(({ name }) => name);
  const types = childrenOf(root, 'locktype').map(({ name }) => name);
  const scope = SCOPES.find((known) => known === scopes[0]);
  if (!scope || scopes.length > 1) throw new DavError(400, 'DAV:lockscope must be DAV:exclusive or DAV:shared.');
  if (types.length !== 1 || types[0] !== 'write') throw new DavError(400, 'DAV:locktype must be DAV:write.');
  const ownerXml = root.children.find((child) => isDav(child, 'owner'))?.captured?.xml ?? '';
  if (ownerXml.length > MAX_OWNER_CHARS) throw new DavError(413, 'The DAV:owner of a lock is too long.');
  return { scope, ownerXml };
}

/** RFC 4918 §9.10.3; Explorer sends no Depth. @throws DavError 400 */
export function parseLockDepth({ headers }: IncomingMessage): Lock['depth'] {
  const depth = headers.depth?.toString().trim().toLowerCase() ?? 'infinity';
  if (depth === '0' || depth === 'infinity') return depth;
  throw new DavError(400, 'The Depth header of a LOCK must be 0 or infinity.');
}

/** The first wish that can be read (RFC 4918 §10.7), within our bounds; no header is as good as a senseless one. */
export function parseTimeout({ headers }: IncomingMessage): number {
  for (const wish of (headers.timeout?.toString() ?? '').split(',')) {
    if (/^\s*infinite\s*$/i.test(wish)) return MAX_TIMEOUT_S;
    const [, seconds] = /^\s*second-(\d+)\s*$/i.exec(wish) ?? [];
    if (seconds !== undefined) return Math.min(MAX_TIMEOUT_S, Math.max(1, Number(seconds)));
  }
  return MAX_TIMEOUT_S;
}

/** UNLOCK's header (RFC 4918 §10.5); the npm client leaves out the brackets. @throws DavError 400 */
export function parseLockToken({ headers }: IncomingMessage): string {
  const header = headers['lock-token']?.toString().trim() ?? '';
  const [, bracketed, bare] = /^(?:<\s*([^<>\s]+)\s*>|([^<>\s]+))$/.exec(header) ?? [];
  const token = bracketed ?? bare;
  if (token === undefined) throw new DavError(400, 'UNLOCK needs a Lock-Token header with one lock token.');
  return token;
}

function childrenOf(root: XmlElement, name: string): XmlElement[] {
  return root.children
    .filter((child) => isDav(child, name))
    .flatMap(({ children }) => children)
    .filter(({ namespace }) => namespace === DAV_NAMESPACE);
}
