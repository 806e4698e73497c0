import type { StartedCopy, Target } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { findStanding } from '../drive/find-standing.ts';
import { LISTING_LAG_MS } from '../drive/listing-lag.ts';
import type { Job } from './operation-job.ts';
import {
  type GuardedName,
  isSameName,
  type MoveAcrossRecord,
  type MoveRecord,
  type Paths,
  placeOf,
  standsAt,
  toFolderName,
} from './operation-record.ts';
import { relayMove } from './operation-relay.ts';
import { finish, isTaken, isUnclear, type StepDeps, whereIs } from './operation-steps.ts';
import { findArrival } from './operation-strays.ts';

/** Until the move is done, readers see the entry where it was, and nothing new at the names where it stands on its way. */
export function planMove(
  deps: StepDeps,
  entry: Entry,
  target: Target,
  paths: Paths = {},
): MoveRecord | MoveAcrossRecord {
  const { parent, name, replaces } = target;
  const there = deps.namesakes(parent, name);
  const guards: GuardedName[] = [
    { ...placeOf(entry), visibleId: entry.id },
    { ...toFolderName(target), visibleId: replaces?.id ?? there[0] },
  ];
  const knownIds = [...there];
  const passing = { ...toFolderName(target), name: entry.name };
  if (name !== entry.name && !isSameName(passing, placeOf(entry))) {
    const others = deps.namesakes(parent, entry.name);
    guards.push({ ...passing, visibleId: others[0] });
    knownIds.push(...others);
  }
  const kind = entry.driveId === parent.driveId ? 'move' : 'move-across';
  return { kind, at: deps.now(), guards, entry, target, knownIds, ...paths };
}

export async function move(deps: StepDeps, job: Job, { entry, target }: MoveRecord): Promise<Entry> {
  const moved = await deps.drive.move(entry, target);
  await finish(deps, job, { placed: moved, gone: entry, replaces: target.replaces });
  return moved;
}

/** Brings to its end what has begun; what has not is left alone: nobody was told that it succeeded. */
export async function settleMove(
  deps: StepDeps,
  job: Job,
  { entry, target, knownIds }: MoveRecord,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await findStanding(deps.drive, entry, signal);
  if (!found) {
    await job.show({ removed: [entry], placed: [] });
    return true;
  }
  const replaced = target.replaces && (await whereIs(deps, target.replaces, signal));
  // Whoever wrote there meanwhile wrote last, and keeps what he wrote.
  const replaces = replaced === 'changed' ? undefined : target.replaces;
  if (standsAt(found, toFolderName(target))) {
    await finish(deps, job, { placed: found, gone: entry, replaces }, signal);
    return true;
  }
  const source = placeOf(entry);
  const isAtSource = standsAt(found, source);
  if (isAtSource && replaced !== 'away') return true;
  if (!isAtSource && !isOnTheWay(found, entry, target)) {
    await job.show({ removed: [entry], placed: [found] });
    return true;
  }
  if (replaced !== 'changed' && !(await isTaken(deps, target, [...knownIds, entry.id], signal))) {
    try {
      const moved = await deps.drive.move(found, target, signal);
      await finish(deps, job, { placed: moved, gone: entry, replaces }, signal);
      return true;
    } catch (error) {
      if (isUnclear(error)) throw error;
    }
  }
  if (!isAtSource) await bringBack(deps, job, found, entry, signal);
  return true;
}

/** The dialects that need two calls give the new folder first or the new name. */
function isOnTheWay(found: Entry, entry: Entry, target: Target): boolean {
  const there = toFolderName(target);
  return standsAt(found, { ...there, name: entry.name }) || standsAt(found, { ...placeOf(entry), name: target.name });
}

async function bringBack(deps: StepDeps, job: Job, found: Entry, entry: Entry, signal: AbortSignal): Promise<void> {
  const { folder: parent, name } = placeOf(entry);
  let back = found;
  try {
    back = await deps.drive.move(found, { parent, name }, signal);
  } catch (error) {
    if (isUnclear(error)) throw error;
  }
  await job.show({ removed: [entry], placed: [back] });
}

