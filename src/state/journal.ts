import { randomUUID } from 'node:crypto';
import type { Lease, StateStore } from './store.ts';

/** What a record is about; each kind is recovered by who writes it. */
export type JournalKind = 'upload' | 'held-file' | 'operation';

export interface JournalRecord<T> {
  readonly id: string;
  readonly value: T;
  /** Added by this process, which may be at work on it. */
  readonly isOwn: boolean;
}

/** The records of one kind that this process answers for: its own and those it has taken over. */
export interface Journal<T> {
  /** Resolves with the record's id when it would survive a power cut. */
  add(value: T): Promise<string>;
  update(id: string, value: T): Promise<void>;
  remove(id: string): Promise<void>;
  list(): Promise<readonly JournalRecord<T>[]>;
}

export interface Journals {
  of<T>(kind: JournalKind): Journal<T>;
  /** Takes over what processes that are no more have left; to be called before `list` at the start. */
  adopt(): Promise<void>;
  /** Lets go of the claim; what is still recorded is left to the next process. */
  close(): Promise<void>;
}

const LEASE_MS = 30_000;
const RENEW_MS = 10_000;

export interface JournalsDeps {
  readonly store: StateStore;
  readonly userId: string;
  /** Called when records of a process that is no more were found after the start, and taken over. */
  readonly onAdopted?: (() => void) | undefined;
}

/**
 * Opens this process's journals of an account: what a crash must not lose is recorded here before it is relied on. The records
 * stand under the name of their process, which holds a lease on it, so that only one process at a time works on them.
 */
export async function openJournals({ store, userId, onAdopted }: JournalsDeps): Promise<Journals> {
  const owner = randomUUID();
  const root = [userId, 'v1', 'journal'] as const;
  const leases = new Map<string, Lease>();
  /** Where each record stands: adopted ones stay under the name of their writer. */
  const owners = new Map<string, string>();

  async function claim(name: string): Promise<boolean> {
    if (leases.has(name)) return true;
    const lease = await store.acquireLease([...root, name], LEASE_MS);
    if (lease) leases.set(name, lease);
    return lease !== undefined;
  }

  /** A lease that was lost, as by a machine that slept, may have gone to a process that works on the records by now. */
  async function keep(name: string, lease: Lease): Promise<void> {
    if (await lease.renew()) return;
    leases.delete(name);
    await claim(name);
  }

  /** @returns whether anything was */
  async function adopt(): Promise<boolean> {
    const names = new Set<string>();
    for await (const { key } of store.range(root)) names.add(String(key[root.length]));
    let isNew = false;
    for (const name of names) if (!leases.has(name) && (await claim(name))) isNew = true;
    return isNew;
  }

  /** A process in another container that was killed a moment ago holds its lease for half a minute yet. */
  async function attend(): Promise<void> {
    for (const [name, lease] of leases) await keep(name, lease);
    if (await adopt()) onAdopted?.();
  }

  await claim(owner);
  const timer = setInterval(() => void attend().catch(() => {}), RENEW_MS).unref();

  return {
    of<T>(kind: JournalKind): Journal<T> {
      const keyOf = (id: string) => [...root, owners.get(id) ?? owner, kind, id];
      return {
        async add(value) {
          const id = randomUUID();
          await store.put(keyOf(id), value);
          return id;
        },
        update: (id, value) => store.put(keyOf(id), value),
        async remove(id) {
          await store.remove(keyOf(id));
          owners.delete(id);
        },
        async list() {
          const records: JournalRecord<T>[] = [];
          for (const name of leases.keys()) {
            for await (const { key, value } of store.range([...root, name, kind])) {
              const id = String(key.at(-1));
              const isOwn = name === owner;
              if (!isOwn) owners.set(id, name);
              records.push({ id, value: value as T, isOwn });
            }
          }
          return records;
        },
      };
    },
    async adopt() {
      await adopt();
    },
    async close() {
      clearInterval(timer);
      for (const lease of leases.values()) await lease.release();
      leases.clear();
    },
  };
}
