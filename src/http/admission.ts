import type { IncomingMessage } from 'node:http';
import type { Authenticate } from './authentication.ts';
import type { Peer } from './forwarded.ts';
import { checkHost, type HostGuardSettings } from './host-guard.ts';
import type { Refusal } from './refusal.ts';
import { parseTarget } from './url-guard.ts';

/** The one name of the root that is not the drive's. */
const ADMIN_ROOT = '/.alidav';

export interface AdmissionRules {
  readonly settings: HostGuardSettings;
  readonly openAdminPaths: readonly string[];
  readonly authenticate: Authenticate;
}

/** All that a request has to pass, the cheapest first. Leaves its url and Host in the form that handlers rely on. */
export function admit(
  request: IncomingMessage,
  peer: Peer,
  { settings, openAdminPaths, authenticate }: AdmissionRules,
): { readonly path: string } | Refusal {
  const { method = '', url: asSent = '', headers } = request;
  const target = parseTarget(method, asSent);
  if ('status' in target) return target;
  request.url = target.url;
  const refusal = checkHost(request, target.authority, peer.forwardedHost, settings);
  if (refusal) return refusal;
  if (target.authority !== undefined) headers.host = target.authority;
  // HTTP/1.0 knew no expectations: RFC 9110 §10.1.1 has them ignored there.
  if (headers.expect !== undefined && request.httpVersion !== '1.0' && !/^100-continue$/i.test(headers.expect)) {
    return { status: 417, message: 'Only "Expect: 100-continue" is understood.' };
  }
  if (isOpen(request, target.path, openAdminPaths)) return target;
  return authenticate(request, asSent, peer.address) ?? target;
}

/** OPTIONS is how clients find out what stands here, many before they ask for a password; it tells nothing of the drive. */
function isOpen({ method, headers }: IncomingMessage, path: string, openAdminPaths: readonly string[]): boolean {
  if (openAdminPaths.includes(path)) return true;
  return method === 'OPTIONS' && headers.authorization === undefined && !isAdminPath(path);
}

export function isAdminPath(path: string): boolean {
  return path === ADMIN_ROOT || path.startsWith(`${ADMIN_ROOT}/`);
}
