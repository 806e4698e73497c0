import { throwIfAborted } from '../drive/abortable.ts';
import type { Fingerprint, UploadSession } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import type { PartsInHand } from './parts-in-hand.ts';
import { sendParts } from './parts-sending.ts';
import type { Content, IncomingBody } from './upload-body.ts';
import type { UploadCourse } from './upload-course.ts';
import type { Placement, PlacementDeps } from './upload-placement.ts';

/** How often the service may forget an upload before that is the answer. */
const MAX_SESSIONS = 3;
const MAX_REWINDS = 3;

/** Receives all that is still to come. */
export async function receiveWhole(bytes: PartsInHand, body: IncomingBody, course: UploadCourse): Promise<Content> {
  for (;;) {
    const chunk = await body.next(Number.MAX_SAFE_INTEGER, course.signal);
    if (!chunk) break;
    await bytes.append(chunk);
    throwIfAborted(course.signal);
  }
  course.letClientGo();
  if (!body.content) throw new DriveError('aborted', 'The body was broken off.');
  return body.content;
}

/** Makes a file of a body that is all in hand: without a transfer where the service has the content. */
export async function placeWhole(
  deps: PlacementDeps,
  placement: Placement,
  { bytes, content, partSizeBytes }: { bytes: PartsInHand; content: Content; partSizeBytes: number },
): Promise<Entry> {
  const rest = bytes.isOnDisk ? { offset: 0, blobs: await bytes.persist() } : undefined;
  await placement.record.save({ content, rest, session: undefined, at: deps.now() });
  const fingerprint: Fingerprint = {
    kind: 'content-hash',
    contentHash: content.contentHash,
    readProof: ({ first, last }) => bytes.read(first, last + 1),
  };
  for (let sessions = 1; ; sessions++) {
    const created = await placement.create(content.sizeBytes, partSizeBytes, fingerprint);
    if (created.outcome === 'instant') return placement.finish(created.entry, content);
    if (created.outcome !== 'upload') throw new DriveError('unavailable', 'The service asks for what it was given.');
    try {
      await sendParts(deps, created.session, { bytes }, deps.stopping);
      const entry = await completeInHand(deps, placement, created.session, { bytes, offset: 0 });
      return await placement.finish(entry, content);
    } catch (error) {
      if (sessions === MAX_SESSIONS || !isDriveError(error, 'upload-session-gone')) throw error;
      deps.log.debug({ sessions }, 'an upload was forgotten by the service: once more');
    }
  }
}

/** Completes, after sending again what turns out to be missing. */
export async function completeInHand(
  deps: PlacementDeps,
  placement: Placement,
  session: UploadSession,
  hand: { readonly bytes: PartsInHand; readonly offset: number },
): Promise<Entry> {
  for (let rewinds = 1; ; rewinds++) {
    try {
      return await placement.complete(session);
    } catch (error) {
      if (rewinds === MAX_REWINDS || !isDriveError(error, 'part-out-of-order')) throw error;
      const stored = await deps.drive.listUploadedParts(session, deps.stopping);
      await sendParts(deps, session, { ...hand, first: stored.length + 1 }, deps.stopping);
    }
  }
}
