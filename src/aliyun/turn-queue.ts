/** While both kinds wait, the background has one turn after so many others: seldom enough not to be felt, and never not at all. */
const TURNS_BEFORE_BACKGROUND = 8;

/** Who waits for a turn: first those whom somebody waits for, each kind in the order of its coming. */
export class TurnQueue<T> {
  readonly #urgent: T[] = [];
  readonly #background: T[] = [];
  /** Turns that the background has waited through since its last one. */
  #passedOver = 0;

  get length(): number {
    return this.#urgent.length + this.#background.length;
  }

  /** How many turns are likely to be others' first. */
  countAhead(isBackground: boolean): number {
    if (isBackground) return this.length;
    const turnsBetween = Math.floor((this.#passedOver + this.#urgent.length) / TURNS_BEFORE_BACKGROUND);
    return this.#urgent.length + Math.min(this.#background.length, turnsBetween);
  }

  /** @param isFirst goes before all others of its kind */
  add(waiter: T, isBackground: boolean, isFirst: boolean): void {
    const line = isBackground ? this.#background : this.#urgent;
    if (isFirst) line.unshift(waiter);
    else line.push(waiter);
  }

  remove(waiter: T): void {
    for (const line of [this.#urgent, this.#background]) {
      const at = line.indexOf(waiter);
      if (at >= 0) line.splice(at, 1);
    }
  }

  /** From the background to the end of those whom somebody waits for. */
  raise(waiter: T): void {
    this.remove(waiter);
    this.#urgent.push(waiter);
  }

  /** Takes out whose turn it is. */
  shift(): T | undefined {
    const isBackgroundDue = this.#passedOver >= TURNS_BEFORE_BACKGROUND && this.#background.length > 0;
    if (this.#urgent.length === 0 || isBackgroundDue) {
      this.#passedOver = 0;
      return this.#background.shift();
    }
    this.#passedOver = this.#background.length > 0 ? this.#passedOver + 1 : 0;
    return this.#urgent.shift();
  }

  /** About in the order of their turns. */
  toArray(): T[] {
    return [...this.#urgent, ...this.#background];
  }
}
