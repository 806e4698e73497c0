import type { StoredEntry } from './entry.ts';
import { comparePlaces, type Order, toPlace } from './order.ts';

interface Row {
  readonly entry: StoredEntry;
  readonly shownFrom: number;
  shownUntil: number;
}

interface Sorted {
  readonly entries: readonly StoredEntry[];
  readonly validUntil: number;
}

/**
 * What a folder's listing shows. A change takes effect at an instant of its own, later than the write where listings
 * lag; each order is sorted once and kept until the next change shows.
 */
export class Folder {
  readonly #rows = new Map<string, Row>();
  #leaving: Row[] = [];
  readonly #sorted = new Map<string, Sorted>();

  put(entry: StoredEntry, shownFrom: number): void {
    this.remove(entry.fileId, shownFrom);
    this.#rows.set(entry.fileId, { entry, shownFrom, shownUntil: Number.POSITIVE_INFINITY });
  }

  remove(fileId: string, shownUntil: number): void {
    this.#sorted.clear();
    const row = this.#rows.get(fileId);
    if (!row) return;
    this.#rows.delete(fileId);
    row.shownUntil = shownUntil;
    this.#leaving.push(row);
  }

  /** The children as they are, whatever a listing shows. */
  *children(): Iterable<StoredEntry> {
    for (const row of this.#rows.values()) yield row.entry;
  }

  list(order: Order, now: number): readonly StoredEntry[] {
    const key = `${order.field} ${order.direction} ${order.foldersFirst}`;
    const known = this.#sorted.get(key);
    if (known && now < known.validUntil) return known.entries;
    const sorted = this.#sort(order, now);
    this.#sorted.set(key, sorted);
    return sorted.entries;
  }

  #sort(order: Order, now: number): Sorted {
    this.#leaving = this.#leaving.filter((row) => row.shownUntil > now);
    let validUntil = Number.POSITIVE_INFINITY;
    const shown = [];
    for (const row of [...this.#rows.values(), ...this.#leaving]) {
      for (const change of [row.shownFrom, row.shownUntil]) if (change > now) validUntil = Math.min(validUntil, change);
      if (row.shownFrom <= now) shown.push({ entry: row.entry, place: toPlace(row.entry, order) });
    }
    shown.sort((left, right) => comparePlaces(left.place, right.place, order));
    return { entries: shown.map((item) => item.entry), validUntil };
  }
}
