import type { PassThrough, Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import type { Entry, LiveStream } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import { livePhotoMemberName, livePhotoZipSize } from '../drive/live-photo.ts';

/**
 * Starts the stored zip of a live photo's streams, opened one after another, the first before this resolves.
 * @throws DriveError `content-mismatch` when it would not have the length that was promised.
 */
export async function createLivePhotoZip(
  entry: Entry,
  streams: readonly LiveStream[],
  openStream: (stream: LiveStream) => Promise<Readable>,
): Promise<Readable> {
  if (livePhotoZipSize(entry.name, streams) !== entry.sizeBytes) {
    throw new DriveError('content-mismatch', 'The live photo has changed: its length is not the one announced.');
  }
  const zip = new ZipFile();
  const output = zip.outputStream as PassThrough;
  const [first] = streams;
  let opened = first ? await openStream(first) : undefined;
  let current: Readable | undefined;
  // yazl pipes its sources without telling either side of the other's end.
  output.once('close', () => {
    opened?.destroy();
    current?.destroy();
  });
  zip.once('error', (error: Error) => output.destroy(error));

  for (const stream of streams) {
    zip.addReadStreamLazy(
      livePhotoMemberName(entry.name, stream.extension),
      { size: stream.sizeBytes, compress: false, mtime: new Date(entry.updatedAt) },
      (callback) => {
        const opening = opened ? Promise.resolve(opened) : openStream(stream);
        opened = undefined;
        opening
          .then((source) => {
            current = source;
            source.once('error', (error) => output.destroy(error));
            if (output.destroyed) source.destroy();
            else callback(null, source);
          })
          .catch((error: Error) => output.destroy(error));
      },
    );
  }
  zip.end();
  return output;
}
