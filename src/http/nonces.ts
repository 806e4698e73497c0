import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/**
 * A used count is refused a second time, so a nonce may live long. It should: some clients (neon) send the whole body of
 * a large PUT before they see that its nonce was stale.
 */
const LIFE_MS = 60 * 60 * 1000;
const MAX_REMEMBERED = 4096;
/** Parallel connections deliver counts out of order; one that lags further behind than this is taken for a replay. */
const WINDOW = 256;

const TIME_BYTES = 6;
const BODY_BYTES = 16;
const MAC_BYTES = 16;

/** The counts seen with one nonce: bit n of `seen` stands for `highest - n`. */
interface Usage {
  readonly issuedAt: number;
  highest: number;
  seen: bigint;
}

export interface Nonces {
  issue(): string;
  /** True once for each pair of a living nonce of ours and a count from 1. */
  spend(nonce: string, count: number): boolean;
}

/** Digest nonces that carry their own birth and signature, so that only those in use take memory, and that is bounded. */
export function createNonces(now: () => number): Nonces {
  const key = randomBytes(32);
  const sign = (body: Buffer) => createHmac('sha256', key).update(body).digest().subarray(0, MAC_BYTES);
  /** A nonce as old as one that was pushed out of memory may have been pushed out itself, with its counts. */
  let forgottenUntil = 0;
  const usages = new LRUCache<string, Usage>({
    max: MAX_REMEMBERED,
    dispose: ({ issuedAt }, _nonce, reason) => {
      if (reason === 'evict') forgottenUntil = Math.max(forgottenUntil, issuedAt);
    },
  });

  function findIssuedAt(nonce: string): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== BODY_BYTES + MAC_BYTES || bytes.toString('base64url') !== nonce) return undefined;
    const body = bytes.subarray(0, BODY_BYTES);
    return timingSafeEqual(sign(body), bytes.subarray(BODY_BYTES)) ? body.readUIntBE(0, TIME_BYTES) : undefined;
  }

  return {
    issue() {
      const body = randomBytes(BODY_BYTES);
      body.writeUIntBE(now(), 0, TIME_BYTES);
      return Buffer.concat([body, sign(body)]).toString('base64url');
    },
    spend(nonce, count) {
      const issuedAt = findIssuedAt(nonce);
      if (issuedAt === undefined || now() - issuedAt > LIFE_MS || count < 1) return false;
      let usage = usages.get(nonce);
      if (!usage) {
        if (issuedAt <= forgottenUntil) return false;
        usage = { issuedAt, highest: 0, seen: 0n };
        usages.set(nonce, usage);
      }
      return markSeen(usage, count);
    },
  };
}

function markSeen(usage: Usage, count: number): boolean {
  const ahead = count - usage.highest;
  if (ahead > 0) {
    usage.seen = ahead < WINDOW ? BigInt.asUintN(WINDOW, usage.seen << BigInt(ahead)) | 1n : 1n;
    usage.highest = count;
    return true;
  }
  if (-ahead >= WINDOW) return false;
  const bit = 1n << BigInt(-ahead);
  if ((usage.seen & bit) !== 0n) return false;
  usage.seen |= bit;
  return true;
}
