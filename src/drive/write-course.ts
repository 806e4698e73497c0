import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallTally } from './call-signal.ts';

/**
 * Finds the request in whose course a call is made, where no signal leads from the one to the other: what a write has begun
 * does not end with its client. As long as one runs every promise of the process costs more, so that reads, which are many
 * and hand their signals on, go without.
 */
export class WriteCourse {
  readonly #tallies = new AsyncLocalStorage<CallTally>();
  #running = 0;

  get tally(): CallTally | undefined {
    return this.#tallies.getStore();
  }

  async run(tally: CallTally, write: () => Promise<void>): Promise<void> {
    this.#running += 1;
    try {
      await this.#tallies.run(tally, write);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#tallies.disable();
    }
  }
}
