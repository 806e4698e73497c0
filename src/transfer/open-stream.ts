import type { Readable } from 'node:stream';
import { abortedError } from '../drive/abortable.ts';

/** A stream that knows when its first bytes are here, or that none will come. */
export interface OpeningStream extends Readable {
  open(): Promise<void>;
}

/** Waits for a stream's first bytes; from then on, too, the signal destroys it. Rejects with what destroyed it. */
export async function openStream(stream: OpeningStream, signal?: AbortSignal): Promise<Readable> {
  const leave = () => stream.destroy(signal && abortedError(signal));
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave, { once: true });
  stream.once('close', () => signal?.removeEventListener('abort', leave));
  // Whoever awaits the opening hears of its failure there.
  stream.on('error', () => {});
  await stream.open().catch((error: Error) => {
    stream.destroy();
    throw signal?.aborted ? abortedError(signal) : error;
  });
  return stream;
}
