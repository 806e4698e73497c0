import { createHmac, randomBytes } from 'node:crypto';
import type { Settings } from '../settings.ts';
import type { StoredEntry } from '../store/entry.ts';
import type { LoginKind } from '../tokens.ts';
import { canonicalQuery, isSameSignature, readExpiry } from './signature.ts';

export interface LinkRequest {
  readonly entry: StoredEntry;
  readonly kind: LoginKind;
  /** Whole seconds. */
  readonly expireSec: number;
  /** Of a live photo. */
  readonly stream?: string;
  /** Makes the link one to a processed picture. */
  readonly process?: string;
  /** Under which name the object is offered; the entry's where absent. */
  readonly fileName?: string;
}

export interface Link {
  readonly url: string;
  readonly expiresAt: number;
}

/** What a signed URL says, once its signature held. */
export interface SignedObject {
  readonly driveId: string;
  readonly fileId: string;
  readonly revisionId: string;
  readonly stream: string;
  readonly preview: boolean;
  readonly refererSigned: boolean;
  /** The drive is asked before each GET, which is how simultaneous downloads are counted. */
  readonly counted: boolean;
  readonly disposition: string;
}

export type LinkCheck =
  | { readonly outcome: 'good'; readonly object: SignedObject }
  | { readonly outcome: 'unsigned' }
  | { readonly outcome: 'mismatch' }
  | { readonly outcome: 'expired'; readonly expiresAt: number };

export const BUCKET = 'AfD0AB6n';

/** Signs links to the storage host and reads them back. */
export class Links {
  readonly #settings: Readonly<Settings>;
  readonly #now: () => number;
  readonly #storageUrl: () => string;
  readonly #userId: string;
  readonly #secret = randomBytes(20);

  constructor(settings: Readonly<Settings>, now: () => number, storageUrl: () => string, userId: string) {
    this.#settings = settings;
    this.#now = now;
    this.#storageUrl = storageUrl;
    this.#userId = userId;
  }

  sign(request: LinkRequest): Link {
    const { entry, kind, stream, process } = request;
    const { linkTtlMs, linkSignature } = this.#settings;
    const lifeSec = linkTtlMs === null ? request.expireSec : Math.floor(linkTtlMs / 1000);
    const now = this.#now();
    const object = `${entry.revisionId}${stream ? `-${stream}` : ''}`;
    const path = `/${[BUCKET, entry.driveId, entry.fileId, object].join('%2F')}`;
    const fileName = encodeURIComponent((request.fileName ?? entry.name).toWellFormed());
    const isOss2 = linkSignature === 'OSS2';
    const endsAt = Math.floor(now / 1000) + lifeSec;
    const query: Record<string, string | undefined> = {
      di: 'bj29',
      dr: entry.driveId,
      f: entry.fileId,
      'response-content-disposition': `attachment; filename*=UTF-8''${fileName}`,
      'security-token': 'ST',
      u: this.#userId,
      'x-oss-process': process,
      'x-oss-access-key-id': isOss2 ? 'STS.emulator' : undefined,
      'x-oss-credential': isOss2 ? undefined : 'STS.emulator/20240301/cn-beijing/oss/aliyun_v4_request',
      'x-oss-date': isOss2 ? undefined : formatOssDate(now),
      'x-oss-expires': String(isOss2 ? endsAt : lifeSec),
      'x-oss-signature-version': isOss2 ? 'OSS2' : 'OSS4-HMAC-SHA256',
      'x-oss-additional-headers': kind === 'page' ? 'referer' : undefined,
      ...(kind === 'open' && { callback: 'CB', 'callback-var': 'CBV', 'pds-params': 'PP' }),
    };
    const signed = canonicalQuery(Object.entries(query));
    const url = `${this.#storageUrl()}${path}?${signed}&x-oss-signature=${this.#signature(path, signed)}`;
    return { url, expiresAt: endsAt * 1000 };
  }

  check(path: string, query: URLSearchParams): LinkCheck {
    const signature = query.get('x-oss-signature');
    if (signature === null) return { outcome: 'unsigned' };
    const expiresAt = readExpiry(query);
    if (!(expiresAt > this.#now())) return { outcome: 'expired', expiresAt };
    if (!isSameSignature(this.#signature(path, canonicalQuery([...query])), signature)) return { outcome: 'mismatch' };
    const [, driveId = '', fileId = '', object = ''] = decodeURIComponent(path.slice(1)).split('/');
    const [revisionId = '', stream = ''] = object.split('-');
    return {
      outcome: 'good',
      object: {
        driveId,
        fileId,
        revisionId,
        stream,
        preview: query.has('x-oss-process'),
        refererSigned: query.get('x-oss-additional-headers') === 'referer',
        counted: query.has('callback'),
        disposition: query.get('response-content-disposition') ?? '',
      },
    };
  }

  #signature(path: string, signed: string): string {
    return createHmac('sha1', this.#secret).update(`GET\n${path}\n${signed}`).digest('base64url');
  }
}

function formatOssDate(at: number): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
}
