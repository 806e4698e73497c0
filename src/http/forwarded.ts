import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Who sent a request, as far as it can be known. */
export interface Peer {
  /** The client's own IP address; IPv4 in its plain form. */
  readonly address: string;
  /** The host that the client asked the trusted proxy for. */
  readonly forwardedHost: string | undefined;
}

const FORWARDED_HEADERS = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'];

/**
 * Makes the reader of a request's peer. What a proxy says about it counts only when the proxy is one of `trustedProxies`
 * (addresses and CIDR ranges); anybody else's words are removed, so that nobody further in can be fooled by them.
 */
export function createPeerReader(trustedProxies: readonly string[]): (request: IncomingMessage) => Peer {
  const trusted = new BlockList();
  for (const item of trustedProxies) {
    const [address = '', bits] = item.split('/');
    if (bits === undefined) trusted.addAddress(address, familyOf(address));
    else trusted.addSubnet(address, Number(bits), familyOf(address));
  }
  const isTrusted = (address: string) =>
    trustedProxies.length > 0 && isIP(address) !== 0 && trusted.check(address, familyOf(address));

  return ({ socket, headers }) => {
    const direct = toPlainAddress(socket.remoteAddress ?? '');
    if (!isTrusted(direct)) {
      for (const name of FORWARDED_HEADERS) delete headers[name];
      return { address: direct, forwardedHost: undefined };
    }
    return {
      address: findClient(direct, String(headers['x-forwarded-for'] ?? ''), isTrusted),
      forwardedHost:
        String(headers['x-forwarded-host'] ?? '')
          .split(',', 1)[0]
          ?.trim() || undefined,
    };
  };
}

/** Walks the list from the nearest hop: the first address that is no proxy of ours is the client; what is left of it may be invented. */
function findClient(direct: string, forwardedFor: string, isTrusted: (address: string) => boolean): string {
  let client = direct;
  for (const hop of forwardedFor.split(',').reverse()) {
    const address = toPlainAddress(hop.trim());
    if (isIP(address) === 0) break;
    client = address;
    if (!isTrusted(address)) break;
  }
  return client;
}

/** `::ffff:10.0.0.1` is how a dual-stack socket shows an IPv4 peer; some proxies add a port, or brackets around IPv6. */
function toPlainAddress(text: string): string {
  const bare = text.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1');
  return bare.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
