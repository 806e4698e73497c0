import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Calls } from '../calls.ts';
import type { FaultAction } from '../faults.ts';
import { breakOff } from '../send-reply.ts';
import type { Content } from '../store/content.ts';
import type { Slice } from './range.ts';
import { slowDown } from './slow-body.ts';

interface BodyOptions {
  /** The drive counts it to the application's simultaneous downloads. */
  readonly counted: boolean;
  readonly calls: Calls;
  readonly bytesPerSecond: number | null;
  readonly fault: Extract<FaultAction, { kind: 'cut' | 'reset-after' | 'stall' }> | undefined;
}

/** Sends a slice no faster than the client reads it; resolves when the body has ended, one way or another. */
export async function sendBody(
  response: ServerResponse,
  content: Content,
  { start, end }: Slice,
  { counted, calls, bytesPerSecond, fault }: BodyOptions,
): Promise<void> {
  const { socket } = response;
  const sentBefore = socket?.bytesWritten ?? 0;
  let isOpen = true;
  calls.openBody(counted);
  const close = () => {
    if (isOpen) calls.closeBody(counted, (socket?.bytesWritten ?? 0) - sentBefore);
    isOpen = false;
  };
  // Whichever is first: with keep-alive the connection outlives the body.
  response.once('finish', close).once('close', close);
  // A fault may let no byte follow the head, which would then never leave.
  if (fault) response.flushHeaders();
  const source = content.open(start, fault ? Math.min(end, start + fault.bytes) : end);
  try {
    if (bytesPerSecond === null) await pipeline(source, response, { end: !fault });
    else await pipeline(source, slowDown(bytesPerSecond), response, { end: !fault });
    if (fault) breakOff(response, fault.kind);
  } catch {
    // The client has gone, which is its right.
    response.destroy();
  }
}
