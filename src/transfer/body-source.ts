import type { Readable } from 'node:stream';
import type { ByteRange, DownloadLink } from '../drive/drive.ts';
import type { EntryKey } from '../drive/entry.ts';

/** Where the bytes of a body come from: a link, and what to do when it is refused. */
export interface BodySource {
  readonly file: EntryKey;
  getLink(signal: AbortSignal): Promise<DownloadLink>;
  refuseLink(link: DownloadLink): void;
  openRange(link: DownloadLink, range: ByteRange, signal: AbortSignal): Promise<Readable>;
}
