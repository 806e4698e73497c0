import type { Logger } from '../log.ts';

/** Tells the log what was tolerated in the service's answers: each kind of oddity once, not once an item. */
export class Oddities {
  readonly #log: Logger;
  readonly #told = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param kind a sentence without particulars */
  note(kind: string, particulars: Readonly<Record<string, unknown>>): void {
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#log.warn(particulars, `odd answer tolerated: ${kind}`);
  }
}
