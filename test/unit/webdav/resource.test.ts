import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { toReadOptions } from '../../../src/webdav/resource.ts';

const FINDER = 'WebDAVFS/3.0.0 (03008000) Darwin/23.0.0';
const RCLONE = 'rclone/v1.66.0';

describe('whether a request may be answered from a while ago', () => {
  it.each([
    ['PROPFIND', { 'user-agent': FINDER }, true],
    ['GET', {}, true],
    ['HEAD', { 'user-agent': 'an unknown one' }, true],
    ['PROPFIND', { 'user-agent': RCLONE }, false],
    ['GET', { 'user-agent': FINDER, 'cache-control': 'no-cache' }, false],
    ['PROPFIND', { pragma: 'no-cache' }, false],
    ['PROPPATCH', { 'user-agent': FINDER }, false],
    ['MOVE', {}, false],
  ])('%s with %j: %s', (method, headers, mayBeStale) => {
    expect(toReadOptions({ method, headers } as unknown as IncomingMessage).mayBeStale).toBe(mayBeStale);
  });
});
