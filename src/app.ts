import { Readable } from 'node:stream';
import { createAdmin, OPEN_ADMIN_PATHS, PROBE_PATHS } from './admin/admin.ts';
import { createMetrics } from './admin/metrics/metrics.ts';
import type { UpstreamCall } from './aliyun/api-client.ts';
import type { Settings } from './config/schema.ts';
import { type Connection, connect } from './connection.ts';
import { localKindOf } from './drive/local-entry.ts';
import { WriteCourse } from './drive/write-course.ts';
import { createFront } from './http/front.ts';
import type { Logger } from './log.ts';
import { createReading } from './reading.ts';
import type { AccountStatus } from './state/account-status.ts';
import { PrivateLinks } from './state/private-links.ts';
import { classifyClient } from './transfer/clients.ts';
import { LivePhotos } from './transfer/live-photos.ts';
import type { OpenReadStream } from './transfer/read-stream.ts';
import { RedirectWatch } from './transfer/redirect-watch.ts';
import { createLayout } from './tree/layout.ts';
import { createCollectionPage } from './webdav/collection-page.ts';
import type { OpenContent } from './webdav/file-system.ts';
import { createLinkServer } from './webdav/link-server.ts';
import { createGetHead } from './webdav/methods/get-head.ts';
import { isLooking } from './webdav/resource.ts';
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

/** What is left of the grace to put what could not end where the next start finds it. */
const TIDYING_MS = 2_000;

/** Wires the whole program; the one place that knows every part of it. */
export async function createApp({ settings, version, log }: AppOptions): Promise<App> {
  const now = Date.now;
  const metrics = createMetrics({ version, now });
  const writes = new WriteCourse();
  const onCall = (call: UpstreamCall) => {
    metrics.onCall(call);
    const tally = call.tally ?? writes.tally;
    if (tally) tally.upstreamCalls += 1;
  };
  const { onWait, onBytes } = metrics;
  const connection = await connect({ settings, version, log, onCall, onSideCall: metrics.onCall, onWait, onBytes });
  const { account, drive, store } = connection;
  metrics.watchAccount(() => account.status());

  const layout = createLayout({
    drive,
    store,
    userId: async () => (await account.getIdentity()).userId,
    setting: settings.drive,
    log,
  });
  const livePhotos = new LivePhotos(drive);
  const reading = createReading({ connection, settings, metrics, log, now });

  const writing = await createWriting({
    connection,
    layout,
    settings,
    openReadStream: reading.openDriveStream,
    onUpload: metrics.onUpload,
    log,
    now,
  });
  const { tree, properties } = writing;
  const withJunk =
    (open: OpenReadStream): OpenReadStream =>
    async (entry, range, signal) =>
      localKindOf(entry) === 'junk'
        ? writing.junk.open(entry, range.first, range.last + 1)
        : open(entry, range, signal);
  const openReadStream = withJunk(reading.openStream);

  const collection = createCollectionPage({ tree, properties });
  const getHead = createGetHead({
    tree,
    links: reading.links,
    livePhotos,
    openReadStream,
    openRangeStream: withJunk(reading.openRangeStream),
    delivery: settings.delivery,
    redirects: new RedirectWatch({ now }),
    isSmallRead: reading.isSmallRead,
    onRedirect: reading.expectOutside,
    hasRoomOutside: reading.hasRoomOutside,
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
    now,
  });
  const linkServer = createLinkServer({
    ...writing,
    links: new PrivateLinks({ store, userId: () => account.getUserId(), log, now }),
    getHead,
    openContent,
    now,
  });
  const front = createFront({
    settings,
    version,
    handleDav: (request, response, record) => {
      const handle = () => webdav.handle(request, response, record);
      return isLooking(request.method) ? handle() : writes.run(record, handle);
    },
    handlePrivate: linkServer.handle,
    handleAdmin: createAdmin({ getReadiness: () => toReadiness(account.status()), metrics }),
    openAdminPaths: settings.metrics_open ? PROBE_PATHS : OPEN_ADMIN_PATHS,
    probePaths: PROBE_PATHS,
    onRequest: metrics.onRequest,
    classifyClient: (userAgent) => classifyClient(userAgent).name,
    log,
    now,
  });

  return {
    connection,
    async start() {
      const listening = await front.listen();
      account.start();
      writing.start();
      reading.start();
      return listening;
    },
    async stop(graceMs) {
      await Promise.all([front.close(graceMs), writing.stop(Math.max(0, graceMs - TIDYING_MS))]);
      await reading.stop();
      metrics.stop();
      await connection.close();
    },
  };
}

function toReadiness({ state, message }: AccountStatus) {
  return { state, message: message ?? 'The login is being looked after.' };
}
