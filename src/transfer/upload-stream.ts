import { throwIfAborted } from '../drive/abortable.ts';
import type { UploadSession } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { countParts } from '../drive/part-count.ts';
import type { PartsInHand } from './parts-in-hand.ts';
import { sendPart } from './parts-sending.ts';
import { toPartRange } from './parts-size.ts';
import type { Spool } from './spool.ts';
import type { IncomingBody } from './upload-body.ts';
import type { Hand, UploadCourse } from './upload-course.ts';
import type { Placement, PlacementDeps } from './upload-placement.ts';

export interface StreamOptions {
  readonly placement: Placement;
  readonly body: IncomingBody;
  readonly sizeBytes: number;
  readonly partSizeBytes: number;
  readonly spool: Spool;
  readonly hand: Hand;
  readonly course: UploadCourse;
  /** Asked before the file is made visible; what it rejects with ends the upload. */
  readonly mayAppear?: (() => Promise<void>) | undefined;
}

/** Begins the upload; again when the service has forgotten it. */
export type BeginSession = () => Promise<UploadSession>;

const MAX_SESSIONS = 3;

/** A body on its way through: one part is sent while the next one is received. */
export class PartStream {
  readonly #deps: PlacementDeps;
  readonly #options: StreamOptions;
  readonly #last: number;

  constructor(deps: PlacementDeps, options: StreamOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#last = countParts(options.sizeBytes, options.partSizeBytes);
  }

  /** @param patience until it is aborted, memory is waited for rather than the disk used */
  async receive(number: number, patience?: AbortSignal): Promise<PartsInHand> {
    const { placement, body, sizeBytes, partSizeBytes, spool, hand, course } = this.#options;
    const { start, end } = toPartRange(number, sizeBytes, partSizeBytes);
    const part = hand.add(spool.hold());
    while (part.sizeBytes < end - start) {
      const chunk = await body.next(end - start - part.sizeBytes, course.signal);
      if (!chunk) throw new DriveError('bad-body', 'The body is shorter than was announced.');
      await part.append(chunk, patience);
      throwIfAborted(course.signal);
    }
    if (body.content) {
      placement.record.note({ content: body.content });
      course.letClientGo();
    }
    return part;
  }

  /** Sends all parts and makes the file visible. */
  async send(first: PartsInHand, begin: BeginSession): Promise<Entry> {
    const { placement, body, hand, mayAppear } = this.#options;
    let session: UploadSession | undefined;
    let part = first;
    for (let number = 1; ; number++) {
      const sent = new AbortController();
      const ahead = number < this.#last ? this.#receiveAhead(number + 1, sent.signal) : undefined;
      try {
        // From here on a crash need not undo it.
        if (!ahead) await placement.record.save({ content: body.content });
        session = await this.#sendOne(session, part, number, begin);
        // At once: the next part may be waiting for this memory.
        await hand.releaseFirst();
      } catch (error) {
        await this.#endAhead(ahead, error, sent);
      }
      sent.abort();
      if (!ahead) break;
      part = await ahead;
    }
    if (!session || !body.content) throw new DriveError('aborted', 'The body was broken off.');
    await mayAppear?.();
    const entry = await placement.complete(session);
    return placement.finish(entry, body.content);
  }

  #receiveAhead(number: number, patience: AbortSignal): Promise<PartsInHand> {
    const ahead = this.receive(number, patience);
    ahead.catch((error: unknown) => this.#options.course.fail(error));
    return ahead;
  }

  /** Nothing may be released while it is still written into. */
  async #endAhead(ahead: Promise<unknown> | undefined, error: unknown, sent: AbortController): Promise<never> {
    const { course } = this.#options;
    course.fail(error);
    sent.abort();
    await ahead?.catch(() => {});
    throw course.causeOf(error);
  }

  async #sendOne(
    session: UploadSession | undefined,
    bytes: PartsInHand,
    number: number,
    begin: BeginSession,
  ): Promise<UploadSession> {
    const { sizeBytes } = bytes;
    let current: UploadSession = session ?? (await begin());
    for (let sessions = 1; ; sessions++) {
      try {
        await sendPart(
          this.#deps,
          current,
          { number, sizeBytes },
          (onRead) => bytes.open(0, sizeBytes, onRead),
          this.#options.course.signal,
        );
        return current;
      } catch (error) {
        if (!isDriveError(error, 'upload-session-gone')) throw error;
        // What was sent of earlier parts is in nobody's hand any more.
        if (number > 1 || sessions === MAX_SESSIONS) {
          throw new DriveError('unavailable', 'The service has forgotten the upload.', { cause: error });
        }
        current = await begin();
      }
    }
  }
}
