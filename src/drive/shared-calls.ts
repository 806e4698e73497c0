import { abortedError } from './abortable.ts';
import { Background, type CallSignal, isBackground, tallyLike } from './call-signal.ts';

interface Call<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  /** Set for a call that was begun by somebody who does not wait for it. */
  readonly background: Background | undefined;
  waiters: number;
}

/**
 * One call in flight for each key, shared by all who ask meanwhile and given up when the last of them has left. It is as
 * urgent as the most urgent of them, and counts for the first.
 */
export class SharedCalls<T> {
  readonly #calls = new Map<string, Call<T>>();

  /** @throws DriveError `aborted` on the caller's own signal, whatever becomes of the call. */
  join(key: string, start: (signal: CallSignal) => Promise<T>, signal?: CallSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(abortedError(signal));
    const call = this.#calls.get(key) ?? this.#start(key, start, signal);
    call.waiters++;
    const stopRaising = raiseWith(call, signal);
    return new Promise((resolve, reject) => {
      const leave = () => {
        stopRaising();
        call.waiters--;
        if (call.waiters === 0 && this.#calls.get(key) === call) {
          this.#calls.delete(key);
          call.controller.abort();
        }
        if (signal) reject(abortedError(signal));
      };
      signal?.addEventListener('abort', leave, { once: true });
      call.promise.then(resolve, reject).finally(() => {
        stopRaising();
        signal?.removeEventListener('abort', leave);
      });
    });
  }

  #start(key: string, start: (signal: CallSignal) => Promise<T>, signal: CallSignal | undefined): Call<T> {
    const controller = new AbortController();
    const background = isBackground(signal) ? new Background(controller.signal) : undefined;
    const promise = start(tallyLike(controller.signal, signal)).finally(() => {
      if (this.#calls.get(key) === call) this.#calls.delete(key);
    });
    const call: Call<T> = { promise, controller, background, waiters: 0 };
    this.#calls.set(key, call);
    return call;
  }
}

/** @returns stops listening for the waiter's becoming urgent */
function raiseWith({ background }: Pick<Call<unknown>, 'background'>, signal: CallSignal | undefined): () => void {
  if (background && signal?.background) return signal.background.onRaised(() => background.raise());
  background?.raise();
  return () => {};
}
