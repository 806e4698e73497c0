import { throwIfAborted } from '../drive/abortable.ts';
import type { OnChanged, Origin } from '../drive/change.ts';
import type { CreatedFile, Drive, Fingerprint, Target, UploadSession } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { findStanding } from '../drive/find-standing.ts';
import { backOff, type SendingDeps } from './parts-sending.ts';
import type { Content } from './upload-body.ts';
import type { KeptRecord } from './upload-record.ts';

/** Shows of a folder and name only the entry with `visibleId`, or nothing, until the result is called. */
type GuardName = (folder: EntryKey, serviceName: string, visibleId: string | undefined) => () => void;

export interface PlacementDeps extends SendingDeps {
  readonly drive: Drive;
  readonly guard: GuardName;
  readonly onChanged: OnChanged;
  /** The empty file that was held back for this content is no more. */
  readonly consumeHeld: (held: Entry, real: Entry) => Promise<void>;
  /** Takes care of what could not be brought to its end now. */
  readonly later: (placement: Placement) => void;
  /** Aborted when the process has to end. */
  readonly stopping: AbortSignal;
  readonly now: () => number;
}

/** How often a name may turn out to be taken after all. */
const MAX_SURPRISES = 3;
const COMPLETE_TRIES = 3;
/** No try starts later than this after the first one did: each takes its time already, and somebody waits for the answer. */
const COMPLETE_WITHIN_MS = 45_000;
/** After these the service may or may not have done what it was asked for. */
const UNCLEAR = new Set<unknown>(['unavailable', 'aborted']);
/** After these there may be something to be had by trying again. */
const PASSING = new Set<unknown>(['unavailable', 'throttled', 'aborted', 'login-required', 'upload-session-gone']);

export function isPassing(error: unknown): boolean {
  return !(error instanceof DriveError) || PASSING.has(error.code);
}

/** How a file comes to stand under its name: guarded from before anything could be seen until readers know of it. */
export class Placement {
  readonly record: KeptRecord;
  readonly #deps: PlacementDeps;
  readonly #mustBeNew: boolean;
  #lift: (() => void) | undefined;
  /** Something may have become visible that we have no answer about. */
  #isUnclear = false;
  #isInstant = false;

  constructor(deps: PlacementDeps, record: KeptRecord, mustBeNew = false) {
    this.#deps = deps;
    this.record = record;
    this.#mustBeNew = mustBeNew;
  }

  get target(): Target {
    return this.record.value.target;
  }

  get isUnclear(): boolean {
    return this.#isUnclear;
  }

  /** The service had the content. */
  get isInstant(): boolean {
    return this.#isInstant;
  }

  guard(): void {
    const { target, held, made, isShown } = this.record.value;
    if (isShown) return;
    const lift = this.#deps.guard(target.parent, target.name, (made ?? held ?? target.replaces)?.id);
    // The new guard stands before the old one falls.
    this.#lift?.();
    this.#lift = lift;
  }

  lift(): void {
    this.#lift?.();
    this.#lift = undefined;
  }

