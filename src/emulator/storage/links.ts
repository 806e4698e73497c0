import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Settings } from '../settings.ts';
import type { StoredEntry } from '../store/entry.ts';
import type { LoginKind } from '../tokens.ts';

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

const BUCKET = 'AfD0AB6n';

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
    const query = new URLSearchParams({
      di: 'bj29',
      dr: entry.driveId,
      f: entry.fileId,
      'response-content-disposition': `attachment; filename*=UTF-8''${fileName}`,
      'security-token': 'ST',
      u: this.#userId,
    });
    if (process) query.set('x-oss-process', process);
    let expiresAt: number;
    if (linkSignature === 'OSS2') {
      const expires = Math.floor(now / 1000) + lifeSec;
      expiresAt = expires * 1000;
      query.set('x-oss-access-key-id', 'STS.emulator');
      query.set('x-oss-expires', String(expires));
      query.set('x-oss-signature-version', 'OSS2');
    } else {
      expiresAt = (Math.floor(now / 1000) + lifeSec) * 1000;
      query.set('x-oss-credential', 'STS.emulator/20240301/cn-beijing/oss/aliyun_v4_request');
      query.set('x-oss-date', formatOssDate(now));
      query.set('x-oss-expires', String(lifeSec));
      query.set('x-oss-signature-version', 'OSS4-HMAC-SHA256');
    }
    if (kind === 'page') query.set('x-oss-additional-headers', 'referer');
    if (kind === 'open') {
      query.set('callback', 'CB');
      query.set('callback-var', 'CBV');
      query.set('pds-params', 'PP');
    }
    query.set('x-oss-signature', this.#signature(path, query));
    return { url: `${this.#storageUrl()}${path}?${formatQuery(query)}`, expiresAt };
  }

  check(path: string, query: URLSearchParams): LinkCheck {
    const signature = query.get('x-oss-signature');
    if (signature === null) return { outcome: 'unsigned' };
    const expiresAt = readExpiry(query);
    if (!(expiresAt > this.#now())) return { outcome: 'expired', expiresAt };
    const expected = Buffer.from(this.#signature(path, query));
    const given = Buffer.from(signature);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return { outcome: 'mismatch' };
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

  #signature(path: string, query: URLSearchParams): string {
    const pairs = [...query].filter(([name]) => name !== 'x-oss-signature').sort();
    return createHmac('sha1', this.#secret)
      .update(`GET\n${path}\n${new URLSearchParams(pairs)}`)
      .digest('base64url');
  }
}

/** Blanks as `%20`: a form's `+` is no URL encoding that every client reads. */
function formatQuery(query: URLSearchParams): string {
  return [...query].map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
}

/** Epoch ms; NaN for anything unreadable. OSS2 tells an instant, OSS4 the seconds since `x-oss-date`. */
function readExpiry(query: URLSearchParams): number {
  const expires = Number(query.get('x-oss-expires') ?? 'none') * 1000;
  if (!query.get('x-oss-signature-version')?.startsWith('OSS4')) return expires;
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get('x-oss-date') ?? '');
  const [year = 0, month = 0, ...rest] = (match ?? []).slice(1).map(Number);
  return Date.UTC(year, month - 1, ...rest) + expires;
}

function formatOssDate(at: number): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
}
