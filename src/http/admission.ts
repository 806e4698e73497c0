import type { IncomingMessage } from 'node:http';
import type { Authenticate } from './authentication.ts';
import type { Peer } from './forwarded.ts';
import type { HostGuard } from './host-guard.ts';
import type { Refusal } from './refusal.ts';
import { parseTarget } from './url-guard.ts';

/** The one name of the root that is not the drive's. */
const ADMIN_ROOT = '/.alidav';

export interface AdmissionRules {
  readonly guardHost: HostGuard;
  readonly openAdminPaths: readonly string[];
  readonly authenticate: Authenticate;
}

export interface Admission {
  /** What the request names, decoded; undefined when that cannot be read. */
  readonly path: string | undefined;
  /** Why it goes no further. */
  readonly refusal: Refusal | undefined;
}

/** All that a request has to pass, the cheapest first. Leaves its url and Host in the form that handlers rely on. */
export function admit(request: IncomingMessage, peer: Peer, rules: AdmissionRules): Admission {
  const { method = '', url: asSent = '' } = request;
  const target = parseTarget(method, asSent);
  if ('status' in target) return { path: undefined, refusal: target };
  request.url = target.url;
  const refusal =
    rules.guardHost(request, target.authority, peer.forwardedHost) ??
    checkExpectation(request) ??
    (isOpen(request, target.path, rules) ? undefined : rules.authenticate(request, asSent, peer.address));
  if (target.authority !== undefined) request.headers.host = target.authority;
  return { path: target.path, refusal };
}

/** HTTP/1.0 knew no expectations: RFC 9110 §10.1.1 has them ignored there. */
function checkExpectation({ headers, httpVersion }: IncomingMessage): Refusal | undefined {
  if (headers.expect === undefined || httpVersion === '1.0' || /^100-continue$/i.test(headers.expect)) return undefined;
  return { status: 417, message: 'Only "Expect: 100-continue" is understood.' };
}

/** OPTIONS is how clients find out what stands here, many before they ask for a password; it tells nothing of the drive. */
function isOpen({ method, headers }: IncomingMessage, path: string, { openAdminPaths }: AdmissionRules): boolean {
  if (openAdminPaths.includes(path)) return true;
  return method === 'OPTIONS' && headers.authorization === undefined && !isAdminPath(path);
}

export function isAdminPath(path: string): boolean {
  return path === ADMIN_ROOT || path.startsWith(`${ADMIN_ROOT}/`);
}
