import type { ServerResponse } from 'node:http';
import type { Logger, RequestRecord } from '../log.ts';

export interface RequestFacts {
  readonly record: RequestRecord;
  readonly response: ServerResponse;
  readonly path: string;
  readonly address: string;
  readonly startedAt: number;
  /** What the connection had sent when the request came. */
  readonly sentBefore: number;
  /** Asked for by machines every few seconds: worth a line only to whoever looks for it. */
  readonly isProbe: boolean;
}

/** Writes the one line of a request whose answer is over, or whose client has left. No query, no header, no secret. */
export function logRequest(log: Logger, facts: RequestFacts, now: () => number): void {
  const { record, response, path, address } = facts;
  const status = response.headersSent ? response.statusCode : undefined;
  const isFault = status === 500;
  const line = {
    id: record.id,
    method: response.req.method,
    path,
    status,
    bytes: response.req.socket.bytesWritten - facts.sentBefore,
    ms: Math.round(now() - facts.startedAt),
    client: record.clientClass,
    delivery: record.delivery,
    upstreamCalls: record.upstreamCalls,
    address,
    ...(!response.writableFinished && { aborted: true }),
    ...(record.error !== undefined && { error: isFault ? record.error : toReason(record.error) }),
  };
  if (isFault) log.error(line, 'request');
  else if (facts.isProbe) log.debug(line, 'request');
  else log.info(line, 'request');
}

/** A fault of ours deserves its stack; any other error its code and its words. */
function toReason(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return 'code' in error ? `${error.code}: ${error.message}` : error.message;
}
