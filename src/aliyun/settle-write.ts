import { DriveError, isDriveError } from '../drive/errors.ts';
import { sleep } from '../drive/sleep.ts';
import { ApiError } from './errors.ts';
import { NoAnswerError } from './http.ts';

/** A write of which an answer may get lost. */
export interface WriteSteps<T> {
  /** @param isRepeat an earlier try may have taken effect although nothing was found of it */
  attempt(isRepeat: boolean): Promise<T>;
  /** What became of a try whose answer was lost; undefined: of nothing that it did can anything be seen. */
  lookUp(): Promise<T | undefined>;
}

/** How long to wait after so many tries of a write, in ms. */
export type BackOff = (tries: number) => number;

export interface SettleOptions {
  readonly backOff: BackOff;
  readonly signal?: AbortSignal | undefined;
}

/** The first call included. */
const MAX_TRIES = 3;

/** No try starts later than this after the first one did. */
const RETRY_WITHIN_MS = 45_000;

/**
 * Makes a write happen once: after a lost answer it looks what happened before it repeats anything.
 * @throws DriveError; `unavailable` when it remains unknown what happened
 */
export async function settleWrite<T>(steps: WriteSteps<T>, { backOff, signal }: SettleOptions): Promise<T> {
  const startedAt = performance.now();
  for (let tries = 1; ; tries++) {
    try {
      return await steps.attempt(tries > 1);
    } catch (error) {
      if (!isAnswerLost(error)) throw tries > 1 ? toUnknown(error) : error;
      await sleep(backOff(tries), signal);
      const found = await steps.lookUp().catch((cause: unknown) => {
        throw toUnknown(cause);
      });
      if (found !== undefined) return found;
      if (tries >= MAX_TRIES || performance.now() > startedAt + RETRY_WITHIN_MS) throw error;
    }
  }
}

/** What is refused for the time being was perhaps done by the try before, of which no answer came. */
function toUnknown(error: unknown): unknown {
  if (!isDriveError(error, 'throttled', 'login-required', 'quota-exhausted', 'drive-locked')) return error;
  const { retryAfterMs } = error;
  const message = 'It is not known whether AliyunDrive has done what it was asked for.';
  return new DriveError('unavailable', message, { cause: error, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}

/** Whether a failed write may have taken effect; a refusal and a call that was never sent have none. */
export function isAnswerLost(error: unknown): error is DriveError {
  if (!isDriveError(error, 'unavailable')) return false;
  if (wasNeverSent(error) || wasNeverSent(error.cause)) return false;
  return !(error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 408);
}

function wasNeverSent(error: unknown): boolean {
  return error instanceof NoAnswerError && error.neverSent;
}
