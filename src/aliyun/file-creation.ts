import type { CreatedFile, CreateFileRequest, Fingerprint, UploadSession } from '../drive/drive.ts';
import { EMPTY_SHA1, type Entry } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { countParts } from '../drive/part-count.ts';
import { sleep } from '../drive/sleep.ts';
import type { ApiClient } from './api-client.ts';
import type { WriteDialect } from './dialect.ts';
import { ApiError } from './errors.ts';
import { type JsonObject, readId, readText, toObject } from './json.ts';
import type { Lookup } from './lookup.ts';
import { checkName } from './names.ts';
import type { PageReader } from './page-reader.ts';
import type { PartUrls } from './part-urls.ts';
import { toProofFields } from './proof.ts';
import { type BackOff, settleWrite } from './settle-write.ts';
import { parseNewEntry } from './wire.ts';

export interface FileCreationDeps {
  readonly api: ApiClient;
  readonly dialect: WriteDialect;
  readonly lookup: Lookup;
  /** Whose reads join none that began before. */
  readonly pages: Pick<PageReader, 'fetchPage'>;
  readonly urls: PartUrls;
  readonly now: () => number;
  readonly backOff: BackOff;
}

type ContentHash = Extract<Fingerprint, { kind: 'content-hash' }>;

/** With an empty proof it makes an empty file in one call. */
const EMPTY: ContentHash = {
  kind: 'content-hash',
  contentHash: EMPTY_SHA1,
  readProof: async () => new Uint8Array(),
};

/** At a listing, which may lag behind what it is searched for. */
const LOOKS = 3;

/** Creates files: begins uploads, or finds that the service has the content already. */
export class FileCreation {
  readonly #deps: FileCreationDeps;

  constructor(deps: FileCreationDeps) {
    this.#deps = deps;
  }

  /** See `WriteDrive.createFile`. */
  async create(request: CreateFileRequest, signal?: AbortSignal): Promise<CreatedFile> {
    checkName(request.name);
    const fingerprint = request.sizeBytes === 0 ? EMPTY : request.fingerprint;
    try {
      return await this.#settle(request, fingerprint, signal);
    } catch (error) {
      if (!isDriveError(error, 'rapid-proof-refused')) throw error;
    }
    try {
      return await this.#settle(request, fingerprint, signal);
    } catch (error) {
      if (!isDriveError(error, 'rapid-proof-refused')) throw error;
      return this.#settle(request, undefined, signal);
    }
  }

  #settle(request: CreateFileRequest, fingerprint: Fingerprint | undefined, signal?: AbortSignal) {
    const contentHash = fingerprint?.kind === 'content-hash' ? fingerprint.contentHash.toUpperCase() : undefined;
    return settleWrite<CreatedFile>(
      {
        attempt: async (isRepeat) => {
          const created = await this.#ask(request, fingerprint, signal);
          if (created.outcome !== 'exists' || !isRepeat || contentHash === undefined) return created;
          return (await this.#adopt(created.key.id, request, contentHash, signal)) ?? created;
        },
        // An upload under way cannot be seen, and creating it again makes another; only a whole file can be there already.
        lookUp: async () => (contentHash === undefined ? undefined : this.#findTwin(request, contentHash, signal)),
      },
      { backOff: this.#deps.backOff, signal },
    );
  }

  async #ask(request: CreateFileRequest, fingerprint: Fingerprint | undefined, signal?: AbortSignal) {
    const { api, dialect } = this.#deps;
    const body = this.#toBody(request, fingerprint);
    const proof =
      fingerprint?.kind === 'content-hash' &&
      (async (accessToken: string) => ({
        ...body,
        ...(await toProofFields(fingerprint.contentHash, request.sizeBytes, accessToken, (range) =>
          fingerprint.readProof(range),
        )),
      }));
    try {
      const answer = toObject(await api.call(dialect.create, proof || body, signal));
      return this.#parse(answer, request, fingerprint);
    } catch (error) {
      return toOutcome(error, request);
    }
  }

  #toBody({ parent, name, sizeBytes, partSizeBytes, replaces }: CreateFileRequest, fingerprint?: Fingerprint): object {
    const parts = sizeBytes === 0 ? 0 : countParts(sizeBytes, partSizeBytes);
    return {
      drive_id: parent.driveId,
      parent_file_id: parent.id,
      name,
      type: 'file',
      check_name_mode: replaces ? this.#deps.dialect.replacingMode : 'refuse',
      size: sizeBytes,
      part_info_list: Array.from({ length: parts }, (_, index) => ({ part_number: index + 1 })),
      ...(fingerprint?.kind === 'pre-hash' && { pre_hash: fingerprint.preHash.toUpperCase() }),
    };
  }

