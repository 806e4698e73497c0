import { randomUUID } from 'node:crypto';
import type { Origin } from '../drive/change.ts';
import type { StartedCopy, Target } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { findStanding } from '../drive/find-standing.ts';
import { LISTING_LAG_MS } from '../drive/listing-lag.ts';
import type { Job } from './operation-job.ts';
import { type CopyRecord, type GuardedName, mayBeSameContent, standsAt, toFolderName } from './operation-record.ts';
import { discard, finish, isTaken, isUnclear, type StepDeps, whereIs } from './operation-steps.ts';
import { findStray, makeTemporaryName } from './operation-strays.ts';

/** `infinity`: a file, or a folder with all that is in it; `0`: a folder alone. */
export type CopyDepth = '0' | 'infinity';

/** What is to give way stands until the copy is whole beside it, under a name of its own where the dialect lets us choose. */
export function planCopy(
  deps: StepDeps,
  entry: Entry,
  target: Target,
  depth: CopyDepth,
  targetPath?: string,
): CopyRecord {
  const bare = entry.kind === 'folder' && depth === '0';
  const temporary = target.replaces ? makeTemporaryName(target.name, randomUUID()) : undefined;
  const arrivalNames = [temporary ?? target.name, ...(bare ? [] : [entry.name])];
  const guards: GuardedName[] = [];
  const knownIds: string[] = [];
  for (const name of new Set([target.name, ...arrivalNames])) {
    const there = name === temporary ? [] : deps.namesakes(target.parent, name);
    const replaced = name === target.name ? target.replaces : undefined;
    guards.push({ folder: toFolderName(target).folder, name, visibleId: replaced?.id ?? there[0] });
    knownIds.push(...there);
  }
  return { kind: 'copy', at: deps.now(), guards, entry, target, targetPath, bare, arrivalNames, knownIds };
}

export async function copy(deps: StepDeps, job: Job, record: CopyRecord): Promise<Entry> {
  const { drive } = deps;
  const { entry, target } = record;
  let made: StartedCopy;
  try {
    made = await start(deps, record);
  } catch (error) {
    if (entry.kind === 'folder' || !isDriveError(error, 'unsupported')) throw error;
    // Whoever brings it has a journal of his own.
    await job.end();
    return deps.relay(entry, target);
  }
  await job.become({ ...record, made });
  let placed: Entry;
  try {
    if (made.taskId !== undefined) await drive.awaitTask(made.taskId);
    const copied = await drive.fetchEntry(made.key);
    if (!mayBeSameContent(copied, entry)) {
      throw new DriveError('content-mismatch', 'The copy that the service made is not like the file.');
    }
    placed = standsAt(copied, toFolderName(target)) ? copied : await drive.move(copied, target);
  } catch (error) {
    if (!isUnclear(error)) await discard(deps, job, toGivenUp(record, made));
    throw error;
  }
  await show(deps, job, record, placed);
  return placed;
}

async function show(
  deps: StepDeps,
  job: Job,
  { entry, bare, target }: CopyRecord,
  placed: Entry,
  signal?: AbortSignal,
): Promise<void> {
  const copyOf: Origin = { how: bare ? 'copied-alone' : 'copied', from: entry, to: placed };
  await finish(deps, job, { placed, copyOf, replaces: target.replaces }, signal);
}

/** Where the answer was lost, what is proven to be the copy is taken for it; a folder's only once it is known to be whole. */
async function start(deps: StepDeps, record: CopyRecord): Promise<StartedCopy> {
  try {
    return await order(deps, record);
  } catch (error) {
    if (!isUnclear(error) || !isWholeAtOnce(record)) throw error;
    const stray = await findStray(deps, record).catch(() => undefined);
    if (!stray) throw error;
    return { key: { driveId: stray.driveId, id: stray.id }, taskId: undefined };
  }
}

async function order({ drive }: StepDeps, { entry, target, bare, arrivalNames }: CopyRecord): Promise<StartedCopy> {
  const { parent } = target;
  const [name = target.name] = arrivalNames;
  if (bare) {
    const created = await drive.createFolder(parent, name);
    if (created.outcome === 'exists')
      throw new DriveError('already-exists', 'Something of this name is there already.');
    return { key: { driveId: created.entry.driveId, id: created.entry.id }, taskId: undefined };
  }
  return entry.driveId === parent.driveId ? drive.startCopy(entry, parent, name) : drive.copyAcross(entry, parent);
}

function isWholeAtOnce({ entry, bare }: CopyRecord): boolean {
  return bare || entry.kind === 'file';
}

/** After a kill the copy is brought to its end; where the client was told that it failed, it goes. */
export async function settleCopy(deps: StepDeps, job: Job, record: CopyRecord, signal: AbortSignal): Promise<boolean> {
  const { target, at, refusedAt, knownIds } = record;
  let { made } = record;
  let isWhole = true;
  if (!made) {
    const stray = await findStray(deps, record, signal);
    if (!stray) return deps.now() - (refusedAt ?? at) >= LISTING_LAG_MS;
    if (!isWholeAtOnce(record)) {
      // Without its task, nobody can say when a folder has all of its children.
      await discard(deps, job, stray, signal);
      return true;
    }
    made = { key: { driveId: stray.driveId, id: stray.id }, taskId: undefined };
    await job.become({ ...record, made });
  }
  if (made.taskId !== undefined) isWhole = await hasSucceeded(deps, made.taskId, signal);
  const copied = await findStanding(deps.drive, made.key, signal);
  if (!copied) return true;
  isWhole &&= mayBeSameContent(copied, record.entry);
  const replaced = target.replaces && (await whereIs(deps, target.replaces, signal));
  // Once the old entry has given way, only forward is safe.
  const isWanted = refusedAt === undefined || replaced === 'away';
  if (isWhole && isWanted && replaced !== 'changed') {
    const placed = await place(deps, copied, target, [...knownIds, copied.id], signal);
    if (placed) {
      await show(deps, job, record, placed, signal);
      return true;
    }
  }
  await discard(deps, job, copied, signal);
  return true;
}

async function hasSucceeded({ drive }: StepDeps, taskId: string, signal: AbortSignal): Promise<boolean> {
  try {
    await drive.awaitTask(taskId, signal);
    return true;
  } catch (error) {
    if (isUnclear(error)) throw error;
    return false;
  }
}

/** @returns undefined when the target is somebody else's by now, or refuses it */
async function place(
  deps: StepDeps,
  copied: Entry,
  target: Target,
  expectedIds: readonly string[],
  signal: AbortSignal,
): Promise<Entry | undefined> {
  if (standsAt(copied, toFolderName(target))) return copied;
  if (await isTaken(deps, target, expectedIds, signal)) return undefined;
  try {
    return await deps.drive.move(copied, target, signal);
  } catch (error) {
    if (isUnclear(error)) throw error;
    return undefined;
  }
}

/** Told by its id and its folder alone: its name is whichever it had got. */
function toGivenUp({ entry, target: { parent, name } }: CopyRecord, { key }: StartedCopy): Entry {
  return { ...entry, driveId: key.driveId, id: key.id, parentId: parent.id, name };
}
