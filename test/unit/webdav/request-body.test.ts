import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readXmlBody } from '../../../src/webdav/request-body.ts';

function requestOf(chunks: readonly (string | Buffer)[], headers: Record<string, string> = {}): IncomingMessage {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return Object.assign(stream, { headers }) as unknown as IncomingMessage;
}

const LIMIT = 256 * 1024;

describe('readXmlBody', () => {
  it.each([
    ['nothing', [], ''],
    ['a character cut in two', [Buffer.from([0xe6, 0x96]), Buffer.from([0x87])], '文'],
    ['a UTF-8 byte order mark', ['\ufeff<a/>'], '<a/>'],
    ['UTF-16, little end first', [Buffer.from('\ufeff<文/>', 'utf16le')], '<文/>'],
    ['UTF-16, big end first', [Buffer.from('\ufeff<文/>', 'utf16le').swap16()], '<文/>'],
    ['the longest body', ['x'.repeat(LIMIT)], 'x'.repeat(LIMIT)],
  ])('reads %s', async (_what, chunks, expected) => {
    expect(await readXmlBody(requestOf(chunks))).toBe(expected);
  });

  it.each([
    ['bytes that are no UTF-8', [Buffer.from([0xff])], {}, 400],
    ['half a UTF-16 character', [Buffer.from([0xfe, 0xff, 0x00])], {}, 400],
    ['a compressed body', ['x'], { 'content-encoding': 'gzip' }, 415],
    ['a length that says too much', ['x'], { 'content-length': '8589934592' }, 413],
    ['more than it may be', ['x'.repeat(LIMIT), 'x'], {}, 413],
  ])('refuses %s', async (_what, chunks, headers, status) => {
    await expect(readXmlBody(requestOf(chunks, headers))).rejects.toMatchObject({ name: 'DavError', status });
  });

  it('leaves a refused request open for its answer', async () => {
    const request = requestOf(['x'.repeat(LIMIT), 'x', 'y']);
    await expect(readXmlBody(request)).rejects.toMatchObject({ status: 413 });
    expect(request.destroyed).toBe(false);
    expect(request.isPaused()).toBe(true);
  });

  it.each([true, false])('gives up when the client leaves, even before we look: %s', async (isGone) => {
    const stream = new PassThrough();
    const request = Object.assign(stream, { headers: {} }) as unknown as IncomingMessage;
    if (isGone) {
      stream.destroy();
      await EventEmitter.once(stream, 'close');
    }
    const reading = readXmlBody(request);
    stream.destroy();
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });
});
