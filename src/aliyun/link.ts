import type { DownloadLink } from '../drive/drive.ts';

/** For a link whose life cannot be told: long enough to be used, short enough not to be kept. */
const UNKNOWN_LIFE_MS = 60_000;

/** Reads from a signed URL how long it lives and what it demands; `expiration` (epoch ms) stands in where the URL is silent. */
export function toDownloadLink(url: string, expiration: number | undefined, now: number): DownloadLink {
  const { searchParams } = new URL(url);
  const signedHeaders = (searchParams.get('x-oss-additional-headers') ?? '').toLowerCase().split(/[;,]/);
  return {
    url,
    expiresAt: expiryOf(searchParams) ?? expiration ?? now + UNKNOWN_LIFE_MS,
    refererRequired: signedHeaders.some((name) => name.trim() === 'referer'),
  };
}

/** Versions OSS2 and OSS3 name an instant in epoch seconds, OSS4 a number of seconds from `x-oss-date`. */
function expiryOf(parameters: URLSearchParams): number | undefined {
  const expires = Number(parameters.get('x-oss-expires') || Number.NaN);
  if (!Number.isFinite(expires)) return undefined;
  if (!parameters.get('x-oss-signature-version')?.startsWith('OSS4')) return expires * 1000;
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(parameters.get('x-oss-date') ?? '');
  if (!date) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = date.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) + expires * 1000;
}

/** The service's stand-in for content that it withholds: a document of its own, delivered with status 200. */
export function isPlaceholder(url: string): boolean {
  const { hostname, pathname } = new URL(url);
  return /^pds-system-file\b/i.test(hostname) || /^\/illegal/i.test(pathname);
}
