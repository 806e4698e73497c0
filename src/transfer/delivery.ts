import type { DownloadLink } from '../drive/drive.ts';
import type { ClientClass } from './clients.ts';

type Delivery = 'redirect' | 'stream';
export type DeliverySetting = Delivery | 'auto';

/** What of a request bears on how it is answered. */
export interface DeliveryRequest {
  readonly hasOrigin: boolean;
  /** A non-empty one: an empty Referer is how people keep rclone from sending any. */
  readonly hasReferer: boolean;
  readonly hasRange: boolean;
  readonly credentials: 'basic' | 'digest' | 'none';
  /** The client reached us by https. */
  readonly isSecure: boolean;
  /** One that is answered out of the cache, or into it; false where there is no cache. */
  readonly isSmallRead: boolean;
}

export interface DeliveryChoice {
  readonly delivery: Delivery;
  /** For the log and for tests. */
  readonly reason:
    | 'setting'
    | 'small-read'
    | 'link-needs-referer'
    | 'link-is-not-https'
    | 'link-dies-soon'
    | 'referer'
    | 'origin'
    | 'client-never-follows'
    | 'client-never-returns'
    | 'client-forgets-credentials'
    /** All places of the storage host are taken by those who are streamed to. */
    | 'no-place-outside'
    /** It comes back at once, again and again: `RedirectWatch`. */
    | 'redirects-fail'
    | 'nothing-against-it';
}

/**
 * A client that never comes back needs a link that outlives a film and its pauses. The service signs for four hours at most,
 * so to ask for all four would be to redirect nobody.
 */
const LONG_LIFE_MS = 3 * 3_600_000;
/** Under this a redirect may arrive at a link that has died on the way. */
const SHORT_LIFE_MS = 10_000;

/** What is certain before a link is asked for; undefined where it is for the link to say. */
export function chooseWithoutLink(
  setting: DeliverySetting,
  request: DeliveryRequest,
  client: ClientClass,
): DeliveryChoice | undefined {
  if (setting === 'stream') return { delivery: 'stream', reason: 'setting' };
  if (setting === 'redirect') return undefined;
  // A link costs a call and the client a detour, for bytes that are here or are worth having here.
  if (request.isSmallRead) return { delivery: 'stream', reason: 'small-read' };
  // The storage host's referer policy refuses foreign sites, and who sends a Referer here sends one there.
  if (request.hasReferer) return { delivery: 'stream', reason: 'referer' };
  // A script's fetch() needs CORS headers, which the storage host does not send.
  if (request.hasOrigin) return { delivery: 'stream', reason: 'origin' };
  if (client.habit === 'never-follows') return { delivery: 'stream', reason: 'client-never-follows' };
  return undefined;
}

/** Decides how a file is delivered: by what is certain without its link, then by the link and what is known of the client. */
export function chooseDelivery(
  setting: DeliverySetting,
  link: DownloadLink,
  lifeLeftMs: number,
  request: DeliveryRequest,
  client: ClientClass,
): DeliveryChoice {
  const certain = chooseWithoutLink(setting, request, client);
  if (certain) return certain;
  // These two no setting can override: the client could do nothing with such a redirect.
  if (link.refererRequired) return { delivery: 'stream', reason: 'link-needs-referer' };
  if (request.isSecure && !link.url.startsWith('https:')) return { delivery: 'stream', reason: 'link-is-not-https' };
  if (setting === 'redirect') return { delivery: 'redirect', reason: 'setting' };

  if (lifeLeftMs < SHORT_LIFE_MS) return { delivery: 'stream', reason: 'link-dies-soon' };
  const isLongLived = lifeLeftMs >= LONG_LIFE_MS;
  if (client.habit === 'never-returns') {
    // A browser's media element adds a Referer to its later ranges, whatever the redirect's Referrer-Policy says.
    const willSendReferer = client.name === 'browser' && request.hasRange;
    if (!isLongLived || willSendReferer) return { delivery: 'stream', reason: 'client-never-returns' };
  }
  if (client.habit === 'forgets-credentials' && request.credentials !== 'none' && !isLongLived) {
    return { delivery: 'stream', reason: 'client-forgets-credentials' };
  }
  return { delivery: 'redirect', reason: 'nothing-against-it' };
}

/**
 * The `Cache-Control` of a redirect. `max-age` comes first because libavformat reads the number from the value's start;
 * the last minute of the link's life is kept back for the download to begin in.
 */
export function formatRedirectCacheControl(lifeLeftMs: number): string {
  const maxAge = Math.floor(lifeLeftMs / 1000) - 60;
  return maxAge > 0 ? `max-age=${maxAge}, private` : 'no-store';
}
