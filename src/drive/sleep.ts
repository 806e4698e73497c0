import { abortedError } from './abortable.ts';

/** Resolves after a while, without keeping the process alive; rejects with `aborted` at once when the caller leaves. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortedError(signal));
    const onAbort = () => {
      clearTimeout(timer);
      if (signal) reject(abortedError(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms).unref();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
