import { isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { Refusal } from './refusal.ts';

const MAX_FAILURES = 10;
const WINDOW_MS = 60_000;
const FIRST_BLOCK_MS = 10_000;
const LONGEST_BLOCK_MS = 15 * 60_000;
const MAX_ADDRESSES = 10_000;

interface Failures {
  count: number;
  since: number;
  blockedUntil: number;
  blockMs: number;
}

export interface Throttle {
  /** How long this address has to wait before its credentials are looked at again; 0 when it need not. */
  waitMs(address: string): number;
  fail(address: string): void;
}

/**
 * Slows down whoever guesses passwords or link tokens: nine failures a minute are free, the tenth has to wait, and each further one twice
 * as long. A success forgives nothing, or a guesser could hide behind the owner's traffic through the same proxy. Memory
 * is bounded.
 */
export function createThrottle(now: () => number): Throttle {
  const addresses = new LRUCache<string, Failures>({ max: MAX_ADDRESSES });

  return {
    waitMs: (address) => Math.max(0, (addresses.get(toKey(address))?.blockedUntil ?? 0) - now()),
    fail(address) {
      const key = toKey(address);
      let failures = addresses.get(key);
      if (!failures || now() > Math.max(failures.since + WINDOW_MS, failures.blockedUntil + LONGEST_BLOCK_MS)) {
        failures = { count: 0, since: now(), blockedUntil: Number.NEGATIVE_INFINITY, blockMs: FIRST_BLOCK_MS / 2 };
        addresses.set(key, failures);
      }
      failures.count += 1;
      if (failures.count < MAX_FAILURES) return;
      failures.blockMs = Math.min(failures.blockMs * 2, LONGEST_BLOCK_MS);
      failures.blockedUntil = now() + failures.blockMs;
    },
  };
}

/** Undefined where the address need not wait. */
export function refuseGuesser(throttle: Throttle, address: string): Refusal | undefined {
  const waitMs = throttle.waitMs(address);
  if (waitMs === 0) return undefined;
  return {
    status: 429,
    message: 'Too many wrong passwords or links from this address. Wait, then try again with the right one.',
    headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) },
  };
}

/** One person has a whole /64 of IPv6 addresses to guess from. */
function toKey(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail ? tail.split(':') : [];
  const gap = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...gap, ...right]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
