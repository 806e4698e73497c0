import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Lease } from './store.ts';

/** A process as other processes of the same machine can look it up. */
export interface LeaseHolder {
  /** Where process ids mean the same: a host name and, on Linux, a process namespace. */
  readonly scope: string;
  readonly pid: number;
  /** Tells a process from an earlier one of equal id: in a container the id is always 1. */
  readonly startMark: string;
}

export interface LeaseRecord extends LeaseHolder {
  readonly id: string;
  readonly expiresAt: number;
}

/** The one stored record of a lease; writes fail (false) when it is no longer of the version that was read. */
export interface LeaseSlot {
  read(): { readonly record: LeaseRecord; readonly version: number } | undefined;
  write(record: LeaseRecord, version: number | undefined): Promise<boolean>;
  remove(version: number): Promise<boolean>;
}

export interface LeaseTerms {
  readonly ttlMs: number;
  readonly now: () => number;
  readonly holder: LeaseHolder;
}

export function thisProcess(): LeaseHolder {
  return { scope: processScope(), pid: process.pid, startMark: findStartMark(process.pid) ?? '' };
}

/** Takes the lease when it is free, expired, or held by a process that is proven dead; undefined otherwise. */
export async function acquireLease(slot: LeaseSlot, { ttlMs, now, holder }: LeaseTerms): Promise<Lease | undefined> {
  const id = randomUUID();
  const claim = (): LeaseRecord => ({ ...holder, id, expiresAt: now() + ttlMs });
  const held = slot.read();
  if (held && held.record.expiresAt > now() && !isDead(held.record, holder)) return undefined;
  if (!(await slot.write(claim(), held?.version))) return undefined;

  return {
    async renew() {
      const current = slot.read();
      return current?.record.id === id && slot.write(claim(), current.version);
    },
    async release() {
      const current = slot.read();
      if (current?.record.id === id) await slot.remove(current.version);
    },
  };
}

/** After a kill -9 nobody should wait for the lease to expire; a process of another scope may well be alive, unseen. */
function isDead(held: LeaseHolder, self: LeaseHolder): boolean {
  return held.scope === self.scope && findStartMark(held.pid) !== held.startMark;
}

/** Undefined when no such process runs; differs between a process and a later one of its id where the system tells. */
function findStartMark(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') return process.kill(pid, 0) ? '' : undefined;
    // Field 22, starttime; the second field is the program's name and may hold blanks and brackets.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    // EPERM: it runs, as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? '' : undefined;
  }
}

function processScope(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