  #parse(answer: JsonObject, request: CreateFileRequest, fingerprint: Fingerprint | undefined): CreatedFile {
    const { parent, name, sizeBytes, partSizeBytes, replaces } = request;
    const { urls, now } = this.#deps;
    const id = readId(answer, 'file_id');
    const uploadId = readText(answer, 'upload_id');
    // That a name exists is no hindrance to who replaces it, so the rest of the answer counts there.
    const isTaken = answer.exist === true && (!replaces || (uploadId === undefined && answer.rapid_upload !== true));
    if (id !== undefined && isTaken) return { outcome: 'exists', key: { driveId: parent.driveId, id } };
    if (answer.rapid_upload === true) {
      const contentHash = fingerprint?.kind === 'content-hash' ? fingerprint.contentHash.toUpperCase() : undefined;
      const made = { name, kind: 'file', sizeBytes, contentHash, replaces } as const;
      return { outcome: 'instant', entry: parseNewEntry(answer, parent, made, now()) };
    }
    if (id === undefined || uploadId === undefined) {
      throw new DriveError('unavailable', 'AliyunDrive began an upload without naming it.');
    }
    urls.keep(uploadId, answer);
    const session: UploadSession = {
      driveId: parent.driveId,
      id,
      parentId: parent.id,
      name: readText(answer, 'file_name') ?? name,
      uploadId,
      sizeBytes,
      partSizeBytes,
      replaces,
    };
    return { outcome: 'upload', session };
  }

  /** After a lost answer: the file that is in the way may be the one that was created then. */
  async #adopt(id: string, request: CreateFileRequest, contentHash: string, signal?: AbortSignal) {
    const found = await this.#deps.lookup.findEntry({ driveId: request.parent.driveId, id }, signal);
    return found && isTwin(found, request, contentHash) ? instant(found) : undefined;
  }

  /**
   * Where equal names may stand beside each other, creating once more would make a second file: the folder tells whether the
   * first is there.
   */
  async #findTwin(request: CreateFileRequest, contentHash: string, signal?: AbortSignal) {
    if (!request.replaces || this.#deps.dialect.replacingMode !== 'ignore') return undefined;
    for (let looks = 1; looks <= LOOKS; looks++) {
      if (looks > 1) await sleep(this.#deps.backOff(looks), signal);
      const twins = (await this.#list(request, signal)).filter((entry) => isTwin(entry, request, contentHash));
      const [newest] = twins.sort((a, b) => b.createdAt - a.createdAt);
      if (newest) return instant(newest);
    }
    return undefined;
  }

  async #list({ parent }: CreateFileRequest, signal?: AbortSignal): Promise<Entry[]> {
    const entries: Entry[] = [];
    let marker = '';
    do {
      const page = await this.#deps.pages.fetchPage(parent, marker, signal);
      entries.push(...page.entries);
      marker = page.nextMarker;
    } while (marker !== '');
    return entries;
  }
}

/** Some refusals are answers to the question that was asked. */
function toOutcome(error: unknown, { parent }: CreateFileRequest): CreatedFile {
  if (error instanceof ApiError) {
    if (error.apiCode === 'PreHashMatched') return { outcome: 'pre-hash-matched' };
    const { code, existingId: id } = error;
    if (code === 'already-exists' && id !== undefined) return { outcome: 'exists', key: { ...parent, id } };
  }
  throw error;
}

function instant(entry: Entry): CreatedFile {
  return { outcome: 'instant', entry };
}

function isTwin(found: Entry, { parent, name, sizeBytes, replaces }: CreateFileRequest, contentHash: string): boolean {
  return (
    found.id !== replaces?.id &&
    !found.trashed &&
    found.parentId === parent.id &&
    found.name === name &&
    found.sizeBytes === sizeBytes &&
    found.contentHash === contentHash
  );
}
