import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import type { CreatedFile, Target } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import type { FolderBlobs } from '../state/blobs.ts';
import type { Journal } from '../state/journal.ts';
import { SlabPool, toSlabBytes } from './memory.ts';
import { choosePartSize } from './parts-size.ts';
import type { OpenReadStream } from './read-stream.ts';
import { RelayedFile } from './relay.ts';
import { Spool } from './spool.ts';
import { IncomingBody } from './upload-body.ts';
import { Hand, UploadCourse } from './upload-course.ts';
import { type ClaimNames, PendingUploads } from './upload-pending.ts';
import { Placement, type PlacementDeps } from './upload-placement.ts';
import { KeptRecord, type UploadRecord } from './upload-record.ts';
import type { RecoveryDeps } from './upload-recovery.ts';
import { type BeginSession, PartStream } from './upload-stream.ts';
import { placeWhole, receiveWhole } from './upload-whole.ts';

export interface UploadRequest {
  readonly target: Target;
  /** Announced; undefined when nobody knows. */
  readonly sizeBytes: number | undefined;
  /** Announced SHA-1, hex. */
  readonly contentHash: string | undefined;
  /** The empty file that waits for this content (`HeldFiles`); it goes as the content comes. */
  readonly held?: Entry | undefined;
  /** Rejects with `already-exists` rather than replace what nobody knew of. */
  readonly mustBeNew?: boolean;
  /** What the body is a copy of: what is known of that beside the drive is then known of the file, too. */
  readonly copyOf?: Entry | undefined;
  /** Asked when the body is whole and before anything of it is seen; what it rejects with ends the upload. */
  readonly mayAppear?: (() => Promise<void>) | undefined;
}

export interface UploadsDeps
  extends Omit<RecoveryDeps, 'later' | 'stopping' | 'spool'>,
    Pick<PlacementDeps, 'stallMs'> {
  /** Of this kind of record, when somebody is signed in. */
  readonly journal: () => Promise<Journal<UploadRecord>>;
  /** For bodies that have no room in memory; they count in its budget. */
  readonly blobs: FolderBlobs;
  readonly claim: ClaimNames;
  /** Called when an upload begins, and its result at the end. */
  readonly onUpload?: (() => (outcome: 'finished' | 'instant' | 'failed') => void) | undefined;
  readonly openReadStream: OpenReadStream;
}

/** A body of unknown length is small more often than not; this much of it stays in memory. */
const UNKNOWN_MEMORY_BYTES = 2 ** 20;
const PRE_HASH_BYTES = 1024;

/**
 * Brings bodies into the drive. Nothing is visible before it is whole and right; until then, and at every instant between,
 * readers see what was there before.
 */
