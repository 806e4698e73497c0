import type { ServerResponse } from 'node:http';
import { DriveError, type DriveErrorCode, isDriveError } from '../drive/errors.ts';
import { endEarly } from './early-answer.ts';

/** Precondition and postcondition elements of RFC 4918 §16. */
export type Condition =
  | 'cannot-modify-protected-property'
  | 'lock-token-matches-request-uri'
  | 'lock-token-submitted'
  | 'no-conflicting-lock'
  | 'no-external-entities'
  | 'preserved-live-properties'
  | 'propfind-finite-depth';

export interface DavErrorOptions {
  /** Makes the answer's body a `DAV:error` instead of the message. */
  readonly condition?: Condition;
  /** The resources that the condition is about, encoded. */
  readonly hrefs?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A refusal that the protocol decides by itself. The message reaches the client. */
export class DavError extends Error {
  override readonly name = 'DavError';
  readonly status: number;
  readonly condition: Condition | undefined;
  readonly hrefs: readonly string[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, options: DavErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.status = status;
    this.condition = options.condition;
    this.hrefs = options.hrefs ?? [];
    this.headers = options.headers ?? {};
  }
}

/** Our own login failing at the service is no 401: the client's credentials are good. */
const STATUS = {
  'not-found': 404,
  'already-exists': 409,
  'not-a-folder': 409,
  'is-a-folder': 405,
  blocked: 451,
  forbidden: 403,
  'drive-locked': 423,
  'quota-exhausted': 507,
  'too-large': 413,
  'name-refused': 400,
  'invalid-request': 400,
  'login-required': 503,
  throttled: 503,
  unavailable: 503,
  'link-expired': 503,
  'too-many-downloads': 503,
  'content-mismatch': 502,
  'range-not-satisfiable': 416,
  'upload-session-gone': 503,
  'rapid-proof-refused': 503,
  'part-out-of-order': 503,
  'task-failed': 502,
  unsupported: 502,
  'spool-full': 507,
  'bad-body': 400,
  /** Nobody is there to read it; the number is nginx's, for the log. */
  aborted: 499,
} as const satisfies Record<DriveErrorCode, number>;

const READING = new Set(['GET', 'HEAD', 'PROPFIND', 'OPTIONS']);
const RETRY_AFTER_MS = 10_000;
const LOGIN_RETRY_AFTER_MS = 60_000;

/** The status that an error becomes; anything that is neither a `DavError` nor a `DriveError` is a fault of ours. */
export function statusOf(error: unknown, method?: string): number {
  if (error instanceof DavError) return error.status;
  if (!isDriveError(error)) return 500;
  // A path that leads through a file names nothing that could be read; only a write wants a 409 for its parent.
  if (error.code === 'not-a-folder' && method !== undefined && READING.has(method)) return 404;
  return STATUS[error.code];
}

/** What a handler may have set for an answer that is not coming, and that would be wrong on an error. */
const ENTITY_HEADERS = [
  'Accept-Ranges',
  'Cache-Control',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Length',
  'Content-Range',
  'Content-Type',
  'ETag',
  'Last-Modified',
  'Location',
];

/**
 * Answers with the error's status and a short text, or a `DAV:error` where it has a condition. An answer already begun
 * cannot become an error any more, so its connection is destroyed: the client must not take it for whole.
 */
export function writeError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || isDriveError(error, 'aborted')) {
    response.destroy();
    return;
  }
  for (const name of ENTITY_HEADERS) response.removeHeader(name);
  const status = statusOf(error, response.req.method);
  response.statusCode = status;
  // Explorer remembers a 404 and would keep denying a file that appears a second later.
  response.setHeader('Cache-Control', 'no-store');
  if (status === 503) response.setHeader('Retry-After', retryAfterSeconds(error));
  if (error instanceof DavError) {
    for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  }
  if (error instanceof DavError && error.condition) {
    response.setHeader('Content-Type', 'application/xml; charset=utf-8');
    endEarly(response, formatCondition(error.condition, error.hrefs));
  } else {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    endEarly(response, `${messageOf(error)}\n`);
  }
}

function retryAfterSeconds(error: unknown): number {
  const known = error instanceof DriveError ? error.retryAfterMs : undefined;
  const fallback = isDriveError(error, 'login-required') ? LOGIN_RETRY_AFTER_MS : RETRY_AFTER_MS;
  return Math.max(1, Math.ceil((known ?? fallback) / 1000));
}

function messageOf(error: unknown): string {
  if (error instanceof DavError || error instanceof DriveError) return error.message;
  return 'The server failed to handle this request; its log tells why.';
}

function formatCondition(condition: Condition, hrefs: readonly string[]): string {
  const about = hrefs.map((href) => `<D:href>${href}</D:href>`).join('');
  const element = about === '' ? `<D:${condition}/>` : `<D:${condition}>${about}</D:${condition}>`;
  return `<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:">${element}</D:error>\n`;
}
