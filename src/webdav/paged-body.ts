import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';

/** Small enough for a first byte within a millisecond, large enough that a write costs nothing beside the rendering. */
const CHUNK_CHARS = 64 * 1024;

export interface PagedBody<Item> {
  readonly head: string;
  readonly pages: AsyncIterable<readonly Item[]>;
  render(item: Item): string;
  readonly tail: string;
}

/**
 * Writes a body page by page as the pages arrive, and ends the response. Nothing is sent before the first page is
 * there, so that its failure can still become an error status; a later one rejects with the body left open.
 */
export async function writePagedBody<Item>(
  response: ServerResponse,
  body: PagedBody<Item>,
  signal: AbortSignal,
): Promise<void> {
  let chunk = body.head;
  for await (const page of body.pages) {
    for (const item of page) {
      chunk += body.render(item);
      if (chunk.length < CHUNK_CHARS) continue;
      await writeChunk(response, chunk, signal);
      chunk = '';
    }
    if (chunk !== '') await writeChunk(response, chunk, signal);
    chunk = '';
  }
  response.end(chunk + body.tail);
}

async function writeChunk(response: ServerResponse, chunk: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (!response.write(chunk)) await once(response, 'drain', { signal });
  // A fast socket drains within the same turn of the event loop: others get theirs only if we wait for the next.
  await setImmediate(undefined, { signal });
}
