import { Readable } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { type BlobWriter, type FolderBlobs, openBlobs } from '../../../src/state/blobs.ts';
import type { OpenReadStream } from '../../../src/transfer/read-stream.ts';
import { type UploadRequest, Uploads, type UploadsDeps } from '../../../src/transfer/upload.ts';
import type { UploadRecord } from '../../../src/transfer/upload-record.ts';
import { temporaryFolder } from '../state/temporary-folder.ts';
import { FakeJournal, FakeProcess, FakeReaders, FakeService, ROOT } from './fake-upload-drive.ts';

export const MIB = 2 ** 20;

export interface World {
  readonly service: FakeService;
  readonly journal: FakeJournal<UploadRecord>;
  readonly readers: FakeReaders;
  readonly dir: string;
  /** Claims that are held, by folder and name. */
  readonly claims: string[];
  readonly consumed: [Entry, Entry][];
  now: number;
}

export async function makeWorld(swaps = false): Promise<World> {
  const service = new FakeService(swaps);
  return {
    service,
    journal: new FakeJournal(),
    readers: new FakeReaders(service),
    dir: await temporaryFolder(onTestFinished),
    claims: [],
    consumed: [],
    now: Date.UTC(2024, 2, 2),
  };
}

export interface Started {
  readonly uploads: Uploads;
  readonly blobs: FolderBlobs;
  readonly process: FakeProcess;
}

export type StartOptions = Partial<
  Pick<UploadsDeps, 'memoryBytes' | 'onUpload' | 'stallMs' | 'openReadStream' | 'consumeHeld'>
> & {
  readonly process?: FakeProcess;
  readonly spoolBytes?: number;
};

const noSource: OpenReadStream = () => Promise.reject(new Error('nothing is read here'));

export async function start(world: World, options: StartOptions = {}): Promise<Started> {
  const { process = new FakeProcess(), memoryBytes = 64 * MIB, spoolBytes = 256 * MIB, ...rest } = options;
  const { service, journal, readers, dir, claims, consumed } = world;
  const writers: BlobWriter[] = [];
  const disk = await openBlobs({ dir, maxBytes: spoolBytes });
  const blobs: FolderBlobs = {
    owner: disk.owner,
    maxBytes: disk.maxBytes,
    get usedBytes() {
      return disk.usedBytes;
    },
    create: async () => {
      const writer = await process.step('blob.create', async () => {
        writers.push(await disk.create());
        return writers.at(-1) as BlobWriter;
      });
      return { ...writer, name: writer.name, write: (chunk) => writer.write(chunk), finish, discard };
      function finish() {
        return process.step('blob.finish', () => writer.finish());
      }
      function discard() {
        return process.step('blob.discard', () => writer.discard());
      }
    },
    open: (name, from, to) => disk.open(name, from, to),
    remove: (name) => process.step('blob.remove', () => disk.remove(name)),
    list: () => disk.list(),
  };
  const uploads = new Uploads({
    drive: service.connect(process),
    listFresh: service.listFresh(process),
    journal: async () => journal.connect(process),
    blobs,
    memoryBytes,
    onChanged: (change) => process.step('onChanged', () => readers.apply(change)),
    guard: readers.guard,
    claim: async (names) => {
      const held = names.map(({ folder, name }) => `${folder.id}/${name}`);
      claims.push(...held);
      return () => {
        for (const name of held) claims.splice(claims.indexOf(name), 1);
      };
    },
    consumeHeld: async (held, real) => void consumed.push([held, real]),
    openReadStream: noSource,
    log: pino({ level: 'silent' }),
    now: () => world.now,
    random: () => 0.5,
    ...rest,
  });
  onTestFinished(async () => {
    if (!process.isDead) await uploads.stop(0);
    for (const writer of writers) await writer.discard();
  });
  return { uploads, blobs, process };
}

/** As after a power cut: guards and memory are gone, a minute has passed. */
export async function restart(world: World, options: StartOptions = {}): Promise<Started> {
  world.readers.restart();
  world.now += 60_000;
  const started = await start(world, options);
  await started.uploads.restoreGuards();
  return started;
}

export function requestFor(name: string, overrides: Partial<UploadRequest> = {}): UploadRequest {
  return { target: { parent: ROOT, name }, sizeBytes: undefined, contentHash: undefined, ...overrides };
}

/** Bytes that differ from seed to seed and from place to place. */
export function makeBody(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) bytes[at] = (at * 31 + (at >> 8) * seed + (at >> 16) + seed) & 0xff;
  return bytes;
}

export function toStream(bytes: Buffer, chunkBytes = 64 * 1024): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
    })(),
    { objectMode: false },
  );
}

export async function settle(turns = 50): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await tick();
}

/** Waits for what only the disk can delay. */
export async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000; turn++) {
    if (isTrue()) return;
    await tick();
  }
  throw new Error('It never came to be.');
}
