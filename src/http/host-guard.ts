import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopbackHost } from '../config/loopback.ts';
import type { Refusal } from './refusal.ts';

export interface HostGuardSettings {
  readonly password: string | undefined;
  readonly allow_anonymous: boolean;
}

/** What a page on the web cannot own: a name without a dot, or one under a domain kept for private networks. */
const PRIVATE_NAME = /^(?:[^.]+|.+\.(?:local|lan|internal|home\.arpa))$/;

/**
 * Refuses requests that a foreign web page makes a browser send: those whose Origin is another host's, and, where no
 * password stands in the way, those whose Host could be a name of the attacker's that was rebound to this address.
 * @param authority the host of an absolute-form target, which then counts instead of the Host header.
 * @param forwardedHost the host that the client asked a trusted proxy for.
 */
export function checkHost(
  request: IncomingMessage,
  authority: string | undefined,
  forwardedHost: string | undefined,
  { password, allow_anonymous }: HostGuardSettings,
): Refusal | undefined {
  const hosts = request.headersDistinct.host ?? [];
  // RFC 9112 §3.2: exactly one valid Host, which only HTTP/1.0 may leave out.
  if (hosts.length > 1 || (hosts.length === 0 && request.httpVersion !== '1.0')) {
    return { status: 400, message: 'A request needs exactly one Host header.' };
  }
  const host = authority ?? hosts[0];
  const own = host === undefined ? undefined : parseHost(host);
  if (host !== undefined && own === undefined) return { status: 400, message: 'The Host header is malformed.' };
  if (password === undefined && own !== undefined && !isBeyondRebinding(own.hostname, allow_anonymous)) {
    return {
      status: 403,
      message: `Without a password this server answers only to ${allow_anonymous ? 'addresses and local names' : 'localhost'}, not to the name in the Host header. Set ALIDAV_PASSWORD to serve under any name.`,
    };
  }
  const { origin } = request.headers;
  if (origin !== undefined && !isOwnOrigin(origin, [host, forwardedHost])) {
    return { status: 403, message: 'Web pages of other origins may not use this server.' };
  }
  return undefined;
}

/**
 * Rebinding needs a name that the attacker's DNS answers for. Loopback names and addresses are none. An owner who opened
 * the server to the network without a password reaches it by its address or by a local name, so these will do there too.
 */
function isBeyondRebinding(hostname: string, allowAnonymous: boolean): boolean {
  if (isLoopbackHost(hostname)) return true;
  return allowAnonymous && (isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0 || PRIVATE_NAME.test(hostname));
}

/** `null`, the origin of sandboxed frames and local files, parses as no URL and so is nobody's own. */
function isOwnOrigin(origin: string, hosts: readonly (string | undefined)[]): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  return hosts.some((own) => own !== undefined && parseHost(own, protocol)?.host === host);
}

/** A Host as browsers write it: lower case, without the scheme's own port, odd spellings of IPv4 made plain. */
function parseHost(host: string, protocol = 'http:'): URL | undefined {
  if (!/^(?:\[[\da-f:.]+\]|[^\s/?#@:[\]\\]+)(?::\d*)?$/i.test(host)) return undefined;
  const url = `${protocol}//${host}/`;
  return URL.canParse(url) ? new URL(url) : undefined;
}
