/**
 * What a restart must not lose, as one ordered map. Every key begins with the account and a schema version
 * (`[userId, 'v1', 'device']`). The port is asynchronous and assumes several processes, so that a network store can fulfil it.
 */
export type StateKey = readonly (string | number)[];

/** A JSON-like value: no functions, no class instances. */
export type StateValue = unknown;

export interface StateEntry {
  readonly key: StateKey;
  readonly value: StateValue;
}

export interface StateStore {
  get(key: StateKey): Promise<StateValue | undefined>;
  /** Resolves when the value would survive a power cut. */
  put(key: StateKey, value: StateValue): Promise<void>;
  remove(key: StateKey): Promise<void>;
  /** Writes only if the stored value still equals `expected` (undefined: absent); false when it does not. */
  compareAndSet(key: StateKey, expected: StateValue | undefined, value: StateValue): Promise<boolean>;
  /** Every entry below a prefix, in key order. */
  range(prefix: StateKey): AsyncIterable<StateEntry>;
  /** Every key below a prefix, in key order, at no cost for what is stored there. */
  keys(prefix: StateKey): AsyncIterable<StateKey>;
  /** An exclusive claim that dies with its holder after `ttlMs`; undefined when somebody else holds it. */
  acquireLease(name: StateKey, ttlMs: number): Promise<Lease | undefined>;
  /** Calls back after changes below a prefix, also those of other processes; returns its own undoing. */
  watch(prefix: StateKey, onChange: () => void): () => void;
  close(): Promise<void>;
}

export interface Lease {
  /** Prolongs the claim by its ttl; false when it was lost. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}
