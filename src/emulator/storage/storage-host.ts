import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Calls } from '../calls.ts';
import type { Faults } from '../faults.ts';
import type { Reply } from '../reply.ts';
import { sendFailure, sendReply } from '../send-reply.ts';
import type { Settings } from '../settings.ts';
import type { Content } from '../store/content.ts';
import type { Store } from '../store/store.ts';
import type { Links, SignedObject } from './links.ts';
import { expiredError, OSS_ERRORS, type OssError, ossError, ossReply } from './oss-error.ts';
import { readRange } from './range.ts';
import { sendBody } from './send-body.ts';

interface StorageHostOptions {
  readonly now: () => number;
  readonly settings: Readonly<Settings>;
  readonly store: Store;
  readonly links: Links;
  readonly faults: Faults;
  readonly calls: Calls;
  /** What a processed picture and a withheld film look like. */
  readonly placeholder: Content;
}

/** Page links sign the Referer; these two are known to be taken. */
const SIGNED_REFERERS = ['https://www.aliyundrive.com/', 'https://www.alipan.com/'];
const OWN_SITE = /^https?:\/\/([\w-]+\.)*(aliyundrive|alipan)\.com(\/|$)/;
const OPEN_DOWNLOADS = 3;

/** Serves objects to whoever has a signed link. */
export function createStorageHost(
  options: StorageHostOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    serve(options, request, response).catch((error: unknown) => sendFailure(response, error));
  };
}

async function serve(options: StorageHostOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { faults, calls } = options;
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://emulator');
  const end = calls.begin('storage');
  response.once('close', () => end(response.headersSent ? response.statusCode : 'none'));
  const suffering = faults.take('storage', Object.fromEntries(searchParams));
  const delayMs = options.settings.storageLatencyMs + suffering.delayMs;
  if (delayMs > 0) await sleep(delayMs, undefined, { ref: false });
  const fault = suffering.end;
  // Who has left meanwhile gets no body, which nothing would end.
  if (fault?.kind === 'hang' || response.destroyed) return;
  if (fault?.kind === 'reset') {
    request.socket.resetAndDestroy();
    return;
  }
  if (fault?.kind === 'oss-error') {
    await sendReply(response, ossReply(ossError(fault.name, options.now())));
    return;
  }
  if (fault?.kind === 'answer') {
    await sendReply(response, {
      status: fault.status,
      body: fault.body,
      headers: { 'Content-Type': 'application/xml', ...fault.headers },
    });
    return;
  }
  const found = findObject(options, request, pathname, searchParams);
  if ('refusal' in found) {
    await sendReply(response, ossReply(found.refusal));
    return;
  }
  const { content, object } = found;
  const slice = readRange(request.headers.range, content.size, options.settings.ranges);
  if (!slice) {
    await sendReply(response, unsatisfiable(content.size));
    return;
  }
  const partial = slice.partial && { 'Content-Range': `bytes ${slice.start}-${slice.end - 1}/${content.size}` };
  response.writeHead(slice.partial ? 206 : 200, {
    ...objectHeaders(options, object, content),
    'Content-Length': slice.end - slice.start,
    ...partial,
  });
  await sendBody(response, content, slice, {
    counted: object.counted,
    calls,
    bytesPerSecond: options.settings.bytesPerSecond,
    fault: fault?.kind === 'cut' || fault?.kind === 'reset-after' || fault?.kind === 'stall' ? fault : undefined,
  });
}

type Found = { readonly refusal: OssError } | { readonly object: SignedObject; readonly content: Content };

/** Checks in the order of the real host: form, expiry, signature, Referer, existence, the drive's own consent. */
function findObject(
  options: StorageHostOptions,
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
): Found {
  const { now, settings, store, links, calls, placeholder } = options;
  if (path === '/illegal.mp4') return { object: UNSIGNED_PLACEHOLDER, content: placeholder };
  // The signature is one for GET, so that it does not hold for HEAD.
  if (request.method !== 'GET') return { refusal: OSS_ERRORS.mismatch };
  const check = links.check(path, query);
  if (check.outcome === 'unsigned') return { refusal: OSS_ERRORS.unsigned };
  if (request.headers.authorization !== undefined) return { refusal: OSS_ERRORS.signatureAndHeader };
  if (check.outcome === 'expired') return { refusal: expiredError(check.expiresAt, now()) };
  if (check.outcome === 'mismatch') return { refusal: OSS_ERRORS.mismatch };
  const { object } = check;
  const referer = request.headers.referer;
  if (object.refererSigned && !referer) return { refusal: OSS_ERRORS.refererMissing };
  const isOwn = object.refererSigned ? SIGNED_REFERERS.includes(referer ?? '') : !referer || OWN_SITE.test(referer);
  if (!isOwn) return { refusal: OSS_ERRORS.refererForeign };
  const content = store.findContent(object.driveId, object.fileId, object.revisionId, object.stream);
  if (!content) return { refusal: OSS_ERRORS.noSuchKey };
  if (object.counted && calls.bodies.counted >= mostDownloads(settings)) {
    calls.refuseBody();
    return { refusal: OSS_ERRORS.tooMany };
  }
  return { object, content: object.preview ? placeholder : content };
}

const UNSIGNED_PLACEHOLDER: SignedObject = {
  driveId: '',
  fileId: 'illegal.mp4',
  revisionId: '',
  stream: '',
  preview: false,
  refererSigned: false,
  counted: false,
  disposition: '',
};

function mostDownloads({ downloads, limits }: Readonly<Settings>): number {
  if (typeof downloads === 'number') return downloads;
  return downloads === 'auto' && limits === 'real' ? OPEN_DOWNLOADS : Number.POSITIVE_INFINITY;
}

function objectHeaders({ store }: StorageHostOptions, object: SignedObject, content: Content): Record<string, string> {
  const digests = content.digests();
  const md5 = digests?.md5 ?? createHash('md5').update(object.revisionId).digest('hex').toUpperCase();
  const modifiedAt = store.find(object.driveId, object.fileId)?.updatedAt ?? 0;
  return {
    'Content-Type': object.preview ? 'image/jpeg' : 'application/oct-stream',
    'Accept-Ranges': 'bytes',
    ETag: `"${md5}-1"`,
    'Last-Modified': new Date(modifiedAt).toUTCString(),
    ...(object.disposition && { 'Content-Disposition': object.disposition }),
    ...(digests?.crc64 !== undefined && { 'x-oss-hash-crc64ecma': digests.crc64 }),
    'x-oss-request-id': randomBytes(12).toString('hex').toUpperCase(),
  };
}

function unsatisfiable(size: number): Reply {
  const reply = ossReply(OSS_ERRORS.range);
  return { ...reply, headers: { ...reply.headers, 'Content-Range': `bytes */${size}` } };
}
