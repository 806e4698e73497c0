import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Calls } from '../calls.ts';
import type { Faults } from '../faults.ts';
import { loseAnswer, sendFailure, sendReply } from '../send-reply.ts';
import type { Settings } from '../settings.ts';
import type { UploadSession, Uploads } from '../store/uploads.ts';
import { expiredError, OSS_ERRORS, type OssError, ossError, ossReply } from './oss-error.ts';
import { receivePart, UploadBrake } from './receive-part.ts';
import type { UploadLinks } from './upload-links.ts';

interface UploadHostOptions {
  readonly now: () => number;
  readonly settings: Readonly<Settings>;
  readonly uploads: Uploads;
  readonly uploadLinks: UploadLinks;
  readonly faults: Faults;
  readonly calls: Calls;
}

const MOST_PART_BYTES = 5 * 2 ** 30;

/** Takes the parts of uploads from whoever has a signed URL. */
export function createUploadHost(
  options: UploadHostOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const brake = new UploadBrake(() => options.settings.uploadBytesPerSecond);
  return (request, response) => {
    serve(options, brake, request, response).catch((error: unknown) => sendFailure(response, error));
  };
}

async function serve(
  options: UploadHostOptions,
  brake: UploadBrake,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { now, settings, faults, calls } = options;
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://emulator');
  const end = calls.begin('upload');
  response.once('close', () => end(response.headersSent ? response.statusCode : 'none'));
  const suffering = faults.take('upload', Object.fromEntries(searchParams));
  const delayMs = settings.storageLatencyMs + suffering.delayMs;
  if (delayMs > 0) await sleep(delayMs, undefined, { ref: false });
  const fault = suffering.end;
  switch (fault?.kind) {
    case 'hang':
      return;
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'oss-error':
      await sendReply(response, ossReply(ossError(fault.name, now())));
      return;
    case 'answer': {
      const headers = { 'Content-Type': 'application/xml', ...fault.headers };
      await sendReply(response, { status: fault.status, body: fault.body, headers });
      return;
    }
  }
  const breaks = fault?.kind === 'cut' || fault?.kind === 'reset-after' || fault?.kind === 'stall' ? fault : undefined;
  const outcome = await storePart(options, brake, request, pathname, searchParams, breaks?.bytes);
  if (breaks) {
    if (breaks.kind === 'cut') request.socket.destroySoon();
    if (breaks.kind === 'reset-after') request.socket.resetAndDestroy();
    return;
  }
  if (fault?.kind === 'lost-answer') {
    await loseAnswer(response, fault.how, ossReply(OSS_ERRORS.internalError));
    return;
  }
  if (outcome === undefined) response.destroy();
  else if ('refusal' in outcome) await sendReply(response, ossReply(outcome.refusal));
  else {
    const headers = { ETag: outcome.etag, 'x-oss-request-id': randomBytes(12).toString('hex').toUpperCase() };
    await sendReply(response, { status: 200, body: undefined, headers });
  }
}

type Outcome = { readonly refusal: OssError } | { readonly etag: string };

/** @returns undefined when the body ended too early, which stores nothing. */
async function storePart(
  options: UploadHostOptions,
  brake: UploadBrake,
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
  mostBytes: number | undefined,
): Promise<Outcome | undefined> {
  const { uploads } = options;
  const found = findSession(options, request, path, query);
  if ('refusal' in found) return found;
  const { session, number } = found;
  const piece = await uploads.files.reserve(Number(request.headers['content-length']));
  if (!piece) return { refusal: OSS_ERRORS.noRoom };
  let received: Awaited<ReturnType<typeof receivePart>>;
  try {
    received = await receivePart(request, piece, session.hash, brake, mostBytes);
  } catch (error) {
    await uploads.files.drop(piece);
    throw error;
  }
  // While it came, another one may have been quicker, or the upload may have ended.
  const current = received && checkPart(uploads.find(session.uploadId, session.driveId, session.fileId), number);
  if (!received || !current || 'refusal' in current) {
    await uploads.files.drop(piece);
    return current && 'refusal' in current ? current : undefined;
  }
  uploads.addPart(session, { ...piece, number, etag: received.etag }, received.hash);
  return { etag: received.etag };
}

type Found = { readonly refusal: OssError } | { readonly session: UploadSession; readonly number: number };

/** Checks in the order of the real host: form, expiry, signature, upload, sequence. */
function findSession(
  { now, uploads, uploadLinks }: UploadHostOptions,
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
): Found {
  const { headers } = request;
  const check = uploadLinks.check(path, query);
  if (check.outcome === 'unsigned') return { refusal: OSS_ERRORS.unsigned };
  if (headers.authorization !== undefined) return { refusal: OSS_ERRORS.signatureAndHeader };
  if (check.outcome === 'expired') return { refusal: expiredError(check.expiresAt, now()) };
  // The signature covers an empty type.
  if (check.outcome === 'mismatch' || headers['content-type']) return { refusal: OSS_ERRORS.mismatch };
  if (headers['content-length'] === undefined) return { refusal: OSS_ERRORS.lengthMissing };
  if (Number(headers['content-length']) > MOST_PART_BYTES) return { refusal: OSS_ERRORS.tooLarge };
  const { uploadId, driveId, fileId, partNumber } = check.part;
  return checkPart(uploads.find(uploadId, driveId, fileId), partNumber);
}

function checkPart(session: UploadSession | undefined, number: number): Found {
  if (!session || session.isComplete) return { refusal: OSS_ERRORS.noSuchUpload };
  const stored = session.parts[number - 1];
  if (stored) {
    const details = { PartNumber: String(number), PartEtag: stored.etag };
    return { refusal: { ...OSS_ERRORS.partAlreadyExist, details } };
  }
  if (number !== session.parts.length + 1) return { refusal: OSS_ERRORS.partNotSequential };
  return { session, number };
}
