const DAY_MS = 86_400_000;
/** The year 10000, from which on neither format has four digits. */
const END_MS = Date.UTC(10_000, 0);

/** Two digits, for every value that an hour, minute or second can have. */
const PAIRS: readonly string[] = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));

export interface DateFormats {
  /** RFC 9110 §5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`; undefined for an instant that has no such form. */
  formatHttpDate(atMs: number): string | undefined;
  /** RFC 3339 in UTC: `1994-11-06T08:49:37Z`; undefined likewise. */
  formatIsoDate(atMs: number): string | undefined;
}

/** Formats for one answer: a listing's entries share few days, and a day is the costly part. */
export function createDateFormats(): DateFormats {
  const getHttpDay = rememberDays((date) => date.toUTCString().slice(0, 17));
  const getIsoDay = rememberDays((date) => date.toISOString().slice(0, 11));
  return {
    formatHttpDate: (atMs) => (isFormattable(atMs) ? `${getHttpDay(atMs)}${formatTime(atMs)} GMT` : undefined),
    formatIsoDate: (atMs) => (isFormattable(atMs) ? `${getIsoDay(atMs)}${formatTime(atMs)}Z` : undefined),
  };
}

/** Whether an instant can be told; false for NaN too, and for 0, which stands for a time that the service did not tell. */
export function isFormattable(atMs: number): boolean {
  return atMs > 0 && atMs < END_MS;
}

function rememberDays(formatDay: (date: Date) => string): (atMs: number) => string {
  const days = new Map<number, string>();
  return (atMs) => {
    const day = Math.floor(atMs / DAY_MS);
    const known = days.get(day);
    if (known !== undefined) return known;
    const formatted = formatDay(new Date(atMs));
    days.set(day, formatted);
    return formatted;
  };
}

function formatTime(atMs: number): string {
  const seconds = Math.floor((atMs % DAY_MS) / 1000);
  return `${PAIRS[Math.floor(seconds / 3600)]}:${PAIRS[Math.floor(seconds / 60) % 60]}:${PAIRS[seconds % 60]}`;
}
