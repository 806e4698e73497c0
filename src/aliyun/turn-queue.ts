/** While both kinds wait, the background has one turn after so many others, however many calls it has. */
const TURNS_BEFORE_BACKGROUND = 8;

interface Place<T> {
  readonly waiter: T;
  /** Its place in the order in which all came. */
  readonly cameAs: number;
}

/**
 * Who waits for a turn: first those whom somebody waits for, each kind in the order of its coming. So that the background
 * comes forward, it has a turn now and then, but never before those who came earlier.
 */
export class TurnQueue<T> {
  readonly #urgent: Place<T>[] = [];
  readonly #background: Place<T>[] = [];
  #arrivals = 0;
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
    if (isFirst) line.unshift({ waiter, cameAs: 0 });
    else line.push({ waiter, cameAs: ++this.#arrivals });
  }

  remove(waiter: T): void {
    for (const line of [this.#urgent, this.#background]) {
      const at = line.findIndex((place) => place.waiter === waiter);
      if (at >= 0) line.splice(at, 1);
    }
  }

  /** From the background to the end of those whom somebody waits for. */
  raise(waiter: T): void {
    this.remove(waiter);
    this.add(waiter, false, false);
  }

  /** Takes out whose turn it is. */
  shift(): T | undefined {
    if (this.#isBackgroundDue()) {
      this.#passedOver = 0;
      return this.#background.shift()?.waiter;
    }
    this.#passedOver = this.#background.length > 0 ? this.#passedOver + 1 : 0;
    return this.#urgent.shift()?.waiter;
  }

  /** About in the order of their turns. */
  toArray(): T[] {
    return [...this.#urgent, ...this.#background].map(({ waiter }) => waiter);
  }

  #isBackgroundDue(): boolean {
    const [urgent] = this.#urgent;
    const [background] = this.#background;
    if (!urgent || !background) return !urgent;
    return this.#passedOver >= TURNS_BEFORE_BACKGROUND && background.cameAs < urgent.cameAs;
  }
}
