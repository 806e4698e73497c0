import { ApiError } from './errors.ts';
import type { NoAnswerError } from './http.ts';

/** What a call may do about a failure, from the endpoint's nature. */
export interface RetryTraits {
  /** A write is repeated only where the failure shows that nothing happened. */
  readonly effect: 'read' | 'write';
  /** The service answers this endpoint with a transient 400 that has no code. */
  readonly hasBare400?: boolean;
}

/** The first call included. */
export const MAX_TRIES = 4;

/** How long the service's own clients wait after a 429 that does not say for how long. */
const UNTOLD_THROTTLE_MS = [1_000, 5_000, 25_000];
const FIRST_BACK_OFF_MS = 250;
const BARE_400_MS = 2_000;
const THROTTLE_JITTER_MS = 250;

/**
 * How long to wait before the next try.
 * @param tries those made so far
 * @param random from 0 to 1: keeps callers that failed together from returning together
 * @returns undefined when another try would be of no use, or could do a write twice
 */
export function retryDelayMs(
  error: ApiError | NoAnswerError,
  { effect, hasBare400 }: RetryTraits,
  tries: number,
  random: number,
): number | undefined {
  const isAnswer = error instanceof ApiError;
  if (error.code === 'throttled') {
    const untoldMs = UNTOLD_THROTTLE_MS[Math.min(tries, UNTOLD_THROTTLE_MS.length) - 1] ?? 0;
    return (error.retryAfterMs ?? untoldMs) + random * THROTTLE_JITTER_MS;
  }
  if (error.code !== 'unavailable') return undefined;
  if (isAnswer && hasBare400 && error.status === 400 && error.apiCode === undefined && tries === 1) return BARE_400_MS;
  const isSafe = effect === 'read' || (!isAnswer && error.neverSent);
  const isTransient = !isAnswer || error.status >= 500 || error.status === 408 || error.status < 300;
  return isSafe && isTransient ? backOffMs(tries, random) : undefined;
}

/** 250 ms, 1 s, 4 s, each give or take a quarter. */
export function backOffMs(tries: number, random: number): number {
  return FIRST_BACK_OFF_MS * 4 ** (tries - 1) * (0.75 + random / 2);
}
