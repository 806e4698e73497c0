import path from 'node:path';
import type { Metrics } from './admin/metrics/metrics.ts';
import type { AccountIdentity } from './aliyun/account.ts';
import type { Settings } from './config/schema.ts';
import type { Connection } from './connection.ts';
import type { Entry } from './drive/entry.ts';
import type { Logger } from './log.ts';
import { FolderBlocks } from './state/block-store.ts';
import { isSmallRead } from './transfer/blocks.ts';
import { BodyGate } from './transfer/body-gate.ts';
import { createCachedRead } from './transfer/cached-read.ts';
import { DownloadLinks } from './transfer/download-links.ts';
import { LanePool } from './transfer/lane-pool.ts';
import { createPlayRead } from './transfer/play-stream.ts';
import { createOpenReadStream, type OpenReadStream } from './transfer/read-stream.ts';

export interface ReadingOptions {
  readonly connection: Connection;
  readonly settings: Settings;
  readonly metrics: Pick<Metrics, 'onBodyWait' | 'watchBodies' | 'onLookup'>;
  readonly log: Logger;
  readonly now: () => number;
}

/** The bytes of the drive's files: from the storage host through us, or from the cache. */
export interface Reading {
  readonly links: DownloadLinks;
  /** Past the cache. */
  readonly openDriveStream: OpenReadStream;
  readonly openStream: OpenReadStream;
  /** For who asked for a range: such a client can come back for what fails behind the first bytes. */
  readonly openRangeStream: OpenReadStream;
  /** Whether a read is one that the cache is for. */
  readonly isSmallRead: typeof isSmallRead;
  /** A client will soon read the file at the storage host by itself. */
  readonly expectOutside: (entry: Entry) => void;
  /** As far as we know, whoever is sent to the storage host now finds a place there. */
  readonly hasRoomOutside: () => boolean;
  start(): void;
  stop(): Promise<void>;
}

/**
 * How many bodies the storage host sends one account at a time: an ordinary application of the open API gets three; nothing
 * is published for the web API, and reports speak of trouble from about 30.
 */
const BODIES = { open: 3, page: 16, app: 16 } as const satisfies Record<AccountIdentity['kind'], number>;

/** Wires all that reads the content of files. */
export function createReading({ connection, settings, metrics, log, now }: ReadingOptions): Reading {
  const { account, drive } = connection;
  const links = new DownloadLinks({ drive, now });
  let readers: { readonly open: OpenReadStream; readonly gate: BodyGate; readonly lanes: LanePool } | undefined;
  // Nobody reads before somebody is signed in, and then it is known how many may read at a time.
  const getReaders = () => {
    if (readers) return readers;
    const gate = new BodyGate(BODIES[account.identity?.kind ?? 'open'], now, metrics.onBodyWait);
    metrics.watchBodies(gate);
    const lanes = new LanePool(gate, now);
    const open = createOpenReadStream({ drive, links, gate, lanes, log, now, random: Math.random });
    readers = { open, gate, lanes };
    return readers;
  };
  const openDriveStream: OpenReadStream = (entry, range, signal) => getReaders().open(entry, range, signal);

  const store = new FolderBlocks({
    dir: path.join(settings.state_dir, 'blobs', 'cache'),
    maxBytes: settings.cache_max,
    now,
    log,
  });
  const cache = settings.cache_max > 0 ? { store, onLookup: metrics.onLookup } : undefined;
  const openStream = cache ? createCachedRead({ ...cache, open: openDriveStream }) : openDriveStream;
  return {
    links,
    openDriveStream,
    openStream,
    openRangeStream: cache ? createPlayRead({ ...cache, open: openStream }) : openStream,
    isSmallRead: cache ? isSmallRead : () => false,
    expectOutside: (entry) => getReaders().lanes.expectOutside(entry),
    hasRoomOutside: () => getReaders().gate.hasRoomOutside,
    start() {
      // Never rejects, and nobody waits for it: also what a cache left that is turned off now.
      void store.tidy();
    },
    stop: () => store.idle(),
  };
}
