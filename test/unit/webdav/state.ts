import { isDeepStrictEqual } from 'node:util';
import type { Lease, StateEntry, StateKey, StateStore, StateValue } from '../../../src/state/store.ts';
import { LockSystem } from '../../../src/webdav/locks.ts';
import type { PropertyCopies } from '../../../src/webdav/property-copies.ts';
import { PropertyStore } from '../../../src/webdav/property-store.ts';

/** A state store in memory that several parts of a test, or several processes of it, share. */
export class SharedStore implements StateStore {
  readonly values = new Map<string, StateValue>();
  /** Thrown by the next change. */
  changeError: unknown;
  readonly #watchers = new Set<() => void>();

  async get(key: StateKey): Promise<StateValue | undefined> {
    return structuredClone(this.values.get(JSON.stringify(key)));
  }

  async put(key: StateKey, value: StateValue): Promise<void> {
    if (this.changeError !== undefined) throw this.changeError;
    this.values.set(JSON.stringify(key), JSON.parse(JSON.stringify(value)));
  }

  async remove(key: StateKey): Promise<void> {
    if (this.changeError !== undefined) throw this.changeError;
    this.values.delete(JSON.stringify(key));
  }

  async compareAndSet(key: StateKey, expected: StateValue | undefined, value: StateValue): Promise<boolean> {
    if (!isDeepStrictEqual(this.values.get(JSON.stringify(key)), expected)) return false;
    await this.put(key, value);
    return true;
  }

  async *range(prefix: StateKey): AsyncGenerator<StateEntry> {
    for (const [text, value] of [...this.values]) {
      const key = JSON.parse(text) as StateKey;
      if (key.length > prefix.length && prefix.every((part, index) => part === key[index])) {
        yield { key, value: structuredClone(value) };
      }
    }
  }

  async *keys(prefix: StateKey): AsyncGenerator<StateKey> {
    for await (const { key } of this.range(prefix)) yield key;
  }

  async acquireLease(): Promise<Lease | undefined> {
    return undefined;
  }

  watch(_prefix: StateKey, onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  /** As the embedded store does some time after a change. */
  tellOfChange(): void {
    for (const watcher of this.#watchers) watcher();
  }

  async close(): Promise<void> {}
}

export interface TestState {
  readonly store: SharedStore;
  readonly locks: LockSystem;
  readonly properties: PropertyStore;
  readonly propertyCopies: Pick<PropertyCopies, 'nearOf'>;
}

/** What is kept about resources, under a clock of the test's own. */
export function createState(now: () => number = Date.now, store = new SharedStore()): TestState {
  const userId = async () => 'user';
  return {
    store,
    locks: new LockSystem({ store, userId, now }),
    properties: new PropertyStore({ store, userId, now }),
    propertyCopies: { nearOf: async () => {} },
  };
}
