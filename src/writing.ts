import path from 'node:path';
import type { Settings } from './config/schema.ts';
import type { Connection } from './connection.ts';
import type { OnChanged } from './drive/change.ts';
import type { Logger } from './log.ts';
import { openBlobs } from './state/blobs.ts';
import { type Journals, openJournals } from './state/journal.ts';
import { HeldFiles, type HeldRecord } from './transfer/held-files.ts';
import type { OpenReadStream } from './transfer/read-stream.ts';
import { Uploads, type UploadsDeps } from './transfer/upload.ts';
import type { UploadRecord } from './transfer/upload-record.ts';
import { DriveTree } from './tree/drive-tree.ts';
import { DriveWriter } from './tree/drive-writer.ts';
import { JunkSink } from './tree/junk.ts';
import type { Layout } from './tree/layout.ts';
import { NameClaims } from './tree/name-claims.ts';
import type { OperationRecord } from './tree/operation-record.ts';
import { Operations } from './tree/operations.ts';
import { Overlay } from './tree/overlay.ts';
import { StoredListings } from './tree/stored-listings.ts';
import { LockSystem } from './webdav/locks.ts';
import { PropertyCopies } from './webdav/property-copies.ts';
import { PropertyStore } from './webdav/property-store.ts';

export interface WritingOptions {
  readonly connection: Connection;
  readonly layout: Layout;
  readonly settings: Settings;
  readonly openReadStream: OpenReadStream;
  readonly onUpload?: UploadsDeps['onUpload'];
  readonly log: Logger;
  readonly now: () => number;
}

/** The drive as a tree that is read and written, and what is remembered beside it. */
export interface Writing {
  readonly tree: DriveTree;
  readonly writer: DriveWriter;
  readonly junk: JunkSink;
  readonly locks: LockSystem;
  readonly properties: PropertyStore;
  readonly propertyCopies: PropertyCopies;
  /** Takes up what the last process left, in the background, as soon as somebody is signed in. */
  start(): void;
  /** Takes no more; what cannot end within `graceMs` is left to the next start. */
  stop(graceMs: number): Promise<void>;
}

/** Junk is small and worthless; this is room for that of some hundred thousand folders. */
const JUNK_MAX_BYTES = 256 * 2 ** 20;

/** Wires all that writes to an account's drives. */
export async function createWriting(options: WritingOptions): Promise<Writing> {
  const { connection, layout, settings, openReadStream, onUpload, log, now } = options;
  const { account, drive, store } = connection;
  const userId = async () => (await account.getIdentity()).userId;
  const shared = { drive, store, userId, log, now, random: Math.random };
  const blobsAt = (name: string, maxBytes: number) =>
    openBlobs({ dir: path.join(settings.state_dir, 'blobs', name), maxBytes });

  const journals = once(async (): Promise<Journals> => {
    const opened = await openJournals({ store, userId: await userId(), onAdopted: () => inBackground(adopt(), log) });
    await opened.adopt();
    return opened;
  });
  const overlay = new Overlay(shared);
  const guard = overlay.guard.bind(overlay);
  const claims = new NameClaims();
  const claim = claims.claim.bind(claims);
  const locks = new LockSystem(shared);
  const properties = new PropertyStore(shared);
  const onChanged: OnChanged = async (change) => {
    // Readers see it at once; what is known of the entries beside the drive has followed before the write counts as done.
    const shown = overlay.apply(change);
    const warn = (err: unknown) => log.warn({ err }, 'the properties of what was written could not be brought along');
    await Promise.all([shown, properties.follow(change).catch(warn)]);
    propertyCopies.follow(change);
  };

  const prepare = once(async () => {
    await overlay.load();
    await onChanged({ removed: [], placed: await junk.load() });
    await held.load();
    await uploads.restoreGuards();
    await operations.restoreGuards();
    if (settings.read_only) return;
    inBackground(uploads.recover(), log);
    inBackground(operations.recover(), log);
  });
  /** What a process that is no more has left, and could not be taken over at the start. */
  const adopt = async () => {
    await prepare();
    await held.load();
    if (settings.read_only) return;
    await Promise.all([uploads.adopt(), operations.adopt()]);
  };
  const tree = new DriveTree({
    ...shared,
    layout,
    overlay,
    prepare,
    onListed: (folder, ids) => inBackground(properties.sweep(folder, ids), log),
    root: settings.root,
    listFreshMs: settings.list_fresh_s * 1000,
    stored: new StoredListings(shared),
  });
  const listFresh = tree.fetchEntries.bind(tree);
  const propertyCopies = new PropertyCopies({ tree, properties, log });

  const junk = new JunkSink({
    ...shared,
    blobs: await blobsAt('junk', JUNK_MAX_BYTES),
    maxBytes: JUNK_MAX_BYTES,
    onChanged,
    mode: settings.junk,
  });
  const uploads: Uploads = new Uploads({
    ...shared,
    journal: async () => (await journals()).of<UploadRecord>('upload'),
    blobs: await blobsAt('spool', settings.spool_max),
    memoryBytes: settings.upload_memory,
    onChanged,
    guard,
    claim,
    listFresh,
    openReadStream,
    onUpload,
    consumeHeld: (entry, real) => held.consumed(entry, real),
  });
  const held: HeldFiles = new HeldFiles({
    ...shared,
    journal: async () => (await journals()).of<HeldRecord>('held-file'),
    createEmpty: (target, entry, signal) => uploads.createEmpty(target, entry, signal),
    onChanged,
    claim,
    isLocked: async (at) => (await locks.covering(at)).length > 0,
  });
  locks.onReleased((at) => held.unlocked(at));
  const operations = new Operations({
    ...shared,
    journal: async () => (await journals()).of<OperationRecord>('operation'),
    onChanged,
    guard,
    claim,
    listFresh,
    namesakes: (folder, name) => overlay.namesakes(folder, name),
    relay: (entry, target) => uploads.relay(entry, target),
    toTrash: settings.trash,
    onFolderCreated: (folder) => overlay.created(folder),
    onVacated: (at, what) =>
      locks.forget(at, what).catch((err: unknown) => log.warn({ err, at }, 'what was locked there is locked still')),
  });

  return {
    tree,
    writer: new DriveWriter({
      claims,
      uploads,
      held,
      operations,
      junk,
      noteWritten: (bytes) => tree.noteWritten(bytes),
    }),
    junk,
    locks,
    properties,
    propertyCopies,
    start() {
      inBackground(account.whenKnown.then(prepare), log);
    },
    async stop(graceMs) {
      await Promise.all([uploads.stop(graceMs), held.stop(), operations.stop(), within(graceMs, operations.idle())]);
      await Promise.all([tree.stop(), propertyCopies.stop()]);
      await overlay.idle();
      locks.stop();
      await (await journals.begun)?.close();
    },
  };
}

/** Work that is done once, when it is first wanted, and begun anew after a failure. */
function once<T>(work: () => Promise<T>): (() => Promise<T>) & { readonly begun: Promise<T> | undefined } {
  let begun: Promise<T> | undefined;
  const start = (): Promise<T> => {
    begun ??= work().catch((error: unknown) => {
      begun = undefined;
      throw error;
    });
    return begun;
  };
  return Object.defineProperty(start, 'begun', { get: () => begun }) as typeof start & { readonly begun: typeof begun };
}

function within(ms: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms).unref();
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function inBackground(work: Promise<void>, log: Logger): void {
  work.catch((error: unknown) => log.warn({ error }, 'what was left to do could not be done yet'));
}
