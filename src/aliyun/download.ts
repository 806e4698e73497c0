import type { Download, DownloadLink, LiveStreamLink } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import { type JsonObject, readNumber, readObject, readSize, readText, readTime } from './json.ts';
import { isPlaceholder, toDownloadLink } from './link.ts';
import { blockedReasonOf } from './wire.ts';

/** What a link endpoint answered; a live photo has a link for each of its extensions. */
export type LinkAnswer =
  | { readonly kind: 'file'; readonly link: DownloadLink }
  | { readonly kind: 'live-photo'; readonly links: ReadonlyMap<string, DownloadLink> };

/**
 * Reads the answer of a link endpoint.
 * @param streamLinksField where a live photo's links are
 * @throws DriveError `blocked` when the content is withheld: the link then leads to a stand-in, or is empty
 */
export function parseLinkAnswer(answer: JsonObject, streamLinksField: string, now: number): LinkAnswer {
  const reason = blockedReasonOf(answer);
  if (reason !== undefined) throw new DriveError('blocked', reason);
  const expiration = readTime(answer, 'expiration');
  const streams = Object.entries(readObject(answer, streamLinksField)).flatMap(([extension, url]) =>
    typeof url === 'string' && url !== '' ? [[extension, toUsableLink(url, expiration, now)] as const] : [],
  );
  if (streams.length > 0) return { kind: 'live-photo', links: new Map(streams) };
  const url = readText(answer, 'url');
  if (url !== undefined) return { kind: 'file', link: toUsableLink(url, expiration, now) };
  // The open API gives no reason, only an empty link; where the link is absent, nothing is known.
  if (answer.url === '' || (readNumber(answer, 'punish_flag') ?? 0) > 0) throw blocked();
  throw new DriveError('unavailable', 'AliyunDrive gave no link to the content.');
}

/** Pairs the links of a live photo with the sizes of its streams, in the streams' order. */
export function toLivePhotoDownload(entry: Entry, links: ReadonlyMap<string, DownloadLink>): Download {
  const streams = (entry.liveStreams ?? []).flatMap((stream): LiveStreamLink[] => {
    const link = links.get(stream.extension);
    return link ? [{ ...stream, link }] : [];
  });
  if (streams.length === 0 || streams.length !== entry.liveStreams?.length) {
    throw new DriveError('unavailable', 'AliyunDrive gave no link to a part of this live photo.');
  }
  return { kind: 'live-photo', streams };
}

/** Whether the linked content is not that of the entry: a stand-in, or a newer version. Fields that are absent prove nothing. */
export function differsFrom(answer: JsonObject, entry: Entry): boolean {
  const sizeBytes = readSize(answer, 'size');
  const hash = readText(answer, 'content_hash')?.toUpperCase();
  return (
    (sizeBytes !== undefined && sizeBytes !== entry.sizeBytes) ||
    (hash !== undefined && entry.contentHash !== undefined && hash !== entry.contentHash)
  );
}

export function blocked(): DriveError {
  return new DriveError('blocked', 'AliyunDrive withholds the content of this file.');
}

function toUsableLink(url: string, expiration: number | undefined, now: number): DownloadLink {
  if (!/^https?:/i.test(url) || !URL.canParse(url))
    throw new DriveError('unavailable', 'AliyunDrive gave a link that is none.');
  if (isPlaceholder(url)) throw blocked();
  return toDownloadLink(url, expiration, now);
}
