import { describe, expect, it } from 'vitest';
import type { Exchange } from '../../../src/webdav/method.ts';
import { hasBody, readModificationTime, readPutRequest } from '../../../src/webdav/put-request.ts';

const HASH = '0123456789abcdef0123456789abcdef01234567';

function exchangeOf(headers: Record<string, string>, hasTrailingSlash = false): Exchange {
  return { request: { headers }, hasTrailingSlash } as unknown as Exchange;
}

describe('what a PUT says of its body', () => {
  it.each([
    [{ 'content-length': '12' }, { sizeBytes: 12, contentHash: undefined }],
    [{}, { sizeBytes: 0, contentHash: undefined }],
    [{ 'transfer-encoding': 'chunked' }, { sizeBytes: undefined, contentHash: undefined }],
    [{ 'transfer-encoding': 'chunked', 'x-expected-entity-length': ' 3000000 ' }, { sizeBytes: 3_000_000 }],
    [{ 'content-length': '1', 'x-expected-entity-length': '7' }, { sizeBytes: 1 }],
    [{ 'content-length': '1', 'oc-checksum': `SHA1:${HASH}` }, { contentHash: HASH.toUpperCase() }],
    [{ 'content-length': '1', 'oc-checksum': `MD5:abc sha1:${HASH}` }, { contentHash: HASH.toUpperCase() }],
    [{ 'content-length': '1', 'oc-checksum': 'ADLER32:1234' }, { contentHash: undefined }],
    [{ 'content-length': '1', 'content-encoding': 'identity' }, { sizeBytes: 1 }],
  ])('reads %o', (headers, expected) => {
    expect(readPutRequest(exchangeOf(headers))).toMatchObject(expected);
  });

  it.each([
    [{ 'content-range': 'bytes 0-1/2' }, false, 400],
    [{ 'transfer-encoding': 'chunked', 'x-expected-entity-length': 'many' }, false, 400],
    [{ 'oc-checksum': 'SHA1:short' }, false, 400],
    [{ 'content-encoding': 'gzip' }, false, 415],
    [{}, true, 405],
  ])('refuses %o', (headers, hasTrailingSlash, status) => {
    const read = () => readPutRequest(exchangeOf(headers as Record<string, string>, hasTrailingSlash));
    expect(read).toThrow(expect.objectContaining({ status }));
  });
});

describe('X-OC-Mtime', () => {
  it.each([
    ['1700000000', 1_700_000_000_000],
    ['1700000000.25', 1_700_000_000_250],
    ['1', 1000],
    // No date in an answer stands for these.
    ['0', undefined],
    ['-5', undefined],
    ['99999999999999', undefined],
    ['soon', undefined],
    ['', undefined],
  ])('"%s" is %s', (mtime, expected) => {
    expect(readModificationTime(exchangeOf({ 'x-oc-mtime': mtime }).request)).toBe(expected);
  });
});

describe('a body', () => {
  it.each([
    [{}, false],
    [{ 'content-length': '0' }, false],
    [{ 'content-length': '1' }, true],
    [{ 'transfer-encoding': 'chunked' }, true],
  ])('with %o: %s', (headers, expected) => {
    expect(hasBody(exchangeOf(headers as Record<string, string>).request)).toBe(expected);
  });
});
