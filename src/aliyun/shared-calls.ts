import { abortedError } from './abort.ts';

interface SharedCall {
  readonly result: Promise<unknown>;
  readonly controller: AbortController;
  callers: number;
}

/** Lets all who ask the same thing at the same time share one call. */
export class SharedCalls {
  readonly #inFlight = new Map<string, SharedCall>();

  /**
   * Joins the call under `key`, or starts it.
   * A caller whose signal aborts leaves at once with `aborted`; the call itself is aborted only when all have left.
   */
  async run<T>(key: string, start: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) throw abortedError(signal);
    const call = this.#inFlight.get(key) ?? this.#start(key, start);
    call.callers += 1;
    // The key names the endpoint, so whoever shares it expects the same type.
    return signal ? (this.#waitOrLeave(key, call, signal) as Promise<T>) : (call.result as Promise<T>);
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<unknown>): SharedCall {
    const controller = new AbortController();
    const call: SharedCall = { result: start(controller.signal), controller, callers: 0 };
    this.#inFlight.set(key, call);
    const forget = () => this.#forget(key, call);
    call.result.then(forget, forget);
    return call;
  }

  async #waitOrLeave(key: string, call: SharedCall, signal: AbortSignal): Promise<unknown> {
    const { promise: left, reject: leave } = withRejection();
    const onAbort = () => {
      call.callers -= 1;
      if (call.callers === 0) {
        this.#forget(key, call);
        call.controller.abort(signal.reason);
      }
      leave(abortedError(signal));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([call.result, left]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Whoever asks after the last caller left gets a call of his own, not one that is being aborted. */
  #forget(key: string, call: SharedCall): void {
    if (this.#inFlight.get(key) === call) this.#inFlight.delete(key);
  }
}

function withRejection(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  return { promise, reject };
}
