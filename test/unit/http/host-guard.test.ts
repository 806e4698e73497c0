import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createHostGuard } from '../../../src/http/host-guard.ts';

interface Asked {
  readonly hosts?: readonly string[];
  readonly origin?: string;
  readonly version?: string;
  readonly authority?: string;
  readonly forwardedHost?: string;
  readonly password?: string;
  readonly anonymous?: boolean;
}

function statusFor({ hosts = ['localhost'], origin, version = '1.1', ...asked }: Asked): number | undefined {
  const request = {
    rawHeaders: ['Accept', '*/*', ...hosts.flatMap((host) => ['Host', host])],
    headers: { host: hosts[0], origin },
    httpVersion: version,
  } as unknown as IncomingMessage;
  const guard = createHostGuard({ password: asked.password, allow_anonymous: asked.anonymous ?? false });
  const first = guard(request, asked.authority, asked.forwardedHost)?.status;
  // What it remembers of a request changes nothing for the next.
  expect(guard(request, asked.authority, asked.forwardedHost)?.status).toBe(first);
  return first;
}

describe('the Host of a server without a password', () => {
  it.each([
    ...[
      'localhost',
      'LOCALHOST:8080',
      'localhost.',
      'drive.localhost',
      '127.0.0.1',
      '127.3.2.1:80',
      '[::1]:8080',
      '127.1',
    ],
  ])('may be %s', (host) => {
    expect(statusFor({ hosts: [host] })).toBeUndefined();
  });

  it.each([
    ...['evil.example', 'evil.example:8080', '192.168.1.2', 'nas', 'localhost.evil.example', '127.0.0.1.evil.example'],
    ...['notlocalhost', '[2001:db8::1]', '0.0.0.0'],
  ])('may not be %s', (host) => {
    expect(statusFor({ hosts: [host] })).toBe(403);
    expect(statusFor({ hosts: [host], password: 'secret' })).toBeUndefined();
  });

  it('counts where it is in the request target', () => {
    expect(statusFor({ authority: 'evil.example' })).toBe(403);
    expect(statusFor({ hosts: ['evil.example'], authority: 'localhost' })).toBeUndefined();
  });

  it('is not believed from a forwarding header', () => {
    expect(statusFor({ hosts: ['evil.example'], forwardedHost: 'localhost' })).toBe(403);
  });

  it.each(['192.168.1.2:8080', '[fd00::1]:8080', 'nas', 'nas.local', 'nas.lan', 'nas.home.arpa', 'localhost'])(
    'may be %s where the owner opened it to the network',
    (host) => {
      expect(statusFor({ hosts: [host], anonymous: true })).toBeUndefined();
    },
  );

  it.each(['evil.example', 'local.evil.example', 'nas.local.example'])('may not even then be %s', (host) => {
    expect(statusFor({ hosts: [host], anonymous: true })).toBe(403);
  });
});

describe('a Host that is no host', () => {
  it.each([
    ['missing', []],
    ['twice', ['localhost', 'localhost']],
    ['empty', ['']],
    ['with a path', ['localhost/a']],
    ['with a user', ['me@localhost']],
    ['with a blank', ['local host']],
    ['with a port that is none', ['localhost:99999']],
    ['broken IPv6', ['[::1']],
  ])('%s', (_what, hosts) => {
    expect(statusFor({ hosts, password: 'secret' })).toBe(400);
  });

  it('may be missing in HTTP/1.0', () => {
    expect(statusFor({ hosts: [], version: '1.0' })).toBeUndefined();
  });
});

describe('Origin', () => {
  it.each<[string, Asked, number | undefined]>([
    ['absent', {}, undefined],
    ['own', { hosts: ['localhost:8080'], origin: 'http://localhost:8080' }, undefined],
    ['own, default port spelled out', { hosts: ['nas.example:443'], origin: 'https://nas.example' }, undefined],
    ['own, other case', { hosts: ['NAS.example'], origin: 'https://nas.example' }, undefined],
    [
      'of the proxy',
      { hosts: ['127.0.0.1:8080'], forwardedHost: 'nas.example', origin: 'https://nas.example' },
      undefined,
    ],
    ['other host', { hosts: ['nas.example'], origin: 'https://evil.example' }, 403],
    ['other port', { hosts: ['localhost:8080'], origin: 'http://localhost:3000' }, 403],
    ['null', { origin: 'null' }, 403],
    ['empty', { origin: '' }, 403],
    ['an extension', { origin: 'chrome-extension://localhost' }, 403],
    ['two', { origin: 'http://localhost, http://evil.example' }, 403],
    ['any, when HTTP/1.0 names no host', { hosts: [], version: '1.0', origin: 'http://localhost' }, 403],
  ])('%s', (_what, asked, expected) => {
    expect(statusFor({ password: 'secret', ...asked })).toBe(expected);
  });
});
