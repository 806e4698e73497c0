/**
 * How long a folder's listing may lag behind a write: only one that was asked for this long after it proves that nothing came
 * of the write. The service names no bound; this is ours, on the safe side.
 */
export const LISTING_LAG_MS = 30_000;
