import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { abortedError } from '../drive/abortable.ts';
import type { UploadPart, UploadSession, WriteDrive } from '../drive/drive.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { countParts } from '../drive/part-count.ts';
import type { Logger } from '../log.ts';
import type { PartsInHand } from './parts-in-hand.ts';
import { toPartRange } from './parts-size.ts';

export interface SendingDeps {
  readonly drive: Pick<WriteDrive, 'putPart' | 'listUploadedParts'>;
  readonly log: Logger;
  readonly random: () => number;
  /** For so long a part may take no byte and get no answer; a slow line's buffers are to be thought of. */
  readonly stallMs?: number;
}

const STALL_MS = 180_000;
const MAX_TRIES = 5;
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 10_000;
/** How often the storage host may have lost parts that it had. */
const MAX_REWINDS = 3;

/** The storage host has fewer parts than were sent: `next` is the one that it expects. */
class PartsLostError extends DriveError {
  readonly next: number;

  constructor(next: number, cause: unknown) {
    super('unavailable', 'The storage host has lost a part of the upload.', { cause });
    this.next = next;
  }
}

/** Calls `onRead` whenever the reader has taken bytes and wants more. */
export type OpenPart = (onRead: () => void) => Readable;

/** Sends one part, however often it takes. @throws PartsLostError, or a DriveError when trying has not helped */
export async function sendPart(
  deps: SendingDeps,
  session: UploadSession,
  part: UploadPart,
  open: OpenPart,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await tryPart(deps, session, part, open, signal);
    } catch (error) {
      if (signal.aborted) throw abortedError(signal);
      if (isDriveError(error, 'part-out-of-order')) {
        const stored = (await deps.drive.listUploadedParts(session, signal)).length;
        if (stored >= part.number) return;
        if (stored < part.number - 1) throw new PartsLostError(stored + 1, error);
      } else if (!isDriveError(error, 'unavailable', 'throttled', 'link-expired')) throw error;
      if (tries === MAX_TRIES) throw toUnavailable(error);
      deps.log.debug({ error, part: part.number, tries }, 'sending a part again');
      await backOff(tries, error, deps.random, signal);
    }
  }
}

/** Sends what the storage host does not have yet of a body that is in hand from `offset` on. */
export async function sendParts(
  deps: SendingDeps,
  session: UploadSession,
  { bytes, offset = 0, first = 1 }: { readonly bytes: PartsInHand; readonly offset?: number; readonly first?: number },
  signal: AbortSignal,
): Promise<void> {
  const { sizeBytes, partSizeBytes } = session;
  const last = countParts(sizeBytes, partSizeBytes);
  let rewinds = 0;
  for (let number = first; number <= last; number++) {
    const { start, end } = toPartRange(number, sizeBytes, partSizeBytes);
    if (start < offset) throw new DriveError('unavailable', 'A part that is needed is not in hand any more.');
    const open: OpenPart = (onRead) => bytes.open(start - offset, end - offset, onRead);
    try {
      await sendPart(deps, session, { number, sizeBytes: end - start }, open, signal);
    } catch (error) {
      if (!(error instanceof PartsLostError) || ++rewinds > MAX_REWINDS) throw error;
      number = error.next - 1;
    }
  }
}

/** Doubles and more with each try; the jitter keeps uploads that failed together from coming back together. */
export async function backOff(tries: number, error: unknown, random: () => number, signal: AbortSignal): Promise<void> {
  const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 3 ** (tries - 1)) * (0.5 + random() / 2);
  const wishedMs = (error instanceof DriveError && error.retryAfterMs) || 0;
  await delay(Math.max(delayMs, wishedMs), undefined, { signal, ref: false }).catch(() => {
    throw abortedError(signal);
  });
}

async function tryPart(
  { drive, stallMs = STALL_MS }: SendingDeps,
  session: UploadSession,
  part: UploadPart,
  open: OpenPart,
  signal: AbortSignal,
): Promise<void> {
  const attempt = new AbortController();
  const opened: Readable[] = [];
  const giveUp = () => attempt.abort(signal.reason);
  const timer = setTimeout(() => attempt.abort(new DriveError('unavailable', 'stalled')), stallMs).unref();
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  const openWatched = () => {
    const body = open(() => timer.refresh());
    opened.push(body);
    return body;
  };
  try {
    await drive.putPart(session, part, openWatched, attempt.signal);
  } catch (error) {
    if (signal.aborted || !attempt.signal.aborted) throw error;
    throw new DriveError('unavailable', 'The storage host took no more bytes.', { cause: error });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
    // The memory that they read from may be another upload's the next moment.
    for (const body of opened) body.destroy();
  }
}

/** Outside, the sequence of parts is nobody's business. */
function toUnavailable(error: unknown): unknown {
  if (!isDriveError(error, 'part-out-of-order', 'link-expired')) return error;
  return new DriveError('unavailable', 'The storage host does not take the upload.', { cause: error });
}
