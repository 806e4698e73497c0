import { timingSafeEqual } from 'node:crypto';

/** Sorted and encoded anew, so that a client may write the same query in another way; without the signature itself. */
export function canonicalQuery(pairs: readonly (readonly [string, string | undefined])[]): string {
  const encoded = pairs.flatMap(([name, value]) =>
    value === undefined || name === 'x-oss-signature' ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return encoded.sort().join('&');
}

/** Epoch ms; NaN for anything unreadable. OSS2 tells an instant, OSS4 the seconds since `x-oss-date`. */
export function readExpiry(query: URLSearchParams): number {
  const expires = Number(query.get('x-oss-expires') ?? 'none') * 1000;
  if (!query.get('x-oss-signature-version')?.startsWith('OSS4')) return expires;
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get('x-oss-date') ?? '');
  const [year = 0, month = 0, ...rest] = (match ?? []).slice(1).map(Number);
  return Date.UTC(year, month - 1, ...rest) + expires;
}

export function isSameSignature(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}
