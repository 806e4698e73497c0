import type { IncomingHttpHeaders } from 'node:http';
import type { ByteRange } from '../drive/drive.ts';

/** What a resource's current representation can be compared by. */
export interface Validators {
  /** Strong, quotes included. */
  readonly etag: string;
  /** Epoch ms; HTTP dates know seconds only. 0 where it is not known: RFC 9110 §13.1.3 has dates ignored then. */
  readonly lastModifiedAt: number;
}

export type ConditionOutcome = 'proceed' | 'not-modified' | 'precondition-failed';

const PRECONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'] as const;

/** Whether there is something to evaluate: without it every request proceeds. */
export function isConditional(headers: IncomingHttpHeaders): boolean {
  return PRECONDITIONS.some((name) => headers[name] !== undefined);
}

/**
 * Evaluates a request's preconditions in the order of RFC 9110 §13.2.2.
 * @param current undefined when nothing is there yet.
 */
export function evaluateConditions(
  method: string,
  headers: IncomingHttpHeaders,
  current: Validators | undefined,
): ConditionOutcome {
  const isReading = method === 'GET' || method === 'HEAD';
  const ifMatch = headers['if-match'];
  const unmodifiedSince = parseHttpDate(headers['if-unmodified-since']);
  const modifiedAt = current?.lastModifiedAt ? toSeconds(current.lastModifiedAt) : undefined;
  if (ifMatch !== undefined) {
    if (!matchesAny(ifMatch, current, 'strong')) return 'precondition-failed';
  } else if (unmodifiedSince !== undefined && modifiedAt !== undefined && modifiedAt > unmodifiedSince) {
    return 'precondition-failed';
  }

  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    if (!matchesAny(ifNoneMatch, current, 'weak')) return 'proceed';
    return isReading ? 'not-modified' : 'precondition-failed';
  }
  const modifiedSince = parseHttpDate(headers['if-modified-since']);
  if (isReading && modifiedSince !== undefined && modifiedAt !== undefined && modifiedAt <= modifiedSince) {
    return 'not-modified';
  }
  return 'proceed';
}

/** Whether a Range is to be honoured that comes with an If-Range: when this names exactly what is there (RFC 9110 §13.1.5). */
export function isRangeCurrent(ifRange: string, current: Validators): boolean {
  if (/^(W\/)?"/.test(ifRange.trim())) return ifRange.trim() === current.etag;
  return current.lastModifiedAt !== 0 && parseHttpDate(ifRange) === toSeconds(current.lastModifiedAt);
}

/** What a Range header asks of a representation: `whole` also when the header is to be ignored. */
export type RangeRequest =
  | { readonly kind: 'whole' | 'unsatisfiable' }
  | { readonly kind: 'part'; readonly range: ByteRange };

const WHOLE: RangeRequest = { kind: 'whole' };

/**
 * Parses a Range header (RFC 9110 §14.2). Other units, several ranges and malformed ones (last before first, `bytes=-`)
 * are ignored, as the RFC allows or asks for; so is any range of an empty file, because players that send `bytes=0-`
 * with every request would take a 416 for a failure.
 */
export function parseRange(header: string | undefined, sizeBytes: number): RangeRequest {
  if (header === undefined || sizeBytes === 0) return WHOLE;
  const [, list] = /^\s*bytes\s*=(.*)$/i.exec(header) ?? [];
  const [only, ...others] = (list ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
  const [, first = '', last = ''] = /^(\d*)\s*-\s*(\d*)$/.exec(only ?? '') ?? [];
  if (others.length > 0 || (first === '' && last === '')) return WHOLE;

  if (first === '') {
    const suffixBytes = Math.min(Number(last), sizeBytes);
    return suffixBytes === 0 ? { kind: 'unsatisfiable' } : toPart(sizeBytes - suffixBytes, sizeBytes - 1);
  }
  const lastByte = last === '' ? Number.POSITIVE_INFINITY : Number(last);
  if (lastByte < Number(first)) return WHOLE;
  if (Number(first) >= sizeBytes) return { kind: 'unsatisfiable' };
  return toPart(Number(first), Math.min(lastByte, sizeBytes - 1));
}

function toPart(first: number, last: number): RangeRequest {
  return { kind: 'part', range: { first, last } };
}

/** @returns epoch seconds; undefined for what is none of the three formats of RFC 9110 §5.6.7, to be ignored. */
export function parseHttpDate(text: string | undefined): number | undefined {
  const value = text?.trim() ?? '';
  const isImfOrRfc850 = /^[A-Z][a-z]{2,8}, \d\d[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d:\d\d GMT$/.test(value);
  const isAsctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/.test(value);
  if (!isImfOrRfc850 && !isAsctime) return undefined;
  // asctime names no zone, and Date.parse would take it for local time.
  const parsedAt = Date.parse(isAsctime ? `${value} GMT` : value);
  return Number.isNaN(parsedAt) ? undefined : toSeconds(parsedAt);
}

/** Anything unquoted matches nothing: Joplin sends `If-None-Match: JoplinIgnore-123` with every request. */
function matchesAny(list: string, current: Validators | undefined, comparison: 'strong' | 'weak'): boolean {
  if (!current) return false;
  if (list.trim() === '*') return true;
  const tags = list.match(/(W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => (comparison === 'weak' ? tag.replace(/^W\//, '') : tag) === current.etag);
}

function toSeconds(instant: number): number {
  return Math.floor(instant / 1000);
}
