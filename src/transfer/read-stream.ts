import { Readable } from 'node:stream';
import { type CallSignal, tallyLike } from '../drive/call-signal.ts';
import type { ByteRange, DownloadLink, ReadDrive } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import type { BodySource } from './body-source.ts';
import { BodyStream, type BodyStreamDeps } from './body-stream.ts';
import type { DownloadLinks } from './download-links.ts';
import { createLivePhotoZip } from './live-photo-zip.ts';
import { openStream } from './open-stream.ts';

/**
 * Opens a file's bytes, or the zip of a live photo, which comes whole whatever the range.
 * The stream yields exactly what was asked for or fails; destroying it closes the connection to the storage host.
 * @throws DriveError when the first byte cannot be had.
 */
export type OpenReadStream = (entry: Entry, range: ByteRange, signal?: AbortSignal) => Promise<Readable>;

export interface ReadStreamDeps extends BodyStreamDeps {
  readonly drive: Pick<ReadDrive, 'openRange'>;
  readonly links: Pick<DownloadLinks, 'get' | 'invalidate'>;
}

export function createOpenReadStream(deps: ReadStreamDeps): OpenReadStream {
  const { drive, links } = deps;

  function openBody(entry: Entry, pickLink: BodySource['getLink'], range: ByteRange, signal?: AbortSignal) {
    const source: BodySource = {
      file: entry,
      getLink: pickLink,
      refuseLink: (link) => links.invalidate(entry, link),
      openRange: (link, bytes, stop) => drive.openRange(link, bytes, stop),
    };
    return openStream(new BodyStream(source, range, deps), signal);
  }

  function getLink(entry: Entry, stop: AbortSignal, origin: CallSignal | undefined) {
    return links.get(entry, tallyLike(stop, origin));
  }

  function openLiveStream(entry: Entry, extension: string, sizeBytes: number, signal?: AbortSignal): Promise<Readable> {
    if (sizeBytes === 0) return Promise.resolve(Readable.from([]));
    const pickLink = async (stop: AbortSignal): Promise<DownloadLink> => {
      const download = await getLink(entry, stop, signal);
      const streams = download.kind === 'live-photo' ? download.streams : [];
      const stream = streams.find((candidate) => candidate.extension === extension);
      if (!stream) throw new DriveError('content-mismatch', 'The live photo has changed.');
      return stream.link;
    };
    return openBody(entry, pickLink, { first: 0, last: sizeBytes - 1 }, signal);
  }

  return async (entry, range, signal) => {
    const download = await links.get(entry, signal);
    if (download.kind === 'live-photo') {
      return createLivePhotoZip(entry, download.streams, (stream) =>
        openLiveStream(entry, stream.extension, stream.sizeBytes, signal),
      );
    }
    const pickLink = async (stop: AbortSignal): Promise<DownloadLink> => {
      const current = await getLink(entry, stop, signal);
      if (current.kind === 'file') return current.link;
      throw new DriveError('content-mismatch', 'The file has changed.');
    };
    return openBody(entry, pickLink, range, signal);
  };
}
