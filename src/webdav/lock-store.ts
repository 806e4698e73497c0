import type { StateStore, StateValue } from '../state/store.ts';
import type { Lock } from './lock-table.ts';

/** Where locks survive a restart. */
export interface LockStore {
  /** Resolves when the lock would survive a power cut. */
  put(lock: Lock): Promise<void>;
  remove(token: string): Promise<void>;
  readAll(): Promise<readonly Lock[]>;
  /** Calls back after changes, also those of other processes; resolves with its own undoing. */
  watch(onChange: () => void): Promise<() => void>;
}

export function createLockStore(store: StateStore, userId: () => Promise<string>): LockStore {
  const prefix = async () => [await userId(), 'v1', 'locks'] as const;
  return {
    put: async (lock) => store.put([...(await prefix()), lock.token], lock),
    remove: async (token) => store.remove([...(await prefix()), token]),
    async readAll() {
      const locks: Lock[] = [];
      for await (const { value } of store.range(await prefix())) {
        if (isLock(value)) locks.push(value);
      }
      return locks;
    },
    watch: async (onChange) => store.watch(await prefix(), onChange),
  };
}

function isLock(value: StateValue): value is Lock {
  if (typeof value !== 'object' || value === null) return false;
  const { token, path, href, scope, depth, ownerXml, timeoutS, expiresAt } = value as Partial<
    Record<keyof Lock, unknown>
  >;
  return (
    [token, path, href, ownerXml].every((text) => typeof text === 'string') &&
    (scope === 'exclusive' || scope === 'shared') &&
    (depth === '0' || depth === 'infinity') &&
    Number.isFinite(timeoutS) &&
    Number.isFinite(expiresAt)
  );
}
