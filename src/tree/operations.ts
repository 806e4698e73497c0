import type { Target } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import type { Journal } from '../state/journal.ts';
import { type CopyDepth, copy, planCopy } from './operation-copies.ts';
import { type Guard, Job, type JobDeps, type OnVacated } from './operation-job.ts';
import { move, moveAcross, planMove } from './operation-moves.ts';
import type { FolderName, OperationRecord, Paths } from './operation-record.ts';
import { OperationRecovery, type RecoveryDeps } from './operation-recovery.ts';
import { planRemoval, remove } from './operation-removals.ts';
import { isUnclear } from './operation-steps.ts';
import type { Slot } from './slot.ts';

export interface OperationsDeps extends RecoveryDeps {
  /** Known only after somebody is signed in. */
  readonly journal: () => Promise<Journal<OperationRecord>>;
  readonly guard: Guard;
  readonly onVacated: OnVacated;
  /** A folder that is new is known to be empty. */
  readonly onFolderCreated?: ((folder: Entry) => void) | undefined;
}

/**
 * MKCOL, DELETE, MOVE and COPY of what is in the drive. Each is journalled before its first step and goes on to its end
 * whether or not the client stays. Whoever calls has claimed the names, and decided that what is replaced may go.
 */
export class Operations {
  readonly #deps: OperationsDeps;
  readonly #recovery: OperationRecovery;
  #restored: Promise<void> | undefined;
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(deps: OperationsDeps) {
    this.#deps = deps;
    this.#recovery = new OperationRecovery(deps);
  }

  /** @throws DriveError `already-exists`, or what the service refuses it with */
  async createFolder({ node, parent, serviceName }: Slot): Promise<Entry> {
    if (node) throw alreadyExists();
    return this.#track(async () => {
      const { driveId, id } = parent.entry;
      const lift = this.#deps.guard({ driveId, id }, serviceName, undefined);
      try {
        const created = await this.#deps.drive.createFolder({ driveId, id }, serviceName);
        if (created.outcome === 'exists') throw alreadyExists();
        await this.#showFolder(created.entry);
        lift();
        return created.entry;
      } catch (error) {
        // Either way there may be something that readers do not know of.
        lift(isUnclear(error) || isDriveError(error, 'already-exists'));
        throw error;
      }
    });
  }

  /**
   * To the bin or for good, as the setting says; seen until the service has agreed.
   * @param path what the client calls it
   */
  remove(entry: Entry, path?: string): Promise<void> {
    return this.#run(
      () => planRemoval(this.#deps, entry, path),
      (job, record) => remove(this.#deps, job, record),
    );
  }

  /**
   * Within a drive or into another one.
   * @returns the entry as it is now; in another drive with another id
   * @throws DriveError `already-exists` beside an entry that is not to be replaced; `unsupported` for what cannot be brought
   * into another drive; `unavailable` when nobody can say how it ended: that is found out, and finished or undone, later
   */
  move(entry: Entry, target: Target, paths?: Paths): Promise<Entry> {
    return this.#run(
      () => planMove(this.#deps, entry, target, paths),
      (job, record) => {
        job.guard();
        return record.kind === 'move' ? move(this.#deps, job, record) : moveAcross(this.#deps, job, record);
      },
    );
  }

  /**
   * Leaves nothing incomplete: what fails is deleted for good.
   * @throws DriveError as `move`; `task-failed` when the service could not copy all of a folder
   */
  async copy(entry: Entry, target: Target, depth: CopyDepth, targetPath?: string): Promise<Entry> {
    const bare = entry.kind === 'folder' && depth === '0';
    const copied = await this.#run(
      () => planCopy(this.#deps, entry, target, depth, targetPath),
      (job, record) => {
        job.guard();
        return copy(this.#deps, job, record);
      },
    );
    if (bare) this.#deps.onFolderCreated?.(copied);
    return copied;
  }

  /**
   * For whoever is about to write to names that he has claimed: brings what an interrupted operation left there to its end,
   * so that nobody builds on what is not settled.
   * @throws DriveError `unavailable` while that cannot be done
   */
  settleAt(names: readonly FolderName[]): Promise<void> {
    return this.#recovery.settleAt(names);
  }

  /** Hides what interrupted operations have left half done; from the journal alone, to be awaited before listings are shown. */
  restoreGuards(): Promise<void> {
    this.#restored ??= this.#restore().catch((error: unknown) => {
      this.#restored = undefined;
      throw error;
    });
    return this.#restored;
  }

  /** Finishes or undoes what the last process left. Resolves when all is settled, or with `stop`. */
  async recover(): Promise<void> {
    await this.restoreGuards();
    await this.#recovery.run();
  }

  /** The same for what a process that is no more has left meanwhile. */
  async adopt(): Promise<void> {
    await this.#restore();
    await this.#recovery.run();
  }

  /** Resolves when no operation is under way. */
  async idle(): Promise<void> {
    while (this.#running > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Ends the recovery; what is unsettled stays in the journal. */
  stop(): Promise<void> {
    return this.#recovery.stop();
  }

  #run<R extends OperationRecord, T>(plan: () => R, work: (job: Job, record: R) => Promise<T>): Promise<T> {
    return this.#track(async () => {
      // What the journal holds before the first operation is what the last process has left.
      await this.restoreGuards();
      const record = plan();
      const job = await Job.open(await this.#jobDeps(), record);
      try {
        const result = await work(job, record);
        await this.#conclude(job);
        return result;
      } catch (error) {
        await this.#giveUp(job, error);
        throw error;
      }
    });
  }

  async #giveUp(job: Job, error: unknown): Promise<void> {
    if (isUnclear(error) && !job.isEnded && !job.isLeft) {
      const { record } = job;
      const refused = { ...record, refusedAt: this.#deps.now() };
      await job.leave(record.kind === 'remove' ? { ...refused, guards: [] } : refused);
    }
    await this.#conclude(job);
  }

  /** The client's answer does not hang on whether the journal can be tidied. */
  async #conclude(job: Job): Promise<void> {
    if (job.isEnded) return;
    if (!job.isLeft) {
      try {
        return await job.end();
      } catch (error) {
        this.#deps.log.warn({ err: error }, 'a finished operation could not be taken out of the journal');
      }
    }
    this.#recovery.add(job);
    void this.#recovery.run();
  }

  async #restore(): Promise<void> {
    const deps = await this.#jobDeps();
    const records = [...(await deps.journal.list())].sort((one, other) => one.value.at - other.value.at);
    for (const { id, value, isOwn } of records) {
      if (isOwn || this.#recovery.has(id)) continue;
      const job = new Job(deps, id, value);
      if (value.kind === 'settle') await deps.onChanged({ removed: [value.replaced], placed: [] });
      job.guard();
      this.#recovery.add(job);
    }
  }

  async #jobDeps(): Promise<JobDeps> {
    const { journal, guard, onChanged, onVacated } = this.#deps;
    return { journal: await journal(), guard, onChanged, onVacated };
  }

  async #showFolder(folder: Entry): Promise<void> {
    const durable = this.#deps.onChanged({ removed: [], placed: [folder] });
    this.#deps.onFolderCreated?.(folder);
    await durable;
  }

  async #track<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }
}

function alreadyExists(): DriveError {
  return new DriveError('already-exists', 'Something of this name is there already.');
}
