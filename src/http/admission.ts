import type { IncomingMessage } from 'node:http';
import { isAdminPath } from './admin-path.ts';
import type { Authenticate } from './authentication.ts';
import type { Peer } from './forwarded.ts';
import type { HostGuard } from './host-guard.ts';
import { type PrivateAddress, parsePrivateAddress } from './private-address.ts';
import type { Refusal } from './refusal.ts';
import { refuseGuesser, type Throttle } from './throttle.ts';
import { parseTarget } from './url-guard.ts';

export interface AdmissionRules {
  readonly guardHost: HostGuard;
  readonly openAdminPaths: readonly string[];
  readonly authenticate: Authenticate;
  /** Of those who guess passwords or tokens. */
  readonly throttle: Throttle;
}

export interface Admission {
  /** What the request names, decoded; undefined when that cannot be read. */
  readonly path: string | undefined;
  /** Set where a link token stands in the place of credentials; whether it is a good one is still to be found out. */
  readonly privateAddress: PrivateAddress | undefined;
  /** Why it goes no further. */
  readonly refusal: Refusal | undefined;
}

/** All that a request has to pass, the cheapest first. Leaves its url and Host in the form that handlers rely on. */
export function admit(request: IncomingMessage, peer: Peer, rules: AdmissionRules): Admission {
  const { method = '', url: asSent = '' } = request;
  const target = parseTarget(method, asSent);
  if ('status' in target) return { path: undefined, privateAddress: undefined, refusal: target };
  request.url = target.url;
  const privateAddress = parsePrivateAddress(target.path);
  const refusal =
    rules.guardHost(request, target.authority, peer.forwardedHost) ??
    checkExpectation(request) ??
    (privateAddress
      ? refuseGuesser(rules.throttle, peer.address)
      : isOpen(request, target.path, rules)
        ? undefined
        : rules.authenticate(request, asSent, peer.address));
  if (target.authority !== undefined) request.headers.host = target.authority;
  return { path: target.path, privateAddress, refusal };
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