  /** Creates the file, or begins its upload. A name that is taken without our knowledge is replaced, unless it must be new. */
  async create(
    sizeBytes: number,
    partSizeBytes: number,
    fingerprint?: Fingerprint,
  ): Promise<Exclude<CreatedFile, { outcome: 'exists' }>> {
    const { drive, stopping } = this.#deps;
    this.guard();
    for (let surprises = 0; surprises < MAX_SURPRISES; surprises++) {
      const request = { ...this.target, sizeBytes, partSizeBytes, fingerprint };
      const mayShow = fingerprint?.kind === 'content-hash';
      const created = await this.#ask(mayShow, () => drive.createFile(request, stopping));
      this.#isInstant = created.outcome === 'instant';
      if (created.outcome === 'instant') await this.record.save({ made: created.entry });
      if (created.outcome === 'upload') await this.record.save({ session: created.session });
      if (created.outcome !== 'exists') return created;
      if (this.#mustBeNew) throw new DriveError('already-exists', 'There is a file of this name already.');
      await this.#replaceToo(created.key);
    }
    throw new DriveError('unavailable', 'The name is taken and free by turns: others write it too.');
  }

  /** Makes a sent upload visible. */
  async complete(session: UploadSession): Promise<Entry> {
    const { drive, random, stopping } = this.#deps;
    const startedAt = performance.now();
    for (let tries = 1; ; tries++) {
      try {
        return await this.#ask(true, () => drive.completeUpload(session, stopping));
      } catch (error) {
        throwIfAborted(stopping);
        if (tries === COMPLETE_TRIES || !isDriveError(error, 'unavailable', 'throttled')) throw error;
        if (performance.now() + (error.retryAfterMs ?? 0) > startedAt + COMPLETE_WITHIN_MS) throw error;
        await backOff(tries, error, random, stopping);
      }
    }
  }

  /** From what the drive shows to what readers see, and to the end of what gave way. */
  async finish(entry: Entry, content: Content): Promise<Entry> {
    if (!isOf(entry, content)) await this.#refuse(entry);
    await this.show(entry);
    try {
      await this.settle(entry);
    } catch (error) {
      // The new file is there and seen: the rest is not the client's business.
      this.#deps.log.warn({ err: error }, 'an upload is done, but what it replaced is not cleared away yet');
      await this.record.save({ made: entry, isShown: true }).catch(() => {});
      this.#deps.later(this);
    }
    return entry;
  }

  async show(entry: Entry): Promise<void> {
    const { held, made, copyOf } = this.record.value;
    const removed = [held, this.#findReplaced(entry)].filter((gone) => gone !== undefined);
    const origins: Origin[] = copyOf
      ? [{ how: 'copied', from: copyOf, to: entry }]
      : removed.map((from) => ({ how: 'overwritten', from, to: entry }));
    // A guard that is restored must not show what the change that outlives a crash hides.
    if (!made && removed.length > 0) await this.record.save({ made: entry }).catch(() => {});
    // From here on it is somebody's file, whatever becomes of the rest.
    this.record.note({ made: entry, isShown: true });
    const noted = this.#deps.onChanged({ removed, placed: [entry], origins });
    // Readers see the change at once, and the guard would hide its outcome.
    this.#isUnclear = false;
    this.lift();
    // That it could not be written down takes nothing from the file.
    await noted.catch((error: unknown) => this.#deps.log.warn({ err: error }, 'a finished upload could not be noted'));
  }

  async settle(entry: Entry): Promise<void> {
    await this.#settle(entry, this.#findReplaced(entry));
  }

  /** As `settle`, after a while: what was replaced stays where somebody has moved it since, or as he has changed it. */
  async settleLate(entry: Entry): Promise<void> {
    const { drive, stopping } = this.#deps;
    const replaced = this.#findReplaced(entry);
    const standing = replaced && (await findStanding(drive, replaced, stopping));
    await this.#settle(entry, standing && isAsBefore(standing, replaced) ? replaced : undefined);
  }

  async #settle(entry: Entry, replaced: Entry | undefined): Promise<void> {
    const { consumeHeld, drive, stopping } = this.#deps;
    const { held } = this.record.value;
    if (held) await consumeHeld(held, entry);
    if (replaced) await drive.settleReplaced(replaced, entry, stopping);
    await this.record.remove();
  }

  /** Leaves nothing of what failed, now or as soon as the service can be asked to. */
  async giveUp(): Promise<void> {
    const { log, later } = this.#deps;
    try {
      await this.clearAway();
    } catch (error) {
      log.warn({ err: error }, 'an upload that failed is not cleared away yet');
      later(this);
    }
  }

  /** @throws DriveError when the service could not be asked to; what it will not delete is hidden, and left to people */
  async clearAway(): Promise<void> {
    const { drive, stopping, log, onChanged } = this.#deps;
    const { session, made, isShown } = this.record.value;
    // Where this cannot be written, the next start finds no whole body and gives up as well.
    if (session || made)
      await this.record.save({ isGivenUp: true, content: undefined, rest: undefined }).catch(() => {});
    try {
      if (made && !isShown && made.id !== this.target.replaces?.id) await drive.deleteForGood(made, stopping);
      else if (session) await drive.abandonUpload(session, stopping);
    } catch (error) {
      if (isPassing(error)) throw error;
      log.warn({ err: error }, 'the drive does not let go of what is left of an upload');
      if (made) await onChanged({ removed: [made], placed: [] });
    }
    await this.record.remove();
    this.lift();
  }

  /** The entry that stands beside its successor; none where the service has swapped the content of one. */
  #findReplaced(entry: Entry): Entry | undefined {
    const { replaces } = this.target;
    return replaces?.id === entry.id ? undefined : replaces;
  }

  async #replaceToo(key: EntryKey): Promise<void> {
    const found = await findStanding(this.#deps.drive, key, this.#deps.stopping);
    // Gone again: the name is free.
    if (!found) return;
    if (found.kind === 'folder') throw new DriveError('is-a-folder', 'There is a folder of this name.');
    await this.record.save({ target: { ...this.target, replaces: found } });
    this.guard();
  }

  /** A later refusal tells nothing of an earlier try whose answer was lost. */
  async #ask<T>(mayShow: boolean, work: () => Promise<T>): Promise<T> {
    const wasUnclear = this.#isUnclear;
    this.#isUnclear = mayShow || wasUnclear;
    try {
      const answer = await work();
      this.#isUnclear = false;
      return answer;
    } catch (error) {
      if (error instanceof DriveError && !UNCLEAR.has(error.code)) this.#isUnclear = wasUnclear;
      throw error;
    }
  }

  /** What the drive has is not what was sent. */
  async #refuse(entry: Entry): Promise<never> {
    const { onChanged, log } = this.#deps;
    if (entry.id === this.target.replaces?.id) {
      log.error({ id: entry.id }, 'the drive has other bytes than were sent, in place of the file that was there');
      await onChanged({ removed: [], placed: [entry] });
      await this.record.remove();
      this.lift();
    } else {
      await this.record.save({ made: entry });
    }
    throw new DriveError('content-mismatch', 'The drive did not receive the bytes that were sent.');
  }
}

/** Whether the drive tells nothing else of an entry than that it has this content. */
export function isOf(entry: Entry, { sizeBytes, contentHash }: Content): boolean {
  return entry.sizeBytes === sizeBytes && (entry.contentHash ?? contentHash) === contentHash;
}

/** Whether what was to be replaced is where it was and what it was: whoever has changed it since would lose that. */
export function isAsBefore(standing: Entry, replaces: Entry): boolean {
  if (standing.parentId !== replaces.parentId || standing.name !== replaces.name) return false;
  if (standing.contentHash === undefined) return standing.updatedAt === replaces.updatedAt;
  return standing.contentHash === replaces.contentHash && standing.sizeBytes === replaces.sizeBytes;
}
