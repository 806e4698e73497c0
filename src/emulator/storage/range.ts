/** Bytes `[start, end)` of an object; `partial` makes the answer a 206. */
export interface Slice {
  readonly start: number;
  readonly end: number;
  readonly partial: boolean;
}

/**
 * Reads a Range header as the storage host does: anything that is not one good range gets the whole object.
 * @returns undefined for a range that the object cannot satisfy, in the mode that says so.
 */
export function readRange(header: string | undefined, size: number, mode: 'rfc9110' | 'oss'): Slice | undefined {
  const whole = { start: 0, end: size, partial: false };
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match) return whole;
  const [first, last] = match.slice(1).map((digits) => (digits === '' ? undefined : Number(digits)));
  if (first === undefined && last === undefined) return whole;
  if (first !== undefined && last !== undefined && last < first) return whole;
  const start = first ?? Math.max(0, size - (last ?? 0));
  const end = first === undefined ? size : Math.min(size, (last ?? size - 1) + 1);
  const isBeyond = start >= size || (first !== undefined && (last ?? 0) >= size);
  if (mode === 'oss' && isBeyond) return whole;
  return start < end ? { start, end, partial: true } : undefined;
}
