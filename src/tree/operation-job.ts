import type { Change, OnChanged } from '../drive/change.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { toUnrecorded } from '../drive/errors.ts';
import type { Journal } from '../state/journal.ts';
import { entriesOf, type GuardedName, isSameName, type OperationRecord, placeOf } from './operation-record.ts';

/** Shows of a folder's name one entry alone, or nothing, until the result is called: with true, the next reader asks. */
export type Guard = (
  folder: EntryKey,
  serviceName: string,
  visibleId: string | undefined,
  known?: Entry | undefined,
) => (isUnsure?: boolean) => void;

/**
 * What was at this path is there no longer; `members`: what was in it, for something else stands at the path itself. Told
 * before an operation leaves the journal, and perhaps once more after a crash; never rejects.
 */
export type OnVacated = (path: string, what: 'all' | 'members') => Promise<void>;

export interface JobDeps {
  readonly journal: Journal<OperationRecord>;
  readonly guard: Guard;
  readonly onChanged: OnChanged;
  readonly onVacated: OnVacated;
}

/** An operation under way: its record in the journal, and the guards over the names that it touches. */
export class Job {
  readonly id: string;
  readonly #deps: JobDeps;
  #record: OperationRecord;
  #lifts: readonly (() => void)[] = [];
  #isEnded = false;
  #isLeft = false;

  constructor(deps: JobDeps, id: string, record: OperationRecord) {
    this.#deps = deps;
    this.id = id;
    this.#record = record;
  }

  /** Records first what is about to be done. @throws DriveError `spool-full` where that cannot be, and nothing is done */
  static async open(deps: JobDeps, record: OperationRecord): Promise<Job> {
    const id = await deps.journal.add(record).catch((error: unknown) => {
      throw toUnrecorded(error);
    });
    return new Job(deps, id, record);
  }

  get record(): OperationRecord {
    return this.#record;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** What is left of it is to be done later, whatever the client is told now. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  guard(names: readonly GuardedName[] = this.#record.guards): void {
    this.lift();
    const known = entriesOf(this.#record);
    this.#lifts = names.map(({ folder, name, visibleId }) => {
      const entry = known.find((one) => one.id === visibleId && isSameName(placeOf(one), { folder, name }));
      return this.#deps.guard(folder, name, visibleId, entry);
    });
  }

  lift(): void {
    for (const lift of this.#lifts) lift();
    this.#lifts = [];
  }

  /** Resolves when a crash would find the new record. */
  async become(record: OperationRecord): Promise<void> {
    this.#record = record;
    await this.#deps.journal.update(this.id, record);
  }

  async leave(record: OperationRecord): Promise<void> {
    this.#isLeft = true;
    // The record that stands in the journal leads to the same end, by a longer way.
    await this.become(record).catch(() => {});
  }

  takeUp(): void {
    this.#isLeft = false;
  }

  /** Lets readers see the outcome. The guards go in the same turn, so that there is none in which neither is seen. */
  async show(change: Change): Promise<void> {
    const durable = this.#deps.onChanged(change);
    this.lift();
    await durable;
    await this.#tellVacated(change);
  }

  async end(): Promise<void> {
    this.lift();
    await this.#deps.journal.remove(this.id);
    this.#isEnded = true;
  }

  async #tellVacated({ removed, placed }: Change): Promise<void> {
    const { path, targetPath } = this.#record;
    const [entry, replaced] = entriesOf(this.#record);
    const { onVacated } = this.#deps;
    // What came back from another drive has another id.
    const isBack = placed.some((one) => entry && isSameName(placeOf(one), placeOf(entry)));
    if (path !== undefined && !isBack && isAmong(removed, entry)) await onVacated(path, 'all');
    if (targetPath !== undefined && isAmong(removed, replaced)) await onVacated(targetPath, 'members');
  }
}

function isAmong(entries: readonly Entry[], entry: Entry | undefined): boolean {
  return entries.some((one) => entry?.id === one.id && isSameName(placeOf(one), placeOf(entry)));
}
