import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createPeerReader } from '../../../src/http/forwarded.ts';

function requestFrom(remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

describe('createPeerReader', () => {
  const readPeer = createPeerReader(['127.0.0.1', '10.0.0.0/8', 'fd00::/8']);

  it.each([
    ['a stranger', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['one proxy', '127.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['an invented hop on the left', '127.0.0.1', '1.2.3.4, 198.51.100.1', '198.51.100.1'],
    ['two proxies', '127.0.0.1', '198.51.100.1, 10.1.2.3', '198.51.100.1'],
    ['proxies alone', '127.0.0.1', '10.0.0.2, 10.0.0.1', '10.0.0.2'],
    ['nothing said', '127.0.0.1', '', '127.0.0.1'],
    ['rubbish', '127.0.0.1', 'unknown', '127.0.0.1'],
    ['rubbish before an address', '127.0.0.1', 'constructor, 10.0.0.1', '10.0.0.1'],
    ['an IPv4 peer on a dual-stack socket', '::ffff:10.9.9.9', '::ffff:198.51.100.7', '198.51.100.7'],
    ['a port', '127.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['brackets and a port', 'fd00::1', '[2001:db8::7]:4711', '2001:db8::7'],
    ['a zone', 'fe80::1%eth0', '198.51.100.1', 'fe80::1'],
    ['nobody any more', '', '198.51.100.1', ''],
  ])('finds the client behind %s', (_what, remote, forwardedFor, expected) => {
    const peer = readPeer(requestFrom(remote, forwardedFor ? { 'x-forwarded-for': forwardedFor } : {}));
    expect(peer.address).toBe(expected);
  });

  it('believes the host of a trusted proxy alone, and removes the words of others', () => {
    const headers = { 'x-forwarded-host': 'nas.example', 'x-forwarded-proto': 'https', forwarded: 'for=1.2.3.4' };
    expect(readPeer(requestFrom('10.0.0.1', { ...headers })).forwardedHost).toBe('nas.example');
    const request = requestFrom('11.0.0.1', { ...headers, accept: '*/*' });
    expect(readPeer(request).forwardedHost).toBeUndefined();
    expect(request.headers).toEqual({ accept: '*/*' });
  });
});
