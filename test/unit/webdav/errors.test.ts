import { describe, expect, it } from 'vitest';
import { DriveError, type DriveErrorCode } from '../../../src/drive/errors.ts';
import { DavError, statusOf } from '../../../src/webdav/errors.ts';
import { MemoryTree } from './memory-tree.ts';
import { serve } from './serve.ts';

async function answerTo(error: unknown, method = 'PROPFIND') {
  const tree = new MemoryTree({});
  tree.getError = error;
  const served = await serve(tree);
  const answer = await served.request(method, '/', { Depth: '0' });
  return { ...answer, record: served.records[0] };
}

describe('statusOf', () => {
  it.each<[DriveErrorCode, number]>([
    ['not-found', 404],
    ['already-exists', 409],
    ['not-a-folder', 409],
    ['is-a-folder', 405],
    ['blocked', 451],
    ['forbidden', 403],
    ['drive-locked', 423],
    ['quota-exhausted', 507],
    ['too-large', 413],
    ['name-refused', 400],
    ['invalid-request', 400],
    ['login-required', 503],
    ['throttled', 503],
    ['unavailable', 503],
    ['link-expired', 503],
    ['too-many-downloads', 503],
    ['content-mismatch', 502],
    ['range-not-satisfiable', 416],
    ['upload-session-gone', 503],
    ['rapid-proof-refused', 503],
    ['aborted', 499],
  ])('%s is %i', (code, status) => {
    expect(statusOf(new DriveError(code, ''))).toBe(status);
  });

  it('of a path through a file depends on what for it was asked', () => {
    const error = new DriveError('not-a-folder', '');
    expect(['GET', 'HEAD', 'PROPFIND', 'PUT', 'MKCOL'].map((method) => statusOf(error, method))).toEqual([
      404, 404, 404, 409, 409,
    ]);
  });

  it('takes our own word, and 500 for what is neither', () => {
    expect(statusOf(new DavError(412, ''))).toBe(412);
    expect(statusOf(new TypeError('x'))).toBe(500);
    expect(statusOf(undefined)).toBe(500);
  });
});

describe('an error answer', () => {
  it.each([
    [new DriveError('throttled', 'slow', { retryAfterMs: 1_001 }), '2'],
    [new DriveError('throttled', 'slow', { retryAfterMs: 1 }), '1'],
    [new DriveError('throttled', 'slow', { retryAfterMs: 0 }), '1'],
    [new DriveError('unavailable', 'gone'), '10'],
    [new DriveError('login-required', 'dead'), '60'],
  ])('503 says when to come back: %s', async (error, seconds) => {
    const { status, headers } = await answerTo(error);
    expect([status, headers['retry-after']]).toEqual([503, seconds]);
  });

  it('carries the message, is remembered by nobody, and goes to the record', async () => {
    const error = new DriveError('blocked', 'Withheld: 违规.');
    const { status, headers, body, record } = await answerTo(error);
    expect({ status, body }).toEqual({ status: 451, body: 'Withheld: 违规.\n' });
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
    });
    expect(headers).not.toHaveProperty('retry-after');
    expect(record?.error).toBe(error);
  });

  it('of an unknown kind tells nothing of what happened inside', async () => {
    const { status, body, record } = await answerTo(new TypeError('secret /home/me https://x/?sig=1'));
    expect(status).toBe(500);
    expect(body).toBe('The server failed to handle this request; its log tells why.\n');
    expect(record?.error).toBeInstanceOf(TypeError);
  });

  it('names its condition in XML', async () => {
    const { body, headers } = await answerTo(new DavError(403, 'text', { condition: 'no-external-entities' }));
    expect(headers['content-type']).toBe('application/xml; charset=utf-8');
    expect(body).toContain('<D:error xmlns:D="DAV:"><D:no-external-entities/></D:error>');
  });

  it('adds its headers', async () => {
    const { headers } = await answerTo(new DavError(416, 'text', { headers: { 'Content-Range': 'bytes */9' } }));
    expect(headers['content-range']).toBe('bytes */9');
  });

  it('replaces what was prepared for a good one', async () => {
    const served = await serve(new MemoryTree({}), async ({ response }) => {
      response.setHeader('Content-Length', 5).setHeader('ETag', '"x"').setHeader('Cache-Control', 'max-age=9');
      response.setHeader('Location', 'http://x/').setHeader('X-Request-Id', '7');
      throw new DriveError('not-found', 'no');
    });
    const { status, headers, body } = await served.request('GET', '/a');
    expect([status, body]).toEqual([404, 'no\n']);
    expect(headers).toMatchObject({ 'content-length': '3', 'cache-control': 'no-store', 'x-request-id': '7' });
    expect(headers).not.toHaveProperty('etag');
    expect(headers).not.toHaveProperty('location');
  });

  it('after the first byte cuts the connection', async () => {
    const served = await serve(new MemoryTree({}), async ({ response }) => {
      response.write('half');
      throw new DriveError('unavailable', 'lost');
    });
    const { status, body } = await served.request('GET', '/a');
    expect([status, body]).toEqual([200, 'half[cut]']);
    expect(served.settled).toBe(1);
  });

  it('to a HEAD has no body', async () => {
    const { status, body, headers } = await answerTo(new DriveError('not-found', 'no'), 'HEAD');
    expect([status, body, headers['content-length']]).toEqual([404, '', '3']);
  });
});
