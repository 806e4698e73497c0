import type { Target, UploadSession } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { findStanding } from '../drive/find-standing.ts';
import { LISTING_LAG_MS } from '../drive/listing-lag.ts';
import { countParts } from '../drive/part-count.ts';
import { sendParts } from './parts-sending.ts';
import { choosePartSize, toPartRange } from './parts-size.ts';
import type { Spool } from './spool.ts';
import type { Content } from './upload-body.ts';
import { isAsBefore, isOf, isPassing, type Placement, type PlacementDeps } from './upload-placement.ts';
import type { PendingUpload } from './upload-record.ts';
import { completeInHand, placeWhole } from './upload-whole.ts';

export interface RecoveryDeps extends PlacementDeps {
  readonly spool: Spool;
  readonly memoryBytes: number;
  /** All entries of a folder as the service has them now, unguarded. */
  readonly listFresh: (folder: EntryKey, signal?: AbortSignal) => Promise<readonly Entry[]>;
}

/**
 * Finishes or undoes an upload that was interrupted.
 * @param isUrgent somebody wants the name now: what is not to be seen is taken for absent
 * @returns the entry that it has become
 * @throws DriveError when that cannot be found out or done now
 */
export async function recoverUpload(
  deps: RecoveryDeps,
  placement: Placement,
  isUrgent: boolean,
): Promise<Entry | undefined> {
  const { value } = placement.record;
  try {
    const entry = value.isGivenUp ? undefined : await bringForward(deps, placement, value, isUrgent);
    if (entry) return entry;
  } catch (error) {
    if (isPassing(error)) throw error;
    deps.log.warn({ err: error }, 'an interrupted upload cannot be finished');
  }
  // Shown on the way: then it is a file, and its recovery goes on with the next try.
  if (placement.record.value.isShown) return placement.record.value.made;
  await clearAway(deps, placement);
  return undefined;
}

async function bringForward(deps: RecoveryDeps, placement: Placement, value: PendingUpload, isUrgent: boolean) {
  const { made, content, session } = value;
  // What is not what was sent was about to be given up.
  if (made) return value.isShown || !content || isOf(made, content) ? settle(deps, placement, made) : undefined;
  if (!content) return undefined;
  const done = session
    ? await findCompleted(deps, session, content)
    : await findInstant(deps, value, content, isUrgent).catch(unlessGone);
  if (done) {
    // It was changed since, or was not received well; deleting it could cost somebody a file.
    if (!isOf(done, content))
      deps.log.warn({ id: done.id }, 'an interrupted upload has become a file of other content');
    return settle(deps, placement, done);
  }
  if (!(await isUntouched(deps, value))) return undefined;
  const bytes = value.rest && deps.spool.holdAgain(value.rest.blobs);
  if (session) {
    const entry = await finishSession(deps, placement, session, value, bytes).catch(unlessSessionGone);
    if (entry) return settle(deps, placement, entry);
  }
  if (!bytes || value.rest?.offset !== 0) return undefined;
  const partSizeBytes = choosePartSize(content.sizeBytes, deps.memoryBytes, 1);
  const entry = await placeWhole(deps, placement, { bytes, content, partSizeBytes });
  await bytes.release();
  return entry;
}

/** The file is there and seen: whatever keeps what it replaced from going is tried again, and takes nothing from it. */
async function settle(deps: RecoveryDeps, placement: Placement, entry: Entry): Promise<Entry> {
  if (!placement.record.value.isShown) await placement.show(entry);
  try {
    await placement.settleLate(entry);
  } catch (cause) {
    await placement.record.save({ made: entry, isShown: true }).catch(() => {});
    throw new DriveError('unavailable', 'What an upload has replaced is not cleared away yet.', { cause });
  }
  await removeBlobs(deps, placement.record.value);
  return entry;
}

async function clearAway(deps: RecoveryDeps, placement: Placement): Promise<void> {
  const { value } = placement.record;
  await placement.clearAway();
  await removeBlobs(deps, value);
}

async function removeBlobs({ spool }: RecoveryDeps, { rest }: PendingUpload): Promise<void> {
  for (const { name } of rest?.blobs ?? []) await spool.blobs.remove(name);
}

