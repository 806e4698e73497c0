import type { ServerResponse } from 'node:http';
import type { FaultAction, LostAnswer } from './faults.ts';
import type { Reply } from './reply.ts';

/** Writes an answer, whole or spoilt as a fault asks. */
export async function sendReply(response: ServerResponse, reply: Reply, fault?: FaultAction): Promise<void> {
  const isText = typeof reply.body === 'string';
  const text = isText ? String(reply.body) : reply.body === undefined ? '' : JSON.stringify(reply.body);
  let body = Buffer.from(text);
  if (fault?.kind === 'half-json') body = body.subarray(0, Math.floor(body.length / 2));
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
  response.writeHead(reply.status, {
    ...(body.length > 0 && { 'Content-Type': type }),
    // RFC 9110 §8.6: none with a 204.
    ...(reply.status !== 204 && { 'Content-Length': body.length }),
    ...reply.headers,
  });
  if (fault?.kind === 'cut' || fault?.kind === 'reset-after' || fault?.kind === 'stall') {
    response.flushHeaders();
    await new Promise<void>((resolve) => response.write(body.subarray(0, fault.bytes), () => resolve()));
    breakOff(response, fault.kind);
    return;
  }
  response.end(body);
}

/** Ends a body before its time: by an orderly close, by a reset, or by saying nothing more. */
export function breakOff(response: ServerResponse, how: 'cut' | 'reset-after' | 'stall'): void {
  if (how === 'cut') response.socket?.destroySoon();
  if (how === 'reset-after') response.socket?.resetAndDestroy();
}

/** What the call did stays done, but its caller does not hear of it. */
export async function loseAnswer(response: ServerResponse, how: LostAnswer, failure: Reply): Promise<void> {
  if (how === 'reset') response.socket?.resetAndDestroy();
  if (how === '500') await sendReply(response, failure);
}

/** Says what broke inside the emulator: its callers are developers. */
export function sendFailure(response: ServerResponse, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  if (response.headersSent || response.destroyed) response.destroy();
  else
    response.writeHead(500, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`The emulator failed: ${message}\n`);
}
