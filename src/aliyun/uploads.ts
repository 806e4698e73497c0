import type { Readable } from 'node:stream';
import type { UploadedPart, UploadPart, UploadSession } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { countParts } from '../drive/part-count.ts';
import { sleep } from '../drive/sleep.ts';
import type { ApiClient } from './api-client.ts';
import type { WriteDialect } from './dialect.ts';
import { ApiError } from './errors.ts';
import { isObject, type JsonObject, readId, readNumber, readSize, readText, toObject } from './json.ts';
import type { Lookup } from './lookup.ts';
import type { Oddities } from './oddities.ts';
import type { PartUrls } from './part-urls.ts';
import { type BackOff, settleWrite } from './settle-write.ts';
import type { StorageHost } from './storage.ts';
import { parseEntry, toUploadKey } from './wire.ts';

export interface UploadsDeps {
  readonly api: ApiClient;
  readonly dialect: WriteDialect;
  readonly lookup: Lookup;
  readonly urls: PartUrls;
  readonly storage: Pick<StorageHost, 'putPart'>;
  readonly oddities: Oddities;
  readonly backOff: BackOff;
  deleteForGood(session: UploadSession, signal?: AbortSignal): Promise<void>;
}

const MOST_RENEWALS = 2;

/** Carries uploads from their creation to the visible file. */
export class Uploads {
  readonly #deps: UploadsDeps;

  constructor(deps: UploadsDeps) {
    this.#deps = deps;
  }

  /** See `WriteDrive.putPart`. */
  async putPart(session: UploadSession, part: UploadPart, open: () => Readable, signal?: AbortSignal): Promise<void> {
    const { urls, storage } = this.#deps;
    for (let renewals = 0; ; renewals++) {
      const url = await urls.get(session, part.number, signal).catch(orSessionGone);
      try {
        return await storage.putPart(url, part.sizeBytes, open, signal);
      } catch (error) {
        if (!isDriveError(error, 'link-expired') || renewals === MOST_RENEWALS) throw error;
        urls.forget(session.uploadId);
      }
    }
  }

  /** See `WriteDrive.listUploadedParts`. */
  async listUploadedParts(session: UploadSession, signal?: AbortSignal): Promise<readonly UploadedPart[]> {
    const { api, dialect } = this.#deps;
    const parts = new Map<number, UploadedPart>();
    let marker: string | number | undefined;
    do {
      const place = marker === undefined ? {} : { part_number_marker: marker };
      const body = { ...toUploadKey(session), ...dialect.uploadedPartsFields, ...place };
      const answer = toObject(await api.call(dialect.uploadedParts, body, signal).catch(orSessionGone));
      for (const part of parseParts(answer, session)) parts.set(part.number, part);
      const next = readText(answer, 'next_part_number_marker') ?? readNumber(answer, 'next_part_number_marker');
      if (next !== undefined && next === marker) {
        throw new DriveError('unavailable', 'AliyunDrive repeats a page for ever.');
      }
      marker = next === 0 ? undefined : next;
    } while (marker !== undefined);
    return [...parts.values()].sort((a, b) => a.number - b.number);
  }

  /** See `WriteDrive.completeUpload`. */
  async complete(session: UploadSession, signal?: AbortSignal): Promise<Entry> {
    const { oddities, urls } = this.#deps;
    const entry = await this.#settle(session, signal);
    urls.forget(session.uploadId);
    if (entry.sizeBytes !== session.sizeBytes) {
      throw new DriveError('content-mismatch', 'AliyunDrive has another length of this file than was sent.');
    }
    if (entry.name !== session.name) oddities.note('an upload that was given another name', { id: entry.id });
    return entry;
  }

  /** See `WriteDrive.abandonUpload`. */
  async abandon(session: UploadSession, signal?: AbortSignal): Promise<void> {
    const { dialect, lookup, urls, deleteForGood } = this.#deps;
    urls.forget(session.uploadId);
    if (session.id === session.replaces?.id) return;
    if (session.replaces && dialect.replacingMode === 'overwrite') {
      // Such a session may go by the id of the file that it overwrites, which by now need not be the one that was asked for.
      const state = await lookup.fetchState(session, signal).catch(unlessGone);
      if (state?.status !== 'uploading') return;
    }
    await deleteForGood(session, signal);
  }