/** The session's entry if it was completed; a file that is overwritten under its own id must show that it was. */
async function findCompleted(deps: RecoveryDeps, session: UploadSession, content: Content): Promise<Entry | undefined> {
  const found = await findStanding(deps.drive, session, deps.stopping);
  const { replaces } = session;
  if (!found || found.id !== replaces?.id) return found;
  if (found.contentHash === undefined ? found.updatedAt === replaces.updatedAt : !isOf(found, content))
    return undefined;
  return found;
}

/** A file that may have been made in one step, of which nobody heard. */
async function findInstant(
  deps: RecoveryDeps,
  { target, at }: PendingUpload,
  content: Content,
  isUrgent: boolean,
): Promise<Entry | undefined> {
  const { replaces } = target;
  // The web API swaps under one id, and a look at that id does not lag behind.
  const standing = replaces && (await findStanding(deps.drive, replaces, deps.stopping));
  if (standing && standing.updatedAt !== replaces.updatedAt && isOf(standing, content)) return standing;
  if (standing && (await deps.drive.swapsInPlace(deps.stopping))) return undefined;
  const entries = await deps.listFresh(target.parent, deps.stopping);
  const found = entries.find((entry) => {
    if (entry.kind !== 'file' || entry.name !== target.name) return false;
    if (entry.id === target.replaces?.id && entry.updatedAt === target.replaces.updatedAt) return false;
    return entry.sizeBytes === content.sizeBytes && entry.contentHash === content.contentHash;
  });
  if (found || isUrgent || deps.now() - at >= LISTING_LAG_MS) return found;
  if (!replaces) return probe(deps, target, content);
  throw new DriveError('unavailable', 'It is not certain yet what became of an upload.');
}

/** Asks for the name itself, which unlike a listing does not lag: an upload that begins there shows it free, and is given up. */
async function probe(
  { drive, stopping, memoryBytes }: RecoveryDeps,
  { parent, name }: Target,
  content: Content,
): Promise<Entry | undefined> {
  const { sizeBytes } = content;
  const partSizeBytes = choosePartSize(sizeBytes, memoryBytes, 1);
  const created = await drive.createFile({ parent, name, sizeBytes, partSizeBytes }, stopping);
  switch (created.outcome) {
    case 'upload':
      await drive.abandonUpload(created.session, stopping);
      return undefined;
    case 'exists': {
      const standing = await findStanding(drive, created.key, stopping);
      return standing && isOf(standing, content) ? standing : undefined;
    }
    case 'instant':
      return created.entry;
    case 'pre-hash-matched':
      return undefined;
  }
}

/** Nobody has changed what stands under the name since the upload began: whoever did would lose it. */
async function isUntouched(deps: RecoveryDeps, { target, session }: PendingUpload): Promise<boolean> {
  const { parent, name, replaces } = target;
  if (replaces) {
    const found = await findStanding(deps.drive, replaces, deps.stopping);
    return found !== undefined && isAsBefore(found, replaces);
  }
  const entries = await deps.listFresh(parent, deps.stopping).catch(unlessGone);
  return entries?.every((entry) => entry.name !== name || entry.id === session?.id) ?? false;
}

async function finishSession(
  deps: RecoveryDeps,
  placement: Placement,
  session: UploadSession,
  { rest, content }: PendingUpload,
  bytes: ReturnType<Spool['holdAgain']> | undefined,
): Promise<Entry | undefined> {
  if (!content) return undefined;
  const { sizeBytes, partSizeBytes } = session;
  const stored = (await deps.drive.listUploadedParts(session, deps.stopping)).length;
  const first = stored + 1;
  const hand = bytes && rest && { bytes, offset: rest.offset };
  if (first <= countParts(sizeBytes, partSizeBytes)) {
    if (!hand || toPartRange(first, sizeBytes, partSizeBytes).start < hand.offset) return undefined;
    await sendParts(deps, session, { ...hand, first }, deps.stopping);
  }
  const entry = hand ? await completeInHand(deps, placement, session, hand) : await placement.complete(session);
  if (isOf(entry, content)) return entry;
  if (entry.id !== session.replaces?.id) await placement.record.save({ made: entry });
  throw new DriveError('content-mismatch', 'The drive did not receive the bytes that were sent.');
}

function unlessSessionGone(error: unknown): undefined {
  if (isDriveError(error, 'upload-session-gone', 'not-found')) return undefined;
  throw error;
}

function unlessGone(error: unknown): undefined {
  if (isDriveError(error, 'not-found', 'not-a-folder')) return undefined;
  throw error;
}
