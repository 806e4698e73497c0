import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { DriveError } from '../drive/errors.ts';
import { type Blobs, BlobsFullError, type BlobWriter } from '../state/blobs.ts';

export interface JunkContent {
  readonly blob: string;
  readonly sizeBytes: number;
  /** SHA-1, upper-case hex. */
  readonly contentHash: string;
}

export interface JunkContentDeps {
  readonly blobs: Blobs;
  readonly maxFileBytes: number;
  /** Drives out others, before so many bytes more are written. */
  readonly makeRoom: (bytes: number) => Promise<void>;
}

/**
 * Brings a body to the disk.
 * @param sizeBytes as announced
 * @throws DriveError `too-large`, `bad-body`, `spool-full`, `aborted`; then nothing is left on the disk
 */
export async function receiveJunk(
  deps: JunkContentDeps,
  body: Readable,
  sizeBytes: number | undefined,
): Promise<JunkContent> {
  let writer: BlobWriter | undefined;
  try {
    writer = await deps.blobs.create();
    const { written, contentHash } = await copyInto(deps, writer, body, sizeBytes);
    if (sizeBytes !== undefined && written < sizeBytes) throw badBody();
    await writer.finish();
    return { blob: writer.name, sizeBytes: written, contentHash };
  } catch (error) {
    await writer?.discard();
    throw toDriveError(error);
  }
}

async function copyInto(
  { makeRoom, maxFileBytes }: JunkContentDeps,
  writer: BlobWriter,
  body: Readable,
  sizeBytes: number | undefined,
): Promise<{ written: number; contentHash: string }> {
  const hash = createHash('sha1');
  let written = 0;
  // What is refused in the middle is left to the caller, who may still answer on its connection.
  const chunks: AsyncIterable<Uint8Array> = body.iterator({ destroyOnReturn: false });
  for await (const chunk of chunks) {
    written += chunk.length;
    if (sizeBytes !== undefined && written > sizeBytes) throw badBody();
    if (written > maxFileBytes) {
      throw new DriveError('too-large', 'This file is larger than what is kept beside the drive.');
    }
    hash.update(chunk);
    await makeRoom(chunk.length);
    await writer.write(chunk);
  }
  return { written, contentHash: hash.digest('hex').toUpperCase() };
}

function badBody(): DriveError {
  return new DriveError('bad-body', 'The body is not as long as was announced.');
}

/** How a request's body ends when its client has gone. */
const LEFT_EARLY = ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET'];

function toDriveError(error: unknown): unknown {
  if (error instanceof BlobsFullError) {
    return new DriveError('spool-full', 'The disk space for what is kept beside the drive is full.', { cause: error });
  }
  if (error instanceof Error && 'code' in error && LEFT_EARLY.includes(String(error.code))) {
    return new DriveError('aborted', 'The client left before the end of the body.', { cause: error });
  }
  return error;
}
