import { abortedError } from './abortable.ts';

interface Call<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
}

/** One call in flight for each key, shared by all who ask meanwhile and given up when the last of them has left. */
export class SharedCalls<T> {
  readonly #calls = new Map<string, Call<T>>();

  /** @throws DriveError `aborted` on the caller's own signal, whatever becomes of the call. */
  join(key: string, start: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(abortedError(signal));
    const call = this.#calls.get(key) ?? this.#start(key, start);
    call.waiters++;
    return new Promise((resolve, reject) => {
      const leave = () => {
        call.waiters--;
        if (call.waiters === 0 && this.#calls.get(key) === call) {
          this.#calls.delete(key);
          call.controller.abort();
        }
        if (signal) reject(abortedError(signal));
      };
      signal?.addEventListener('abort', leave, { once: true });
      call.promise.then(resolve, reject).finally(() => signal?.removeEventListener('abort', leave));
    });
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<T>): Call<T> {
    const controller = new AbortController();
    const promise = start(controller.signal).finally(() => {
      if (this.#calls.get(key) === call) this.#calls.delete(key);
    });
    const call: Call<T> = { promise, controller, waiters: 0 };
    this.#calls.set(key, call);
    return call;
  }
}
