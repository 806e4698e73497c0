import type { Entry, EntryKey } from '../drive/entry.ts';
import { findStanding } from '../drive/find-standing.ts';
import type { Job } from './operation-job.ts';
import { mayBeSameContent, placeOf, type RemoveRecord, standsAt } from './operation-record.ts';
import type { StepDeps } from './operation-steps.ts';

/** The guard is for the start after a kill: then the entry is seen no more. */
export function planRemoval(deps: StepDeps, entry: Entry, path?: string): RemoveRecord {
  const place = placeOf(entry);
  const namesakes = deps.namesakes(place.folder, place.name);
  const guards = [{ ...place, visibleId: namesakes.find((id) => id !== entry.id) }];
  return { kind: 'remove', at: deps.now(), guards, entry, path, forGood: !deps.toTrash };
}

export async function remove(deps: StepDeps, job: Job, { entry, forGood }: RemoveRecord): Promise<void> {
  // Whatever the service lists meanwhile, it is seen whole until it is gone.
  job.guard([{ ...placeOf(entry), visibleId: entry.id }]);
  await take(deps, entry, forGood);
  await job.show({ removed: [entry], placed: [] });
}

/**
 * After a kill the removal is repeated, unless the entry has been changed meanwhile. Where the client was told that it
 * failed, it is not: what people do with an entry that they still see must not be lost.
 */
export async function settleRemoval(
  deps: StepDeps,
  job: Job,
  { entry, forGood, refusedAt }: RemoveRecord,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await findStanding(deps.drive, entry, signal);
  if (found) {
    const isSame = standsAt(found, placeOf(entry)) && mayBeSameContent(found, entry);
    if (!isSame || refusedAt !== undefined) return true;
    await take(deps, found, forGood, signal);
  }
  await job.show({ removed: [entry], placed: [] });
  return true;
}

function take({ drive }: StepDeps, { driveId, id }: EntryKey, forGood: boolean, signal?: AbortSignal): Promise<void> {
  return forGood ? drive.deleteForGood({ driveId, id }, signal) : drive.trash({ driveId, id }, signal);
}
