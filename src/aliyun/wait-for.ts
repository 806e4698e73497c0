import { abortedError } from '../drive/abortable.ts';
import { DriveError } from '../drive/errors.ts';

/**
 * Waits for work that others share: leaving early does not end it.
 * @throws DriveError `aborted` when the caller leaves, `unavailable` when it takes too long
 */
export function waitFor<T>(work: Promise<T>, patienceMs: number, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      if (signal) reject(abortedError(signal));
    };
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => {
      reject(new DriveError('unavailable', 'AliyunDrive takes too long to answer.', { retryAfterMs: 1000 }));
    }, patienceMs).unref();
    void work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    });
  });
}
