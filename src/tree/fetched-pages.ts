import type { Entry } from '../drive/entry.ts';

/** The pages that a fetch has brought, as the service told them. */
export class FetchedPages {
  readonly #ids = new Set<string>();
  readonly #pages: (readonly Entry[])[] = [];

  /** At least one, once there was any. */
  get pages(): readonly (readonly Entry[])[] {
    return this.#pages;
  }

  /** A page that has nothing new is one of a listing that was asked for again until it was whole. */
  add(page: readonly Entry[]): void {
    const before = this.#ids.size;
    for (const { id } of page) this.#ids.add(id);
    if (this.#ids.size > before || this.#pages.length === 0) this.#pages.push(page);
  }
}
