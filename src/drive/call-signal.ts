/**
 * What ends a call, how urgent the call is, and who is to hear of it: a plain AbortSignal stands for somebody who waits. Made
 * after the TaskSignal of the Prioritized Task Scheduling API; whoever derives a signal of his own from it makes his calls
 * urgent, and passes the tally on by `tallyLike`.
 */
export interface CallSignal extends AbortSignal {
  /** Set for work that nobody waits for. */
  readonly background?: Background | undefined;
  readonly tally?: CallTally | undefined;
}

/** What a request cost. Following it through every promise instead (`AsyncLocalStorage`) would cost each a third of its time. */
export interface CallTally {
  /** Calls to the service that were made in its course. */
  upstreamCalls: number;
}

/** @returns `signal`, under which calls now count for whom those under `origin` do */
export function tallyLike(signal: AbortSignal, origin: CallSignal | undefined): CallSignal {
  return origin?.tally ? withTally(signal, origin.tally) : signal;
}

export function withTally(signal: AbortSignal, tally: CallTally): CallSignal {
  return Object.assign(signal, { tally });
}

/** Work that nobody waits for yet: the calls under its signal give way to all others until it is raised, for good. */
export class Background {
  /** To be passed with the work's calls. */
  readonly signal: CallSignal;
  #isRaised = false;
  readonly #listeners = new Set<() => void>();

  /** @param signal ends the work; it must be the work's own, for it is marked */
  constructor(signal: AbortSignal) {
    this.signal = Object.assign(signal, { background: this });
  }

  /** Somebody waits now: calls that are queued already are moved as well. */
  raise(): void {
    if (this.#isRaised) return;
    this.#isRaised = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  get isRaised(): boolean {
    return this.#isRaised;
  }

  /**
   * Calls `listener` once, at once where the work is raised already.
   * @returns stops listening
   */
  onRaised(listener: () => void): () => void {
    if (this.#isRaised) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Nobody waits for what is called with this signal. */
export function isBackground(signal: CallSignal | undefined): boolean {
  return signal?.background?.isRaised === false;
}
