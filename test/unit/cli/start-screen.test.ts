import { describe, expect, it } from 'vitest';
import { findOutsideAddress, formatStartScreen } from '../../../src/cli/start-screen.ts';
import { loadConfig } from '../../../src/config/load.ts';

function screen(url: string, env: Readonly<Record<string, string>>, outsideAddress: string | undefined): string {
  const { settings } = loadConfig({ flags: {}, env, workingDir: '/nowhere', configFile: undefined });
  return formatStartScreen({ version: '1.2.3', url, served: 'a drive', isDemo: false, settings, outsideAddress });
}

const LOCKED = { ALIDAV_USER: 'me', ALIDAV_PASSWORD: 'secret' };

describe('the start screen', () => {
  it.each([
    ['0.0.0.0', 'http://127.0.0.1:8080/', '192.0.2.7', 'http://192.0.2.7:8080/'],
    ['::', 'https://[::1]:8443/', '192.0.2.7', 'https://192.0.2.7:8443/'],
    ['0.0.0.0', 'http://127.0.0.1:8080/', undefined, 'http://127.0.0.1:8080/'],
    ['127.0.0.1', 'http://127.0.0.1:8080/', '192.0.2.7', 'http://127.0.0.1:8080/'],
    ['192.0.2.9', 'http://192.0.2.9:8080/', '192.0.2.7', 'http://192.0.2.9:8080/'],
  ])('of a server on %s at %s names %s as %s', (host, url, outsideAddress, shown) => {
    const text = screen(url, { ...LOCKED, ALIDAV_HOST: host }, outsideAddress);
    expect(text).toContain(`Connect to Server: ${shown}\n`);
    expect(text).toContain(`dav${shown.startsWith('https') ? 's' : ''}://${new URL(shown).host}/`);
  });

  it('tells which protections are on, and no password', () => {
    expect(screen('http://127.0.0.1:8080/', {}, undefined)).toMatch(
      /password +none set\n +network +this machine only\n/,
    );
    const open = screen('http://127.0.0.1:8080/', { ...LOCKED, ALIDAV_HOST: '0.0.0.0' }, undefined);
    expect(open).toMatch(/password +asked for .*\n +network +reachable from other machines/);
    expect(open).not.toContain('secret');
    const anonymous = { ALIDAV_HOST: '0.0.0.0', ALIDAV_ALLOW_ANONYMOUS: 'true' };
    expect(screen('http://127.0.0.1:8080/', anonymous, undefined)).toMatch(/password +NONE/);
  });
});

describe('what the start screen says of writing', () => {
  it.each([
    [{}, /writing +allowed; what is deleted goes to the recycle bin\n/],
    [{ ALIDAV_TRASH: 'false' }, /writing +allowed; what is deleted is GONE FOR GOOD/],
    [{ ALIDAV_READ_ONLY: 'true' }, /writing +refused/],
  ])('with %o', (env, expected) => {
    expect(screen('http://127.0.0.1:8080/', env, undefined)).toMatch(expected);
  });
});

describe('findOutsideAddress', () => {
  const address = { netmask: '', mac: '', cidr: null };
  const loopback = { ...address, family: 'IPv4' as const, address: '127.0.0.1', internal: true };
  const v6 = { ...address, family: 'IPv6' as const, address: 'fe80::1', internal: false, scopeid: 2 };
  const v4 = { ...address, family: 'IPv4' as const, address: '192.0.2.7', internal: false };

  it.each([
    [{ lo: [loopback], eth0: [v6, v4] }, '192.0.2.7'],
    [{ lo: [loopback], eth0: undefined }, undefined],
  ])('finds in %j', (interfaces, expected) => {
    expect(findOutsideAddress(interfaces)).toBe(expected);
  });
});
