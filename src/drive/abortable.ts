import { DriveError } from './errors.ts';

/** Lets one of several waiters leave: settles as `shared` does, or rejects with `aborted` without disturbing it. */
export async function untilAborted<T>(shared: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return shared;
  let leave = (): void => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(abortedError(signal));
  });
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  try {
    // Even for a waiter that never began to wait, the race takes care of a rejection that nobody else may hear.
    return await Promise.race([left, shared]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal);
}

/** What a wait ends with when its caller has gone. */
export function abortedError(signal: AbortSignal): DriveError {
  return new DriveError('aborted', 'The request was given up.', { cause: signal.reason });
}
