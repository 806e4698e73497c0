import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestRecord } from '../log.ts';
import type { Mount } from './mount.ts';
import type { RequestTarget } from './request-target.ts';

/** One request and its answer, as every method of ours sees them. */
export interface Exchange extends RequestTarget {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Where the URL is not the tree's own: `path` is the tree's, `askedPath` the URL's. */
  readonly mount?: Mount | undefined;
  readonly record: RequestRecord;
  /** Aborted when the client leaves before the answer is whole. It is made when it is first looked at. */
  readonly signal: AbortSignal;
}

/** Answers the exchange, or throws: `DavError`, `DriveError`, or anything else, which becomes a 500. */
export type MethodHandler = (exchange: Exchange) => Promise<void>;
