import { setTimeout as sleep } from 'node:timers/promises';

/** A body comes in pieces of so much time, as from a line that is narrow and not from one that stutters. */
const PIECE_MS = 50;
/** What a late timer may make up for; a client that did not read gains no speed by it. */
const CATCH_UP_MS = 200;

/** Lets so many bytes a second pass, the first of them at once. */
export function slowDown(bytesPerSecond: number): (body: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  const pieceBytes = Math.max(1, Math.floor((bytesPerSecond * PIECE_MS) / 1000));
  return async function* (body) {
    let dueAt = performance.now();
    for await (const chunk of body) {
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        const waitMs = dueAt - performance.now();
        if (waitMs > 0) await sleep(waitMs, undefined, { ref: false });
        const piece = chunk.subarray(at, at + pieceBytes);
        dueAt = Math.max(dueAt, performance.now() - CATCH_UP_MS) + (piece.length / bytesPerSecond) * 1000;
        yield piece;
      }
    }
  };
}
