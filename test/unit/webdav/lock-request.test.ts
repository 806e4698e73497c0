import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { parseLockDepth, parseLockInfo, parseLockToken, parseTimeout } from '../../../src/webdav/lock-request.ts';

const withHeaders = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage;
const info = (inner: string) => `<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:">${inner}</D:lockinfo>`;
const SCOPE = '<D:lockscope><D:exclusive/></D:lockscope>';
const TYPE = '<D:locktype><D:write/></D:locktype>';

describe('parseLockInfo', () => {
  it('reads what it needs and keeps the owner as it was written', () => {
    const owner = '<D:owner>\n<D:href>http://www.apple.com/?a&amp;b</D:href>\n</D:owner>';
    expect(parseLockInfo(info(`${SCOPE}${TYPE}${owner}`))).toEqual({
      scope: 'exclusive',
      ownerXml: '<D:owner xmlns:D="DAV:">\n<D:href>http://www.apple.com/?a&amp;b</D:href>\n</D:owner>',
    });
    const plain = '<lockinfo xmlns="DAV:"><locktype><write/></locktype> <lockscope><shared/></lockscope></lockinfo>';
    expect(parseLockInfo(plain)).toEqual({ scope: 'shared', ownerXml: '' });
  });

  it.each([
    ['another root', '<D:propfind xmlns:D="DAV:"/>'],
    ['no scope', info(TYPE)],
    ['no type', info(SCOPE)],
    ['both scopes', info(`<D:lockscope><D:exclusive/><D:shared/></D:lockscope>${TYPE}`)],
    ['an unknown scope', info(`<D:lockscope><D:local/></D:lockscope>${TYPE}`)],
    ['an unknown type', info(`${SCOPE}<D:locktype><D:read/></D:locktype>`)],
    ['a scope of no namespace', info(`<D:lockscope><exclusive/></D:lockscope>${TYPE}`)],
    ['no XML', 'lock it'],
  ])('refuses %s', (_what, body) => {
    expect(() => parseLockInfo(body)).toThrow(expect.objectContaining({ status: 400 }));
  });

  it('refuses an owner that would burden every listing', () => {
    const body = info(`${SCOPE}${TYPE}<D:owner>${'x'.repeat(9_000)}</D:owner>`);
    expect(() => parseLockInfo(body)).toThrow(expect.objectContaining({ status: 413 }));
  });
});

describe('the headers of LOCK', () => {
  it.each([
    [{}, 'infinity'],
    [{ depth: '0' }, '0'],
    [{ depth: 'Infinity' }, 'infinity'],
  ])('%j is Depth %s', (headers, depth) => {
    expect(parseLockDepth(withHeaders(headers))).toBe(depth);
  });

  it.each(['1', '', '00'])('Depth "%s" is refused', (depth) => {
    expect(() => parseLockDepth(withHeaders({ depth }))).toThrow(expect.objectContaining({ status: 400 }));
  });

  it.each([
    [undefined, 3600],
    ['Second-600', 600],
    ['second-1', 1],
    ['Second-0', 1],
    ['Second-4100000000', 3600],
    ['Second-99999999999999999999999', 3600],
    ['Infinite', 3600],
    ['Infinite, Second-4100000000', 3600],
    ['Second-30, Infinite', 30],
    ['Second--5', 3600],
    ['Soon, Second-7', 7],
    ['', 3600],
  ])('Timeout "%s" is %i s', (timeout, seconds) => {
    expect(parseTimeout(withHeaders(timeout === undefined ? {} : { timeout }))).toBe(seconds);
  });
});

describe('the Lock-Token of UNLOCK', () => {
  it.each([
    ['<urn:uuid:1>', 'urn:uuid:1'],
    [' < opaquelocktoken:1 > ', 'opaquelocktoken:1'],
    ['opaquelocktoken:1', 'opaquelocktoken:1'],
  ])('"%s"', (header, token) => {
    expect(parseLockToken(withHeaders({ 'lock-token': header }))).toBe(token);
  });

  it.each([undefined, '', '<>', '<a> <b>', '<a', 'a b', '(<a>)', 'a>'])('refuses "%s"', (header) => {
    const headers = header === undefined ? {} : { 'lock-token': header };
    expect(() => parseLockToken(withHeaders(headers))).toThrow(expect.objectContaining({ status: 400 }));
  });
});
