import { Readable } from 'node:stream';
import type { ByteRange, Download, DownloadLink } from '../../../src/drive/drive.ts';
import type { Entry } from '../../../src/drive/entry.ts';
import { DriveError, type DriveErrorCode } from '../../../src/drive/errors.ts';

export const HOUR_MS = 3_600_000;

export function makeEntry(overrides: Partial<Entry> = {}): Entry {
  return {
    driveId: '1',
    id: 'f1',
    parentId: 'root',
    name: 'a.bin',
    kind: 'file',
    sizeBytes: 1_000_000,
    createdAt: 0,
    updatedAt: Date.UTC(2024, 2, 1),
    contentHash: 'A'.repeat(40),
    mimeType: undefined,
    liveStreams: undefined,
    blockedReason: undefined,
    trashed: false,
    ...overrides,
  };
}

/** The bytes of every file: each tells its position. */
export function makeBytes({ first, last }: ByteRange): Buffer {
  const bytes = Buffer.allocUnsafe(last - first + 1);
  for (let at = first; at <= last; at++) bytes[at - first] = (at * 31 + (at >> 8) * 17 + (at >> 16)) & 0xff;
  return bytes;
}

export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What happens to the next body that is opened. */
export type Fault =
  | { readonly refuse: DriveErrorCode }
  | { readonly failAfter: number; readonly code: DriveErrorCode }
  | { readonly endAfter: number }
  | { readonly closeAfter: number }
  | { readonly extra: number };

interface Opened extends ByteRange {
  readonly url: string;
}

/** A drive of computed bytes whose storage host can be told to misbehave. */
export class FakeDrive {
  readonly opened: Opened[] = [];
  readonly faults: (Fault | undefined)[] = [];
  linkCalls = 0;
  entryCalls = 0;
  bodies = 0;
  peakBodies = 0;
  /** One more is refused. */
  mostBodies = Number.POSITIVE_INFINITY;
  /** Of those one too many. */
  refusals = 0;
  /** Bytes given to readers. */
  bytesSent = 0;
  lifeMs = HOUR_MS;
  refererRequired = false;
  fetchError: DriveErrorCode | undefined;
  /** Held back until called, when set. */
  gate: Promise<void> | undefined;
  chunkBytes = 64 * 1024;
  now = Date.now;
  /** Set: bodies bring a chunk each at every `step`, all as fast as one another. */
  isPaced = false;
  readonly #steps: (() => void)[] = [];

  step(): void {
    for (const send of this.#steps.splice(0)) send();
  }

  async fetchDownload(entry: Entry, signal?: AbortSignal): Promise<Download> {
    this.linkCalls++;
    await this.gate;
    if (signal?.aborted) throw new DriveError('aborted', 'given up');
    if (this.fetchError) throw new DriveError(this.fetchError, 'scripted');
    if (entry.liveStreams) {
      const streams = entry.liveStreams.map((stream) => ({ ...stream, link: this.#makeLink(stream.extension) }));
      return { kind: 'live-photo', streams };
    }
    return { kind: 'file', link: this.#makeLink(entry.id) };
  }

  async openRange(link: DownloadLink, range: ByteRange, signal?: AbortSignal): Promise<Readable> {
    await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted) throw new DriveError('aborted', 'given up');
    this.opened.push({ ...range, url: link.url });
    const fault = this.faults.shift();
    if (fault && 'refuse' in fault) throw new DriveError(fault.refuse, 'scripted');
    if (this.bodies >= this.mostBodies) {
      this.refusals++;
      throw new DriveError('too-many-downloads', 'others have the places');
    }
    this.bodies++;
    this.peakBodies = Math.max(this.peakBodies, this.bodies);
    const body = this.#makeBody(range, fault);
    body.once('close', () => this.bodies--);
    return body;
  }

  #makeLink(name: string): DownloadLink {
    const url = `http://storage.test/${name}?n=${this.linkCalls}`;
    return { url, expiresAt: this.now() + this.lifeMs, refererRequired: this.refererRequired };
  }

  #makeBody(range: ByteRange, fault: Fault | undefined): Readable {
    let next = range.first;
    const failAt = range.first + (fault && 'failAfter' in fault ? fault.failAfter : Number.POSITIVE_INFINITY);
    const closeAt = range.first + (fault && 'closeAfter' in fault ? fault.closeAfter : Number.POSITIVE_INFINITY);
    const rangeEnd = range.last + 1;
    const endAt = fault && 'endAfter' in fault ? Math.min(rangeEnd, range.first + fault.endAfter) : rangeEnd;
    const stopAt = Math.min(failAt, closeAt, fault && 'extra' in fault ? rangeEnd + fault.extra : endAt);
    const drive = this;
    return new Readable({
      highWaterMark: this.chunkBytes,
      read() {
        if (next >= stopAt) {
          if (stopAt === failAt && fault && 'code' in fault) this.destroy(new DriveError(fault.code, 'scripted'));
          else if (stopAt === closeAt) this.destroy();
          else this.push(null);
          return;
        }
        const last = Math.min(next + drive.chunkBytes, stopAt) - 1;
        const chunk = makeBytes({ first: next, last });
        next = last + 1;
        drive.bytesSent += chunk.length;
        if (drive.isPaced) drive.#steps.push(() => this.push(chunk));
        else setImmediate(() => this.push(chunk));
      },
    });
  }
}