  /** The entry once it is complete; lost answers and refusals that may pass are followed by a look at it. */
  #settle(session: UploadSession, signal?: AbortSignal): Promise<Entry> {
    const { backOff } = this.#deps;
    return settleWrite<Entry>(
      {
        attempt: async (isRepeat) => {
          try {
            return await this.#complete(session, signal);
          } catch (error) {
            if (!isRefusal(error)) throw error;
            return this.#afterRefusal(session, error, isRepeat, signal);
          }
        },
        lookUp: () => this.#findCompleted(session, signal),
      },
      { backOff, signal },
    );
  }

  /** One refusal may be a passing mood, or mean that an earlier try has done it. */
  async #afterRefusal(session: UploadSession, refusal: DriveError, isRepeat: boolean, signal?: AbortSignal) {
    const done = await this.#findCompleted(session, signal, isRepeat && isSessionGone(refusal));
    if (done) return done;
    if (isSessionGone(refusal)) throw toSessionGone(refusal);
    await sleep(this.#deps.backOff(2), signal);
    try {
      return await this.#complete(session, signal);
    } catch (error) {
      throw isIncomplete(error)
        ? new DriveError('part-out-of-order', 'AliyunDrive lacks a part of this file.', { cause: error })
        : error;
    }
  }

  async #complete(session: UploadSession, signal?: AbortSignal): Promise<Entry> {
    const { api, dialect, oddities, lookup } = this.#deps;
    const answer = toObject(await api.call(dialect.complete, toUploadKey(session), signal));
    // Who does not tell the size has not told that it is right.
    if (readSize(answer, 'size') === undefined || readText(answer, 'name') === undefined) {
      return lookup.fetchEntry(session, signal);
    }
    return parseEntry(
      { ...answer, type: 'file', file_id: readId(answer, 'file_id') ?? session.id },
      { driveId: session.driveId, parentId: session.parentId },
      oddities,
    );
  }

  /** @param isOver the session is no more, after a try of which the answer was lost */
  async #findCompleted(session: UploadSession, signal?: AbortSignal, isOver = false): Promise<Entry | undefined> {
    const state = await this.#deps.lookup.fetchState(session, signal).catch(unlessGone);
    if (!state || state.status === 'uploading' || state.entry.trashed) return undefined;
    const { entry } = state;
    // Without a word on the state, a hash tells that the content was received whole.
    if (state.status === undefined && entry.contentHash === undefined) return undefined;
    if (entry.sizeBytes !== session.sizeBytes) return undefined;
    return isOver || !isStillOld(entry, session.replaces) ? entry : undefined;
  }
}

/** Whether an entry that is overwritten under its own id has the content that it had: then nothing shows that it was swapped. */
function isStillOld(found: Entry, replaced: Entry | undefined): boolean {
  if (found.id !== replaced?.id) return false;
  if (found.contentHash === undefined || replaced.contentHash === undefined)
    return found.updatedAt <= replaced.updatedAt;
  return found.contentHash === replaced.contentHash;
}

function parseParts(answer: JsonObject, session: UploadSession): UploadedPart[] {
  if (!Array.isArray(answer.uploaded_parts)) return [];
  return answer.uploaded_parts.filter(isObject).flatMap((part) => {
    const number = readNumber(part, 'part_number');
    if (number === undefined) return [];
    const sizeBytes = readSize(part, 'part_size') ?? expectedSize(session, number);
    return [{ number, sizeBytes, etag: readText(part, 'etag') ?? '' }];
  });
}

function expectedSize(session: UploadSession, number: number): number {
  const { sizeBytes, partSizeBytes } = session;
  return number < countParts(session.sizeBytes, session.partSizeBytes)
    ? partSizeBytes
    : sizeBytes - (number - 1) * partSizeBytes;
}

function isRefusal(error: unknown): error is DriveError {
  return (error instanceof ApiError && error.status === 400) || isSessionGone(error);
}

/** An upload under way is known to the service by its file as well. */
function isSessionGone(error: unknown): error is DriveError {
  return isDriveError(error, 'upload-session-gone', 'not-found');
}

function isIncomplete(error: unknown): boolean {
  return error instanceof ApiError && error.apiCode === 'InvalidParameter.PartInfoList';
}

function toSessionGone(error: DriveError): DriveError {
  return error.code === 'upload-session-gone'
    ? error
    : new DriveError('upload-session-gone', 'The upload was forgotten by AliyunDrive.', { cause: error });
}

function orSessionGone(error: unknown): never {
  throw isSessionGone(error) ? toSessionGone(error) : error;
}

function unlessGone(error: unknown): undefined {
  if (isDriveError(error, 'not-found')) return undefined;
  throw error;
}
