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
export type HostGuard = (
  request: IncomingMessage,
  authority: string | undefined,
  forwardedHost: string | undefined,
) => Refusal | undefined;

export function createHostGuard(settings: HostGuardSettings): HostGuard {
  // Nearly every request names the host of the one before; parsing it anew cost a fifteenth of a redirect.
  let lastGood: string | undefined;

  return (request, authority, forwardedHost) => {
    const count = countHosts(request.rawHeaders);
    // RFC 9112 §3.2: exactly one valid Host, which only HTTP/1.0 may leave out.
    if (count > 1 || (count === 0 && request.httpVersion !== '1.0')) {
      return { status: 400, message: 'A request needs exactly one Host header.' };
    }
    const host = authority ?? request.headers.host;
    if (host !== undefined && host !== lastGood) {
      const refusal = judgeHost(host, settings);
      if (refusal) return refusal;
      lastGood = host;
    }
    const { origin } = request.headers;
    if (origin !== undefined && !isOwnOrigin(origin, [host, forwardedHost])) {
      return { status: 403, message: 'Web pages of other origins may not use this server.' };
    }
    return undefined;
  };
}

/** `headers` shows the first of several alone. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}

function judgeHost(host: string, { password, allow_anonymous }: HostGuardSettings): Refusal | undefined {
  const own = parseHost(host);
  if (own === undefined) return { status: 400, message: 'The Host header is malformed.' };
  if (password !== undefined || isBeyondRebinding(own.hostname, allow_anonymous)) return undefined;
  return {
    status: 403,
    message: `Without a password this server answers only to ${allow_anonymous ? 'addresses and local names' : 'localhost'}, not to the name in the Host header. Set ALIDAV_PASSWORD to serve under any name.`,
  };
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
