import type { Readable } from 'node:stream';
import type { Fingerprint } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import { isLivePhoto } from '../drive/live-photo.ts';
import type { OpenReadStream } from './read-stream.ts';

/** A file of one drive as the content of one in another: its proof costs eight bytes, and only without it all are read. */
export class RelayedFile {
  readonly #source: Entry;
  readonly #openReadStream: OpenReadStream;

  /** @throws DriveError `unsupported` for a live photo */
  constructor(source: Entry, openReadStream: OpenReadStream) {
    if (isLivePhoto(source)) throw new DriveError('unsupported', 'A live photo cannot be taken to another drive.');
    this.#source = source;
    this.#openReadStream = openReadStream;
  }

  fingerprint(contentHash: string, signal: AbortSignal): Fingerprint {
    return {
      kind: 'content-hash',
      contentHash,
      readProof: async (range) => {
        const chunks: Buffer[] = [];
        for await (const chunk of await this.#openReadStream(this.#source, range, signal)) chunks.push(chunk as Buffer);
        return Buffer.concat(chunks);
      },
    };
  }

  open(signal: AbortSignal): Promise<Readable> {
    return this.#openReadStream(this.#source, { first: 0, last: this.#source.sizeBytes - 1 }, signal);
  }
}
