import { createHmac, randomBytes } from 'node:crypto';
import type { Settings } from '../settings.ts';
import type { UploadSession } from '../store/uploads.ts';
import { BUCKET } from './links.ts';
import { canonicalQuery, isSameSignature, readExpiry } from './signature.ts';

/** What a signed URL for a part says, once its signature held. */
interface SignedPart {
  readonly driveId: string;
  readonly fileId: string;
  readonly uploadId: string;
  readonly partNumber: number;
}

export type UploadLinkCheck =
  | { readonly outcome: 'good'; readonly part: SignedPart }
  | { readonly outcome: 'unsigned' }
  | { readonly outcome: 'mismatch' }
  | { readonly outcome: 'expired'; readonly expiresAt: number };

/** Signs the URLs that take the parts of an upload. */
export class UploadLinks {
  readonly #settings: Readonly<Settings>;
  readonly #now: () => number;
  readonly #storageUrl: () => string;
  readonly #secret = randomBytes(20);

  constructor(settings: Readonly<Settings>, now: () => number, storageUrl: () => string) {
    this.#settings = settings;
    this.#now = now;
    this.#storageUrl = storageUrl;
  }

  sign({ driveId, fileId, revisionId, uploadId }: UploadSession, partNumber: number): string {
    const path = `/${[BUCKET, driveId, fileId, revisionId].join('%2F')}`;
    const endsAt = Math.floor(this.#now() / 1000) + Math.floor(this.#settings.uploadUrlTtlMs / 1000);
    const query = canonicalQuery([
      ['partNumber', String(partNumber)],
      ['uploadId', uploadId],
      ['x-oss-access-key-id', 'STS.emulator'],
      ['x-oss-expires', String(endsAt)],
      ['x-oss-signature-version', 'OSS2'],
    ]);
    return `${this.#storageUrl()}${path}?${query}&x-oss-signature=${this.#signature(path, query)}`;
  }

  check(path: string, query: URLSearchParams): UploadLinkCheck {
    const signature = query.get('x-oss-signature');
    if (signature === null) return { outcome: 'unsigned' };
    const expiresAt = readExpiry(query);
    if (!(expiresAt > this.#now())) return { outcome: 'expired', expiresAt };
    if (!isSameSignature(this.#signature(path, canonicalQuery([...query])), signature)) return { outcome: 'mismatch' };
    const [, driveId = '', fileId = ''] = decodeURIComponent(path.slice(1)).split('/');
    const uploadId = query.get('uploadId') ?? '';
    return { outcome: 'good', part: { driveId, fileId, uploadId, partNumber: Number(query.get('partNumber')) } };
  }

  #signature(path: string, query: string): string {
    return createHmac('sha1', this.#secret).update(`PUT\n${path}\n${query}`).digest('base64url');
  }
}
