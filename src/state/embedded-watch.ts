import type { RootDatabase } from 'lmdb';
import { endOf, startsWith } from './embedded-key.ts';

/**
 * Calls back within an interval after a change at or below a prefix, whoever made it. A look costs next to nothing until
 * somebody has written; then it reads the versions below the prefix.
 */
export function watchDatabase(
  root: RootDatabase<unknown, (string | number)[]>,
  prefix: readonly (string | number)[],
  intervalMs: number,
  onChange: () => void,
): () => void {
  let transaction = lastTransaction(root);
  let seen = fingerprint(root, prefix);
  const timer = setInterval(() => {
    const latest = lastTransaction(root);
    if (latest === transaction) return;
    transaction = latest;
    // The snapshot that reads share may be older than what the counter has just told.
    root.resetReadTxn();
    const current = fingerprint(root, prefix);
    if (current === seen) return;
    seen = current;
    onChange();
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

function lastTransaction(root: RootDatabase<unknown, (string | number)[]>): number {
  return (root.getStats() as { lastTxnId: number }).lastTxnId;
}

/** Versions are random numbers, one a write, so equal sums mean equal content. */
function fingerprint(root: RootDatabase<unknown, (string | number)[]>, prefix: readonly (string | number)[]): string {
  let count = 0;
  let sum = 0n;
  for (const { key, version } of root.getRange({ start: [...prefix], end: endOf(prefix), versions: true })) {
    if (!startsWith(Array.isArray(key) ? key : [key], prefix)) break;
    count += 1;
    sum += BigInt(version ?? 0);
  }
  return `${count}:${sum}`;
}
