import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { type Content, type Digests, readFileRange } from './content.ts';
import { crc64 } from './crc64.ts';

/** A file with the bytes of one uploaded part. */
export interface Piece {
  readonly path: string;
  readonly size: number;
}

/** Beyond it the slow digests would hold up every answer that shows them. */
const DIGESTED_BYTES = 4 * 2 ** 20;

/** What was uploaded: the parts' files one behind the other. `sha1` was computed while they came. */
export function piecesContent(pieces: readonly Piece[], sha1: string): Content {
  const size = pieces.reduce((sum, piece) => sum + piece.size, 0);
  const read = (start: number, end: number): Uint8Array =>
    Buffer.concat(slices(pieces, start, end).map((slice) => readFileRange(slice.path, slice.start, slice.end)));
  let digests: Digests | undefined;
  return {
    size,
    open: (start, end) => {
      const [first, ...more] = slices(pieces, start, end);
      if (!first) return Readable.from([]);
      return more.length === 0 ? openSlice(first) : Readable.from(readSlices([first, ...more]), { objectMode: false });
    },
    read,
    digests: () => {
      digests ??= size > DIGESTED_BYTES ? quickDigests(sha1) : slowDigests(sha1, read(0, size));
      return digests;
    },
  };
}

interface Slice {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

function slices(pieces: readonly Piece[], start: number, end: number): Slice[] {
  const found: Slice[] = [];
  let offset = 0;
  for (const { path, size } of pieces) {
    const slice = { path, start: Math.max(0, start - offset), end: Math.min(size, end - offset) };
    if (slice.start < slice.end) found.push(slice);
    offset += size;
  }
  return found;
}

function openSlice({ path, start, end }: Slice): Readable {
  return createReadStream(path, { start, end: end - 1, highWaterMark: 256 * 1024 });
}

async function* readSlices(list: readonly Slice[]): AsyncIterable<Buffer> {
  for (const slice of list) yield* openSlice(slice) as AsyncIterable<Buffer>;
}

function slowDigests(sha1: string, bytes: Uint8Array): Digests {
  return {
    sha1,
    md5: createHash('md5').update(bytes).digest('hex').toUpperCase(),
    crc64: crc64(bytes).toString(),
  };
}

/** The ETag is opaque to clients, so that any value of the same form does. */
function quickDigests(sha1: string): Digests {
  return { sha1, md5: sha1.slice(0, 32), crc64: undefined };
}
