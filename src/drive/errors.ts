/** Every way in which the drive can refuse or fail. Adding one makes the compiler ask for its HTTP status. */
export type DriveErrorCode =
  /** Proven absent: the service looked and found nothing. "Could not ask" is `unavailable`. */
  | 'not-found'
  | 'already-exists'
  /** A file was asked to be a folder, or the other way round. */
  | 'not-a-folder'
  | 'is-a-folder'
  /** The service withholds this content for legal reasons. */
  | 'blocked'
  | 'forbidden'
  | 'drive-locked'
  | 'quota-exhausted'
  | 'too-large'
  | 'name-refused'
  /** The service rejected the request's form: a mistake of ours, never the user's. */
  | 'invalid-request'
  /** The stored login no longer works and only a person can renew it. */
  | 'login-required'
  /** The service asked us to slow down, or the queue is too long; see `retryAfterMs`. */
  | 'throttled'
  /** Network failure, 5xx, time-out, unreadable answer: nothing is known about what was asked. */
  | 'unavailable'
  /** A signed link is past its life: ask for a new one. */
  | 'link-expired'
  /** The storage host refuses one more simultaneous download: wait, the link stays good. */
  | 'too-many-downloads'
  /** The bytes received are not the bytes promised. */
  | 'content-mismatch'
  | 'range-not-satisfiable'
  | 'upload-session-gone'
  | 'rapid-proof-refused'
  /** The storage host has another number of parts than the sender believes: list them and go on from there. */
  | 'part-out-of-order'
  /** An asynchronous task of the service ended without having done all of its work. */
  | 'task-failed'
  /** This API of the service has no call for what was asked. */
  | 'unsupported'
  /** This machine's disk, or the share of it that alidav may use, is full. */
  | 'spool-full'
  /** The bytes that a client sent are not those that it announced. */
  | 'bad-body'
  /** The caller's signal was aborted. */
  | 'aborted';

export interface DriveErrorOptions {
  readonly cause?: unknown;
  readonly retryAfterMs?: number | undefined;
}

/** What went wrong at the drive. The message is for people and holds no secret; it may reach a response body. */
export class DriveError extends Error {
  override readonly name = 'DriveError';
  readonly code: DriveErrorCode;
  /** How long the caller should wait before asking again, when that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(code: DriveErrorCode, message: string, options: DriveErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export function isDriveError(error: unknown, ...codes: readonly DriveErrorCode[]): error is DriveError {
  return error instanceof DriveError && (codes.length === 0 || codes.includes(error.code));
}

/** What keeps a record from the state folder, as a client may be told of it: nothing was begun that a crash could lose. */
export function toUnrecorded(cause: unknown): DriveError {
  if (cause instanceof DriveError) return cause;
  return new DriveError('spool-full', 'The state folder takes no more records.', { cause });
}
