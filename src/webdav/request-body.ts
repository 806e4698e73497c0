import type { IncomingMessage } from 'node:http';
import { DriveError } from '../drive/errors.ts';
import { DavError } from './errors.ts';

/** No client's XML is near this long; what is longer means harm. */
const MAX_XML_BYTES = 256 * 1024;

/**
 * Reads an XML body whole, of declared length or chunked; an absent one is empty.
 * @throws DavError 413, 415 for a compressed body, 400 for bytes that are no text; the rest of the body stays unread.
 */
export async function readXmlBody(request: IncomingMessage): Promise<string> {
  const coding = request.headers['content-encoding'] ?? 'identity';
  if (coding.toLowerCase() !== 'identity') {
    throw new DavError(415, 'A compressed request body is not understood.', {
      headers: { 'Accept-Encoding': 'identity' },
    });
  }
  if (Number(request.headers['content-length'] ?? 0) > MAX_XML_BYTES) throw tooLarge();
  return decode(await readBytes(request));
}

/** By events: leaving an iteration would destroy the request and, with it, the connection that the refusal needs. */
function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (act: () => void) => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).pause();
      act();
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_XML_BYTES) settle(() => reject(tooLarge()));
      else chunks.push(chunk);
    };
    const onEnd = () => settle(() => resolve(Buffer.concat(chunks)));
    const onClose = () =>
      settle(() => reject(new DriveError('aborted', 'The client left before its request was whole.')));
    if (request.destroyed) onClose();
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

/** RFC 4918 §8.2: UTF-8 and UTF-16 are understood, the latter told by its byte order mark. */
function decode(bytes: Buffer): string {
  const mark = bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
  const encoding = mark === 0xfeff ? 'utf-16be' : mark === 0xfffe ? 'utf-16le' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DavError(400, `The request body is not valid ${encoding.toUpperCase()}.`, { cause });
  }
}

function tooLarge(): DavError {
  return new DavError(413, `An XML request body may have ${MAX_XML_BYTES / 1024} KiB at most.`);
}
