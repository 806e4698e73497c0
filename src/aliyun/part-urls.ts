import type { UploadSession } from '../drive/drive.ts';
import { DriveError } from '../drive/errors.ts';
import { countParts } from '../drive/part-count.ts';
import type { ApiClient, Endpoint } from './api-client.ts';
import { isObject, type JsonObject, readNumber, readText, toObject } from './json.ts';
import { toDownloadLink } from './link.ts';
import { toUploadKey } from './wire.ts';

interface PartUrl {
  readonly url: string;
  readonly expiresAt: number;
}

/** So many are asked for at once: they live an hour, and a slow line does not send more parts in it. */
const AHEAD = 50;
/** A creation hands out all of them, up to 10,000 long ones. */
const MOST_KEPT = 100;
const MOST_UPLOADS = 100;
const MARGIN_MS = 60_000;
/** For a URL that does not say: what the service promises. */
const UNTOLD_LIFE_MS = 3_600_000;

/** The signed URLs that parts are sent to. They are secrets and live in memory alone: a new process asks for new ones. */
export class PartUrls {
  readonly #api: ApiClient;
  readonly #endpoint: Endpoint;
  readonly #now: () => number;
  readonly #uploads = new Map<string, Map<number, PartUrl>>();

  constructor(api: ApiClient, endpoint: Endpoint, now: () => number) {
    this.#api = api;
    this.#endpoint = endpoint;
    this.#now = now;
  }

  /** Takes the URLs out of an answer. */
  keep(uploadId: string, answer: JsonObject): void {
    const urls = new Map<number, PartUrl>();
    const parts = Array.isArray(answer.part_info_list) ? answer.part_info_list : [];
    for (const [index, part] of parts.slice(0, MOST_KEPT).entries()) {
      const url = isObject(part) ? readText(part, 'upload_url') : undefined;
      if (url === undefined || !/^https?:/i.test(url) || !URL.canParse(url)) continue;
      const number = readNumber(toObject(part), 'part_number') ?? index + 1;
      const { expiresAt } = toDownloadLink(url, this.#now() + UNTOLD_LIFE_MS, this.#now());
      urls.set(number, { url, expiresAt });
    }
    this.#uploads.delete(uploadId);
    this.#uploads.set(uploadId, urls);
    const [oldest] = this.#uploads.keys();
    if (this.#uploads.size > MOST_UPLOADS && oldest !== undefined) this.#uploads.delete(oldest);
  }

  /** A URL that lives; costs a call where none is left. */
  async get(session: UploadSession, number: number, signal?: AbortSignal): Promise<string> {
    const known = this.#uploads.get(session.uploadId)?.get(number);
    if (known && known.expiresAt - MARGIN_MS > this.#now()) return known.url;
    const last = Math.min(number + AHEAD, countParts(session.sizeBytes, session.partSizeBytes) + 1);
    const numbers = Array.from({ length: Math.max(1, last - number) }, (_, index) => number + index);
    const body = { ...toUploadKey(session), part_info_list: numbers.map((part_number) => ({ part_number })) };
    this.keep(session.uploadId, toObject(await this.#api.call(this.#endpoint, body, signal)));
    const fresh = this.#uploads.get(session.uploadId)?.get(number);
    if (!fresh) throw new DriveError('unavailable', 'AliyunDrive gave no address to send the content to.');
    return fresh.url;
  }

  forget(uploadId: string): void {
    this.#uploads.delete(uploadId);
  }
}
