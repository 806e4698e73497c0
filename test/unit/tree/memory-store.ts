import { isDeepStrictEqual } from 'node:util';
import type { Lease, StateEntry, StateKey, StateStore, StateValue } from '../../../src/state/store.ts';

/** The part of a state store that the tree uses, in memory; a second tree on it is one after a restart. */
export class MemoryStore implements StateStore {
  readonly values = new Map<string, StateValue>();
  /** Fails every change while set. */
  failure: Error | undefined;

  async get(key: StateKey): Promise<StateValue | undefined> {
    return structuredClone(this.values.get(JSON.stringify(key)));
  }

  async put(key: StateKey, value: StateValue): Promise<void> {
    if (this.failure) throw this.failure;
    this.values.set(JSON.stringify(key), structuredClone(value));
  }

  async remove(key: StateKey): Promise<void> {
    if (this.failure) throw this.failure;
    this.values.delete(JSON.stringify(key));
  }

  async compareAndSet(key: StateKey, expected: StateValue | undefined, value: StateValue): Promise<boolean> {
    if (!isDeepStrictEqual(this.values.get(JSON.stringify(key)), expected)) return false;
    await this.put(key, value);
    return true;
  }

  async *range(prefix: StateKey): AsyncGenerator<StateEntry> {
    for (const [text, value] of [...this.values].toSorted()) {
      const key: StateKey = JSON.parse(text);
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

  watch(): () => void {
    return () => {};
  }

  async close(): Promise<void> {}
}
