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

/** What may be counted of a request: nothing in it tells who asked for what. */
export interface FinishedRequest {
  readonly method: string;
  /** undefined when the client left before there was one. */
  readonly status: number | undefined;
  readonly client: string | undefined;
  readonly delivery: RequestRecord['delivery'];
  /** Sent on the connection, the head included. */
  readonly bytes: number;
  readonly ms: number;
}

export function finishRequest({ record, response, startedAt, sentBefore }: RequestFacts, now: number): FinishedRequest {
  const { req: request, headersSent, statusCode } = response;
  return {
    method: request.method ?? '',
    status: headersSent ? statusCode : undefined,
    client: record.clientClass,
    delivery: record.delivery,
    bytes: request.socket.bytesWritten - sentBefore,
    ms: Math.round(now - startedAt),
  };
}

/** Writes the one line of a request whose answer is over, or whose client has left. No query, no header, no secret. */
export function logRequest(log: Logger, facts: RequestFacts, finished: FinishedRequest): void {
  const { record, response, path, address } = facts;
  const { method, status, bytes, ms, client, delivery } = finished;
  const isFault = status === 500;
  const line = {
    id: record.id,
    method,
    path,
    status,
    bytes,
    ms,
    client,
    delivery,
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
