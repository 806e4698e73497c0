import { UsageError } from './arguments.ts';

const MINUTE_MS = 60_000;
const UNITS_MS: Readonly<Record<string, number>> = {
  m: MINUTE_MS,
  h: 60 * MINUTE_MS,
  d: 24 * 60 * MINUTE_MS,
  w: 7 * 24 * 60 * MINUTE_MS,
};
const LONGEST_MS = 100 * 365 * 24 * 60 * MINUTE_MS;

/**
 * Reads when something ends: a time from now (`30d`, `12h`), or a day, whose beginning here it is, or an instant.
 * @returns epoch ms
 * @throws UsageError for what is neither, and for what is over already
 */
export function parseExpiry(text: string, now: number): number {
  const [, amount, unit = ''] = /^(\d+)([mhdw])$/.exec(text) ?? [];
  const at = amount === undefined ? parseInstant(text) : now + Number(amount) * (UNITS_MS[unit] ?? Number.NaN);
  if (Number.isNaN(at) || at > now + LONGEST_MS) {
    throw new UsageError(`--expires takes a time such as 12h, 30d or 8w, or a day such as 2027-01-31, not "${text}".`);
  }
  if (at <= now) throw new UsageError(`--expires ${text} is over already.`);
  return at;
}

/** NaN for what names no instant; the language alone would take the 30th of February for the 2nd of March. */
function parseInstant(text: string): number {
  const [, day = '', time] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?))?$/.exec(text) ?? [];
  const isDay = !Number.isNaN(Date.parse(day)) && new Date(day).toISOString().startsWith(day);
  return isDay && day !== '' ? Date.parse(`${day}T${time ?? '00:00'}`) : Number.NaN;
}
