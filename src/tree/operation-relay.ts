import type { Change } from '../drive/change.ts';
import type { Entry } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import { findStanding } from '../drive/find-standing.ts';
import { LISTING_LAG_MS } from '../drive/listing-lag.ts';
import type { Job } from './operation-job.ts';
import { isSameContent, type MoveAcrossRecord, placeOf, type RelayRecord } from './operation-record.ts';
import { discard, isUnclear, type StepDeps } from './operation-steps.ts';

/** A move into a drive that the service moves nothing into: the source goes when its content is proven to be there. */
export async function relayMove(
  deps: StepDeps,
  job: Job,
  { at, entry: listed, path, target, knownIds }: MoveAcrossRecord,
): Promise<Entry> {
  const { drive } = deps;
  const entry = listed.contentHash === undefined ? await drive.fetchEntry(listed) : listed;
  if (entry.contentHash === undefined) {
    throw new DriveError(
      'unsupported',
      'A file without a checksum of its own, such as a live photo, stays in its drive.',
    );
  }
  // What is brought is guarded by whoever brings it.
  job.lift();
  await job.become({ kind: 'relay-move', at, guards: [], entry, path, target, knownIds });
  const brought = await deps.relay(entry, target);
  const placed = brought.contentHash === undefined ? await drive.fetchEntry(brought) : brought;
  if (!isSameContent(placed, entry)) {
    throw new DriveError('content-mismatch', 'The copy in the other drive is not like the file: the file stays.');
  }
  try {
    await removeSource(deps, job, entry, placed);
  } catch (error) {
    // A source that must stay: the copy goes, unless it is all that is left at its place.
    if (!target.replaces) await discard(deps, job, placed);
    throw error;
  }
  return placed;
}

/** To the bin, whatever DELETE does: a mistake of ours must not be the end of a file. */
async function removeSource(
  { drive, onChanged, now, log }: StepDeps,
  job: Job,
  source: Entry,
  placed: Entry,
): Promise<void> {
  const change: Change = { removed: [source], placed: [], origins: [{ how: 'moved', from: source, to: placed }] };
  try {
    await drive.trash({ driveId: source.driveId, id: source.id });
  } catch (error) {
    if (!isUnclear(error)) throw error;
    log.warn({ err: error }, 'the source of a move between drives is still there, hidden; it will be tried again');
    const guards = [{ ...placeOf(source), visibleId: undefined }];
    await job.leave({ kind: 'remove', at: now(), guards, entry: source, path: job.record.path, forGood: false });
    job.guard();
    await onChanged(change);
    return;
  }
  await job.show(change);
}

/** Goes on where the content has arrived, by us or by the recovery of whoever brings it; else the source just stays. */
export async function settleRelay(
  deps: StepDeps,
  job: Job,
  { at, entry, target, knownIds, refusedAt }: RelayRecord,
  signal: AbortSignal,
): Promise<boolean> {
  const source = await findStanding(deps.drive, entry, signal);
  if (!source) {
    await job.show({ removed: [entry], placed: [] });
    return true;
  }
  if (!isSameContent(source, entry)) return true;
  const entries = await deps.listFresh(target.parent, signal);
  const placed = entries.find(
    (candidate) =>
      candidate.name === target.name &&
      isSameContent(candidate, entry) &&
      // A client that was told of a failure has not given up a source whose like was there before.
      (refusedAt === undefined || !knownIds.includes(candidate.id)),
  );
  if (!placed) return deps.now() - (refusedAt ?? at) >= LISTING_LAG_MS;
  await deps.drive.trash({ driveId: source.driveId, id: source.id }, signal);
  await job.show({ removed: [source], placed: [placed], origins: [{ how: 'moved', from: source, to: placed }] });
  return true;
}
