import type { OnChanged, Origin } from '../drive/change.ts';
import type { ReadDrive, Target, WriteDrive } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { findStanding } from '../drive/find-standing.ts';
import type { Logger } from '../log.ts';
import type { Job } from './operation-job.ts';
import { mayBeSameContent, placeOf, standsAt } from './operation-record.ts';

export type OperationDrive = Pick<ReadDrive, 'fetchEntry'> &
  Pick<
    WriteDrive,
    | 'createFolder'
    | 'move'
    | 'settleReplaced'
    | 'startCopy'
    | 'copyAcross'
    | 'moveAcross'
    | 'awaitTask'
    | 'trash'
    | 'deleteForGood'
  >;

/** What the steps of operations are done with. */
export interface StepDeps {
  readonly drive: OperationDrive;
  readonly onChanged: OnChanged;
  /** The ids of what readers see of a service's name, as far as is remembered; who has the plain name comes first. */
  readonly namesakes: (folder: EntryKey, serviceName: string) => readonly string[];
  /** Everything that the service lists in a folder now: nothing of ours added, nothing hidden. */
  readonly listFresh: (folder: EntryKey, signal?: AbortSignal) => Promise<readonly Entry[]>;
  /** Brings a file into another drive, through instant upload or through us, with its own journal and its own changes. */
  readonly relay: (entry: Entry, target: Target) => Promise<Entry>;
  /** Whether DELETE goes to the recycle bin. */
  readonly toTrash: boolean;
  readonly now: () => number;
  readonly log: Logger;
}

/** Nothing follows from such a failure: the service may or may not have done what was asked. */
export function isUnclear(error: unknown): boolean {
  return !(error instanceof DriveError) || isDriveError(error, 'unavailable', 'throttled', 'login-required', 'aborted');
}

/** What has become of an entry that was to give way; `changed`: its content is no longer what was to be replaced. */
export async function whereIs(
  deps: StepDeps,
  replaced: Entry,
  signal?: AbortSignal,
): Promise<'there' | 'changed' | 'away'> {
  const found = await findStanding(deps.drive, replaced, signal);
  if (!found || !standsAt(found, placeOf(replaced))) return 'away';
  return mayBeSameContent(found, replaced) ? 'there' : 'changed';
}

/** Whether somebody else has put something at the target meanwhile. */
export async function isTaken(
  { listFresh }: StepDeps,
  { parent, name, replaces }: Target,
  expectedIds: readonly string[],
  signal?: AbortSignal,
): Promise<boolean> {
  const expected = new Set([...expectedIds, replaces?.id]);
  const entries = await listFresh(parent, signal);
  return entries.some((entry) => entry.name === name && !expected.has(entry.id));
}

export interface Outcome {
  readonly placed: Entry;
  /** Where it was before. */
  readonly gone?: Entry;
  /** What it is a copy of. */
  readonly copyOf?: Origin;
  readonly replaces: Entry | undefined;
}

/** Shows what has come about. The client's success no longer hangs on what gave way: that is settled now or later. */
export async function finish(
  { drive, log, now }: StepDeps,
  job: Job,
  { placed, gone, copyOf, replaces }: Outcome,
  signal?: AbortSignal,
): Promise<void> {
  const removed = [gone, replaces].filter((entry) => entry !== undefined);
  const origins: Origin[] = copyOf ? [copyOf] : gone ? [{ how: 'moved', from: gone, to: placed }] : [];
  await job.show({ removed, placed: [placed], origins });
  if (!replaces) return;
  try {
    await drive.settleReplaced(replaces, placed, signal);
  } catch (error) {
    log.warn({ err: error }, 'what was replaced still stands beside its successor, hidden; it will be tried again');
    await job.leave({ kind: 'settle', at: now(), guards: [], replaced: replaces, successor: placed });
  }
}

/** Deletes for good what we made and gave up; hidden until that has come about. */
export async function discard({ drive, log }: StepDeps, job: Job, made: Entry, signal?: AbortSignal): Promise<void> {
  try {
    await drive.deleteForGood({ driveId: made.driveId, id: made.id }, signal);
  } catch (error) {
    log.warn({ err: error }, 'a given-up copy could not be deleted; it will be tried again');
    const { at, guards } = job.record;
    await job.leave({ kind: 'discard', at, guards, made });
    return;
  }
  // A listing that was read meanwhile has it, behind the guard.
  await job.show({ removed: [made], placed: [] });
}
