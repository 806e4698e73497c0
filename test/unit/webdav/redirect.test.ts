import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { DeliveryRequest } from '../../../src/transfer/delivery.ts';
import { nameClient, toDeliveryRequest } from '../../../src/webdav/redirect.ts';

function requestWith(headers: IncomingHttpHeaders, socket: object = {}): IncomingMessage {
  return { headers, socket } as unknown as IncomingMessage;
}

const PLAIN: Omit<DeliveryRequest, 'isSmallRead'> = {
  hasOrigin: false,
  hasReferer: false,
  hasRange: false,
  credentials: 'none',
  isSecure: false,
};

describe('toDeliveryRequest', () => {
  it.each<[string, IncomingHttpHeaders, Partial<DeliveryRequest>]>([
    ['nothing', {}, {}],
    ['an Origin', { origin: 'http://localhost' }, { hasOrigin: true }],
    ['a Referer', { referer: 'http://localhost/' }, { hasReferer: true }],
    ['an empty Referer, by which rclone is kept from sending one', { referer: '' }, {}],
    ['a Range', { range: 'bytes=0-' }, { hasRange: true }],
    ['Basic, in any case', { authorization: 'bAsIc eA==' }, { credentials: 'basic' }],
    ['Digest', { authorization: 'Digest username="x"' }, { credentials: 'digest' }],
    ['another scheme', { authorization: 'Bearer x' }, {}],
    ['https at a trusted proxy', { 'x-forwarded-proto': 'https' }, { isSecure: true }],
    ['https at the first of two', { 'x-forwarded-proto': ' HTTPS , http' }, { isSecure: true }],
    ['http at the first of two', { 'x-forwarded-proto': 'http, https' }, {}],
  ])('sees %s', (_what, headers, expected) => {
    expect(toDeliveryRequest(requestWith(headers))).toEqual({ ...PLAIN, ...expected });
  });

  it('sees a TLS connection of our own', () => {
    expect(toDeliveryRequest(requestWith({}, { encrypted: true })).isSecure).toBe(true);
  });
});

describe('nameClient', () => {
  const from = (remoteAddress: string, headers: IncomingHttpHeaders) =>
    nameClient(requestWith(headers, { remoteAddress }));

  it.each<[string, string, IncomingHttpHeaders]>([
    ['address', '10.0.0.2', { 'user-agent': 'curl/8' }],
    ['program', '10.0.0.1', { 'user-agent': 'Wget/1' }],
    ['word of a trusted proxy', '10.0.0.1', { 'user-agent': 'curl/8', 'x-forwarded-for': '192.0.2.1' }],
  ])('tells clients apart by their %s', (_, address, headers) => {
    const one = from('10.0.0.1', { 'user-agent': 'curl/8' });
    expect(from('10.0.0.1', { 'user-agent': 'curl/8' })).toBe(one);
    expect(from(address, headers)).not.toBe(one);
  });

  it('does not grow with what a client sends', () => {
    expect(from('10.0.0.1', { 'user-agent': 'x'.repeat(10_000), 'x-forwarded-for': 'y'.repeat(10_000) }).length).toBe(
      410,
    );
  });
});
