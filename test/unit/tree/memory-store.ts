import { isDeepStrictEqual } from 'node:util';
import type { Lease, StateEntry, StateKey, StateStore, StateValue } from '../../../src/state/store.ts';

/** The part of a state store that the tree uses, in memory. */
export class MemoryStore implements StateStore {
  readonly values = new Map<string, StateValue>();

  async get(key: StateKey): Promise<StateValue | undefined> {
    return structuredClone(this.values.get(JSON.stringify(key)));
  }

  async put(key: StateKey, value: StateValue): Promise<void> {
    this.values.set(JSON.stringify(key), structuredClone(value));
  }

  async remove(key: StateKey): Promise<void> {
    this.values.delete(JSON.stringify(key));
  }

  async compareAndSet(key: StateKey, expected: StateValue | undefined, value: StateValue): Promise<boolean> {
    if (!isDeepStrictEqual(this.values.get(JSON.stringify(key)), expected)) return false;
    await this.put(key, value);
    return true;
  }

  async *range(): AsyncGenerator<StateEntry> {}

  async acquireLease(): Promise<Lease | undefined> {
    return undefined;
  }

  watch(): () => void {
    return () => {};
  }

  async close(): Promise<void> {}
}
