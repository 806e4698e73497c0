import { AsyncLocalStorage } from 'node:async_hooks';
import path from 'node:path';
import { Readable } from 'node:stream';
import { createAdmin, OPEN_ADMIN_PATHS } from './admin/admin.ts';
import type { AccountIdentity } from './aliyun/account.ts';
import type { Settings } from './config/schema.ts';
import { type Connection, connect } from './connection.ts';
import { localKindOf } from './drive/local-entry.ts';
import { createFront } from './http/front.ts';
import type { Logger, RequestRecord } from './log.ts';
import type { AccountStatus } from './state/account-status.ts';
import { FolderBlocks } from './state/block-store.ts';
import { PrivateLinks } from './state/private-links.ts';
import { isSmallRead } from './transfer/blocks.ts';
import { BodyGate } from './transfer/body-gate.ts';
import { createCachedRead } from './transfer/cached-read.ts';
import { classifyClient } from './transfer/clients.ts';
import { DownloadLinks } from './transfer/download-links.ts';
import { LanePool } from './transfer/lane-pool.ts';
import { LivePhotos } from './transfer/live-photos.ts';
import { createPlayRead } from './transfer/play-stream.ts';
import { createOpenReadStream, type OpenReadStream } from './transfer/read-stream.ts';
import { RedirectWatch } from './transfer/redirect-watch.ts';
import { createLayout } from './tree/layout.ts';
import { createCollectionPage } from './webdav/collection-page.ts';
import type { OpenContent } from './webdav/file-system.ts';
import { createLinkServer } from './webdav/link-server.ts';
import { createGetHead } from './webdav/methods/get-head.ts';
import { createWebDavServer } from './webdav/server.ts';
import { createWriting } from './writing.ts';

export interface AppOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly log: Logger;
}

export interface App {
  /** Listens at once, whatever the network does. @throws ListenError that says what to do. */
  start(): Promise<{ url: string }>;
  /** Accepts no more, lets running answers finish for `graceMs`, and leaves nothing behind. */
  stop(graceMs: number): Promise<void>;
  readonly connection: Connection;
}

/**
 * How many bodies the storage host sends one account at a time: an ordinary application of the open API gets three; nothing
 * is published for the web API, and reports speak of trouble from about 30.
 */
const BODIES = { open: 3, page: 16, app: 16 } as const satisfies Record<AccountIdentity['kind'], number>;

/** What is left of the grace to put what could not end where the next start finds it. */
const TIDYING_MS = 2_000;

/** Wires the whole program; the one place that knows every part of it. */
export async function createApp({ settings, version, log }: AppOptions): Promise<App> {
  const now = Date.now;
  // A call is counted for the request in whose course it was made; following its course is not free.
  const records = new AsyncLocalStorage<RequestRecord>();
  const isCounted = log.isLevelEnabled('info');
  const onCall = () => {
    const record = records.getStore();
    if (record) record.upstreamCalls += 1;
  };
  const connection = await connect({ settings, version, log, onCall });
  const { account, drive, store } = connection;

  const layout = createLayout({
    drive,
    store,
    userId: async () => (await account.getIdentity()).userId,
    setting: settings.drive,
    log,
  });
  const links = new DownloadLinks({ drive, now });
  const livePhotos = new LivePhotos(drive);
  let reading: { open: OpenReadStream; lanes: LanePool } | undefined;
  // Nobody reads before somebody is signed in, and then it is known how many may read at a time.
  const getReading = () => {
    if (reading) return reading;
    const gate = new BodyGate(BODIES[account.identity?.kind ?? 'open'], now);
    const lanes = new LanePool(gate, now);
    reading = { open: createOpenReadStream({ drive, links, gate, lanes, log, now, random: Math.random }), lanes };
    return reading;
  };
  const openDriveStream: OpenReadStream = (entry, range, signal) => getReading().open(entry, range, signal);

  const writing = await createWriting({ connection, layout, settings, openReadStream: openDriveStream, log, now });
  const { tree, properties } = writing;
  const blocks = new FolderBlocks({
    dir: path.join(settings.state_dir, 'blobs', 'cache'),
    maxBytes: settings.cache_max,
    now,
    log,
  });
  const cache = settings.cache_max > 0 ? { store: blocks } : undefined;
  const withJunk =
    (open: OpenReadStream): OpenReadStream =>
    async (entry, range, signal) =>
      localKindOf(entry) === 'junk'
        ? writing.junk.open(entry, range.first, range.last + 1)
        : open(entry, range, signal);
  const readCached = cache ? createCachedRead({ ...cache, open: openDriveStream }) : openDriveStream;
  const openReadStream = withJunk(readCached);
  const openRangeStream = withJunk(cache ? createPlayRead({ ...cache, open: readCached }) : readCached);

  const collection = createCollectionPage({ tree, properties });
  const getHead = createGetHead({
    tree,
    links,
    livePhotos,
    openReadStream,
    openRangeStream,
    delivery: settings.delivery,
    redirects: new RedirectWatch({ now }),
    isSmallRead: cache ? isSmallRead : () => false,
    onRedirect: (entry) => getReading().lanes.expectOutside(entry),
    collection,
    properties,
    now,
    log,
  });
  const openContent: OpenContent = async ({ entry: listed }) => {
    const entry = await livePhotos.resolve(listed);
    if (entry.sizeBytes === 0) return Readable.from([]);
    return openReadStream(entry, { first: 0, last: entry.sizeBytes - 1 });
  };
  const webdav = createWebDavServer({
    ...writing,
    getHead,
    openContent,
    isReadOnly: settings.read_only,
    version,
    now,
  });
  const linkServer = createLinkServer({
    ...writing,
    links: new PrivateLinks({ store, userId: () => account.getUserId(), log, now }),
    getHead,
    openContent,
    version,
    now,
  });
  const front = createFront({
    settings,
    handleDav: webdav.handle,
    handlePrivate: linkServer.handle,
    handleAdmin: createAdmin({ getReadiness: () => toReadiness(account.status()) }),
    openAdminPaths: OPEN_ADMIN_PATHS,
    classifyClient: (userAgent) => classifyClient(userAgent).name,
    ...(isCounted && { runWithRecord: (record, handle) => records.run(record, handle) }),
    log,
    now,
  });

  return {
    connection,
    async start() {
      const listening = await front.listen();
      account.start();
      writing.start();
      // Never rejects, and nobody waits for it: also what a cache left that is turned off now.
      void blocks.tidy();
      return listening;
    },
    async stop(graceMs) {
      await Promise.all([front.close(graceMs), writing.stop(Math.max(0, graceMs - TIDYING_MS))]);
      await blocks.idle();
      await connection.close();
    },
  };
}

function toReadiness({ state, message }: AccountStatus) {
  return { state, message: message ?? 'The login is being looked after.' };
}