export class Uploads {
  readonly #deps: UploadsDeps;
  readonly #placing: RecoveryDeps;
  readonly #spool: Spool;
  readonly #pending: PendingUploads;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(deps: UploadsDeps) {
    const { blobs, memoryBytes, journal } = deps;
    setMaxListeners(0, this.#stopping.signal);
    this.#deps = deps;
    this.#spool = new Spool({
      pool: new SlabPool(toSlabBytes(memoryBytes)),
      blobs,
      recordOwner: async (owner) => void (await (await journal()).add({ kind: 'spool', owner })),
    });
    this.#placing = {
      ...deps,
      spool: this.#spool,
      later: (placement) => this.#pending.add(placement),
      stopping: this.#stopping.signal,
    };
    this.#pending = new PendingUploads(this.#placing, deps);
  }

  /**
   * Makes a file of a body. The caller has claimed the name and keeps it until this settles, which a client that leaves
   * hastens only as long as the body is not whole. What is left of the body is the caller's.
   * @returns the entry, its size and SHA-1 checked
   * @throws DriveError `bad-body`, `aborted`, `spool-full`, `already-exists`, `is-a-folder`, or what the drive refuses with;
   * after `unavailable` the file may still come to be
   */
  upload(request: UploadRequest, body: Readable, signal?: AbortSignal): Promise<Entry> {
    return this.#run(request, signal, async (placement, hand, course) => {
      const { sizeBytes, contentHash, mayAppear } = request;
      const incoming = new IncomingBody(body, { sizeBytes, contentHash });
      const partSizeBytes = this.#choosePartSize(sizeBytes ?? 0);
      try {
        if (sizeBytes !== undefined && sizeBytes > partSizeBytes) {
          const options = { sizeBytes, partSizeBytes, contentHash, mayAppear, hand, course };
          return await this.#uploadLong(placement, incoming, options);
        }
        const bytes = hand.add(this.#spool.hold(sizeBytes === undefined ? UNKNOWN_MEMORY_BYTES : undefined));
        const content = await receiveWhole(bytes, incoming, course);
        await mayAppear?.();
        return await placeWhole(this.#placing, placement, {
          bytes,
          content,
          partSizeBytes: this.#choosePartSize(content.sizeBytes),
        });
      } finally {
        incoming.leave();
      }
    });
  }

  /**
   * Makes a file with the content of one in another drive of the account: where the service lets it, without a transfer.
   * @throws as `upload`; `unsupported` for a live photo, whose content the service has in no one piece
   */
  relay(source: Entry, target: Target, signal?: AbortSignal): Promise<Entry> {
    const { sizeBytes, contentHash } = source;
    if (sizeBytes === 0) {
      return this.upload({ target, copyOf: source, sizeBytes, contentHash: undefined }, Readable.from([]), signal);
    }
    return this.#run({ target, copyOf: source }, signal, async (placement, hand, course) => {
      const file = new RelayedFile(source, this.#deps.openReadStream);
      const partSizeBytes = this.#choosePartSize(sizeBytes);
      let created: CreatedFile | undefined;
      if (contentHash !== undefined) {
        const content = { sizeBytes, contentHash };
        await placement.record.save({ content, at: this.#deps.now() });
        created = await placement.create(sizeBytes, partSizeBytes, file.fingerprint(contentHash, course.signal));
        if (created.outcome === 'instant') return placement.finish(created.entry, content);
      }
      const body = new IncomingBody(await file.open(course.signal), { sizeBytes, contentHash });
      const options = { placement, body, sizeBytes, partSizeBytes, spool: this.#spool, hand, course };
      const stream = new PartStream(this.#placing, options);
      const begin: BeginSession = () => this.#begin(placement, sizeBytes, partSizeBytes);
      return stream.send(await stream.receive(1), beginWith(created, begin));
    }).catch((error: unknown) => {
      if (!isDriveError(error, 'bad-body')) throw error;
      throw new DriveError('content-mismatch', 'The file changed while it was copied.', { cause: error });
    });
  }

  /** An empty file for good, where one was held back. @throws DriveError `already-exists` */
  createEmpty(target: Target, held: Entry, signal?: AbortSignal): Promise<Entry> {
    const request = { target, held, sizeBytes: 0, contentHash: undefined, mustBeNew: true };
    return this.upload(request, Readable.from([]), signal);
  }

  /** Before listings are served: hides again what interrupted uploads may have made. Needs no network. */
  restoreGuards(): Promise<void> {
    return this.#pending.restore();
  }

  /** The same for what a process that is no more has left meanwhile, and goes on with it. */
  async adopt(): Promise<void> {
    await this.#pending.reload();
    await this.recover();
  }

  /**
   * For whoever is about to write to names that he has claimed: brings what an interrupted upload left there to its end, so
   * that nobody builds on what is not settled.
   * @throws DriveError `unavailable` while that cannot be done
   */
  async settleAt(names: readonly { readonly folder: EntryKey; readonly name: string }[]): Promise<void> {
    for (const { folder: parent, name } of names) await this.#pending.settleNamed({ parent, name }, false);
  }

  /** Finishes or undoes what was interrupted; resolves after the first try, and goes on by itself where that was not enough. */
  recover(): Promise<void> {
    return this.#pending.recover();
  }

  /** Takes no new bodies, gives running uploads `graceMs` to end, and leaves those that have their body whole to the next start. */
  async stop(graceMs: number): Promise<void> {
    this.#isClosed = true;
    const ended = Promise.allSettled([this.#pending.stop(), ...this.#running]);
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs).unref();
    });
    await Promise.race([ended, grace]);
    clearTimeout(timer);
    this.#stopping.abort();
    await ended;
  }

  async #uploadLong(
    placement: Placement,
    body: IncomingBody,
    options: {
      sizeBytes: number;
      partSizeBytes: number;
      contentHash: string | undefined;
      mayAppear: UploadRequest['mayAppear'];
      hand: Hand;
      course: UploadCourse;
    },
  ): Promise<Entry> {
    const { sizeBytes, partSizeBytes, contentHash, mayAppear, course } = options;
    const stream = new PartStream(this.#placing, { ...options, placement, body, spool: this.#spool });
    const first = await stream.receive(1);
    const begin: BeginSession = () => this.#begin(placement, sizeBytes, partSizeBytes);
    if (contentHash === undefined) return stream.send(first, begin);

    const preHash = createHash('sha1')
      .update(await first.read(0, PRE_HASH_BYTES))
      .digest('hex')
      .toUpperCase();
    const created = await placement.create(sizeBytes, partSizeBytes, { kind: 'pre-hash', preHash });
    // Nothing is made of a body that is not proven to be what its client says, so all of it has to be here first.
    if (created.outcome === 'pre-hash-matched' && this.#spool.hasRoomFor(sizeBytes)) {
      first.limitMemory();
      const content = await receiveWhole(first, body, course);
      await mayAppear?.();
      return placeWhole(this.#placing, placement, { bytes: first, content, partSizeBytes });
    }
    return stream.send(first, beginWith(created, begin));
  }

  async #begin(placement: Placement, sizeBytes: number, partSizeBytes: number) {
    const created = await placement.create(sizeBytes, partSizeBytes);
    if (created.outcome === 'upload') return created.session;
    throw new DriveError('unavailable', 'The service began no upload.');
  }

  #choosePartSize(sizeBytes: number): number {
    return choosePartSize(sizeBytes, this.#deps.memoryBytes, Math.max(1, this.#running.size));
  }

  #run(
    request: Pick<UploadRequest, 'target' | 'held' | 'copyOf' | 'mustBeNew'>,
    signal: AbortSignal | undefined,
    work: (placement: Placement, hand: Hand, course: UploadCourse) => Promise<Entry>,
  ): Promise<Entry> {
    if (this.#isClosed) return Promise.reject(stoppingError());
    const running = this.#carry(request, signal, work);
    const settled = running.then(
      () => {},
      () => {},
    );
    this.#running.add(settled);
    void settled.then(() => this.#running.delete(settled));
    return running;
  }

  async #carry(
    { target, held, copyOf, mustBeNew }: Pick<UploadRequest, 'target' | 'held' | 'copyOf' | 'mustBeNew'>,
    signal: AbortSignal | undefined,
    work: (placement: Placement, hand: Hand, course: UploadCourse) => Promise<Entry>,
  ): Promise<Entry> {
    const made = await this.#pending.settleNamed(target, true);
    if (made && mustBeNew) throw new DriveError('already-exists', 'An earlier upload has made a file of this name.');
    const record = new KeptRecord(this.#deps.journal, {
      kind: 'upload',
      at: this.#deps.now(),
      target: made ? { ...target, replaces: made } : target,
      held,
      copyOf,
    });
    const placement = new Placement(this.#placing, record, mustBeNew);
    const hand = new Hand();
    const course = new UploadCourse(signal, this.#stopping.signal);
    const tellEnd = this.#deps.onUpload?.();
    try {
      const entry = await work(placement, hand, course);
      tellEnd?.(placement.isInstant ? 'instant' : 'finished');
      return entry;
    } catch (error) {
      tellEnd?.('failed');
      const cause = course.causeOf(error);
      if (this.#stopping.signal.aborted) {
        await this.#leave(placement, hand, course);
        throw stoppingError(cause);
      }
      if (placement.isUnclear) await this.#leaveUnclear(placement);
      else await placement.giveUp();
      throw cause;
    } finally {
      course.end();
      await hand.release();
    }
  }

  /** The client is told that it is not known; what is found out later is not worth the disk that the body takes. */
  async #leaveUnclear(placement: Placement): Promise<void> {
    await placement.record.save({ rest: undefined, at: this.#deps.now() }).catch(() => {});
    this.#pending.add(placement);
  }

  /** A whole body goes to the disk, for the next start to finish what this process cannot. */
  async #leave({ record }: Placement, hand: Hand, { isWhole }: UploadCourse): Promise<void> {
    try {
      if (isWhole) await record.save({ rest: await hand.persist() });
      hand.leave();
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'an upload could not be kept for the next start');
    }
  }
}

/** The upload that has begun already; another one only where that is forgotten. */
function beginWith(created: CreatedFile | undefined, begin: BeginSession): BeginSession {
  let session = created?.outcome === 'upload' ? created.session : undefined;
  return async () => {
    const begun = session ?? (await begin());
    session = undefined;
    return begun;
  };
}

function stoppingError(cause?: unknown): DriveError {
  return new DriveError('unavailable', 'alidav is about to stop.', { cause });
}