export async function moveAcross(deps: StepDeps, job: Job, record: MoveAcrossRecord): Promise<Entry> {
  const { entry, target } = record;
  let made: StartedCopy;
  try {
    made = await deps.drive.moveAcross(entry, target.parent);
  } catch (error) {
    if (entry.kind === 'folder' || !isDriveError(error, 'unsupported')) throw error;
    return relayMove(deps, job, record);
  }
  await job.become({ ...record, made });
  return arrive(deps, job, record, made);
}

/** Gives what has come from the other drive its name here. */
async function arrive(
  deps: StepDeps,
  job: Job,
  { entry, target }: MoveAcrossRecord,
  { key, taskId }: StartedCopy,
  signal?: AbortSignal,
): Promise<Entry> {
  const { drive } = deps;
  if (taskId !== undefined) await drive.awaitTask(taskId, signal);
  const arrived = await fetchArrived(deps, key, signal);
  let placed = arrived;
  try {
    if (!standsAt(arrived, toFolderName(target))) placed = await drive.move(arrived, target, signal);
  } catch (error) {
    if (!isUnclear(error)) await sendBack(deps, job, arrived, entry);
    throw error;
  }
  await finish(deps, job, { placed, gone: entry, replaces: target.replaces }, signal);
  return placed;
}

/** The source is gone by now: whatever refuses to tell us where it is, it is somewhere. */
async function fetchArrived({ drive }: StepDeps, key: EntryKey, signal?: AbortSignal): Promise<Entry> {
  try {
    return await drive.fetchEntry(key, signal);
  } catch (error) {
    if (isUnclear(error)) throw error;
    throw new DriveError('unavailable', 'The service does not tell where it has moved this.', { cause: error });
  }
}

/** A refused move leaves all as it was, or else at least seen where it is. */
async function sendBack({ drive, log }: StepDeps, job: Job, arrived: Entry, entry: Entry): Promise<void> {
  let placed = arrived;
  try {
    const { key, taskId } = await drive.moveAcross(arrived, placeOf(entry).folder);
    if (taskId !== undefined) await drive.awaitTask(taskId);
    placed = await drive.fetchEntry(key);
  } catch (error) {
    log.warn({ err: error }, 'a refused move between drives could not be undone');
  }
  await job.show({
    removed: [entry, arrived],
    placed: [placed],
    origins: [{ how: 'moved', from: entry, to: placed }],
  });
}

export async function settleMoveAcross(
  deps: StepDeps,
  job: Job,
  record: MoveAcrossRecord,
  signal: AbortSignal,
): Promise<boolean> {
  const { entry, target, knownIds, at, refusedAt } = record;
  let { made } = record;
  if (!made) {
    const isThere = (await findStanding(deps.drive, entry, signal)) !== undefined;
    const arrived = isThere ? undefined : await findArrival(deps, entry, target, knownIds, signal);
    if (!arrived) {
      // The service may still be at it.
      if (deps.now() - (refusedAt ?? at) < LISTING_LAG_MS) return false;
      if (!isThere) await job.show({ removed: [entry], placed: [] });
      return true;
    }
    made = { key: { driveId: arrived.driveId, id: arrived.id }, taskId: undefined };
    await job.become({ ...record, made });
  } else if (!(await hasArrived(deps, made, signal))) {
    await job.show({ removed: [entry], placed: [] });
    return true;
  }
  await arrive(deps, job, record, made, signal);
  return true;
}

/** False when it has been taken away since. */
async function hasArrived(deps: StepDeps, { key, taskId }: StartedCopy, signal: AbortSignal): Promise<boolean> {
  if (taskId !== undefined) await deps.drive.awaitTask(taskId, signal);
  return (await findStanding(deps.drive, key, signal)) !== undefined;
}
