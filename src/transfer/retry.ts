import { DriveError } from '../drive/errors.ts';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
const MAX_TRIES = 5;
/** The storage host frees a place only when another download ends; that may take a minute. */
const MAX_TRIES_FOR_A_PLACE = 20;

export interface Retry {
  readonly delayMs: number;
  /** The link itself was refused: ask for a new one. */
  readonly renewLink: boolean;
}

/**
 * What to do after a body could not be opened or broke off.
 * @param tries failures in a row without progress, this one included.
 * @returns undefined when trying again would not help, or has not helped often enough.
 */
export function planRetry(error: unknown, tries: number, random: () => number): Retry | undefined {
  const code = error instanceof DriveError ? error.code : undefined;
  const delayMs = Math.max(toBackOffMs(tries, random), (error instanceof DriveError && error.retryAfterMs) || 0);
  switch (code) {
    case 'link-expired':
      return tries > MAX_TRIES ? undefined : { delayMs: tries === 1 ? 0 : delayMs, renewLink: true };
    case 'forbidden':
      return tries > MAX_TRIES ? undefined : { delayMs, renewLink: true };
    case 'too-many-downloads':
      return tries > MAX_TRIES_FOR_A_PLACE ? undefined : { delayMs, renewLink: false };
    case 'unavailable':
    case 'throttled':
    case 'content-mismatch':
      return tries > MAX_TRIES ? undefined : { delayMs, renewLink: false };
    default:
      return undefined;
  }
}

/** Doubles and more with each try; the jitter keeps readers that were cut off together from coming back together. */
function toBackOffMs(tries: number, random: () => number): number {
  const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 3 ** (tries - 1));
  return delayMs * (0.5 + random() / 2);
}
