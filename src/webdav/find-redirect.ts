import type { ByteRange, DownloadLink } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { localKindOf } from '../drive/local-entry.ts';
import type { Logger } from '../log.ts';
import type { ClientClass } from '../transfer/clients.ts';
import {
  chooseDelivery,
  chooseWithoutLink,
  type DeliveryChoice,
  type DeliveryRequest,
  type DeliverySetting,
} from '../transfer/delivery.ts';
import type { DownloadLinks } from '../transfer/download-links.ts';
import type { RedirectWatch } from '../transfer/redirect-watch.ts';
import type { Exchange } from './method.ts';
import { nameClient, toDeliveryRequest } from './redirect.ts';

export interface FindRedirectDeps {
  readonly links: Pick<DownloadLinks, 'get' | 'getAtOnce'>;
  readonly delivery: DeliverySetting;
  readonly redirects: Pick<RedirectWatch, 'judge'>;
  /** The storage host would not refuse one more reader, as far as that is known. */
  readonly hasRoomOutside: () => boolean;
  /** Whether a read belongs to the cache, if there is one; `range` is undefined for a whole file. */
  readonly isSmallRead: (entry: Entry, range: ByteRange | undefined, isOpenEnded: boolean) => boolean;
  readonly now: () => number;
  readonly log: Logger;
}

/** A GET of a file's content. */
export interface Asked {
  readonly entry: Entry;
  readonly client: ClientClass;
  /** undefined for all of it */
  readonly range: ByteRange | undefined;
}

/** Finds the link to redirect to; undefined when the file is to be streamed. Costs no call where no link can change that. */
export function createFindRedirect(deps: FindRedirectDeps) {
  const { links, delivery: setting, redirects, hasRoomOutside, isSmallRead, now, log } = deps;
  let hasToldOfReferer = false;

  function doubt({ request, record }: Exchange, { entry, client, range }: Asked): DeliveryChoice | undefined {
    // Streamed to, it takes its turn with the others; there it would be refused, and many give up at that.
    if (!hasRoomOutside()) return { delivery: 'stream', reason: 'no-place-outside' };
    const verdict = redirects.judge({ client: nameClient(request), entryId: entry.id, first: range?.first ?? 0 });
    if (verdict === 'stream-from-now') {
      const words = 'a client comes back from redirects for the same bytes: it is streamed to for a while';
      log.info({ requestId: record.id, client: client.name }, words);
    }
    return verdict === 'redirect' ? undefined : { delivery: 'stream', reason: 'redirects-fail' };
  }

  function toRequest({ request }: Exchange, { entry, range }: Asked): DeliveryRequest {
    const isOpenEnded = range !== undefined && /-\s*$/.test(request.headers.range ?? '');
    return { ...toDeliveryRequest(request), isSmallRead: isSmallRead(entry, range, isOpenEnded) };
  }

  return async (exchange: Exchange, asked: Asked): Promise<DownloadLink | undefined> => {
    const { record } = exchange;
    const { entry, client } = asked;
    // What is kept with us has no link.
    if (localKindOf(entry) !== undefined) return undefined;
    const note = (choice: DeliveryChoice) =>
      log.debug({ requestId: record.id, client: client.name, ...choice }, 'delivery chosen');
    const request = toRequest(exchange, asked);
    const certain = chooseWithoutLink(setting, request, client);
    if (certain) {
      note(certain);
      return undefined;
    }
    const download = links.getAtOnce(entry) ?? (await links.get(entry, exchange.signal));
    // The zip of a live photo is made here.
    if (download.kind === 'live-photo') return undefined;
    const { link } = download;
    const chosen = chooseDelivery(setting, link, link.expiresAt - now(), request, client);
    const isOpenToDoubt = setting === 'auto' && chosen.delivery === 'redirect';
    const choice = (isOpenToDoubt && doubt(exchange, asked)) || chosen;
    note(choice);
    if (setting === 'redirect' && choice.reason === 'link-needs-referer' && !hasToldOfReferer) {
      hasToldOfReferer = true;
      log.warn('Files are streamed although ALIDAV_DELIVERY is redirect: this login’s links work only with a Referer.');
    }
    return choice.delivery === 'redirect' ? link : undefined;
  };
}
