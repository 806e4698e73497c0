import { randomBytes } from 'node:crypto';
import type { Reply } from '../reply.ts';

export interface OssError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Elements between HostId and EC. */
  readonly details?: Readonly<Record<string, string>>;
  readonly ec?: string;
}

const HOST_ID = 'cn-beijing-data.aliyundrive.net';

/** The XML in which the storage host refuses. */
export function ossReply(error: OssError): Reply {
  const requestId = randomBytes(12).toString('hex').toUpperCase();
  const elements = {
    Code: error.code,
    Message: error.message,
    RequestId: requestId,
    HostId: HOST_ID,
    ...error.details,
    ...(error.ec && { EC: error.ec }),
  };
  const inner = Object.entries(elements).map(([name, text]) => `<${name}>${text}</${name}>`);
  return {
    status: error.status,
    headers: { 'Content-Type': 'application/xml', 'x-oss-request-id': requestId },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner.join('')}</Error>`,
  };
}

export const OSS_ERRORS = {
  signatureAndHeader: {
    status: 400,
    code: 'InvalidArgument',
    message: 'Only one auth mechanism allowed; only the Authorization header or the signature in the query is valid.',
  },
  unsigned: { status: 403, code: 'AccessDenied', message: 'You have no right to access this object.' },
  mismatch: {
    status: 403,
    code: 'SignatureDoesNotMatch',
    message:
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  },
  refererMissing: {
    status: 400,
    code: 'InvalidArgument',
    message: 'At least one of AdditionalHeaders is not in request headers.',
  },
  refererForeign: {
    status: 403,
    code: 'AccessDenied',
    message: 'You are denied by bucket referer policy.',
    ec: '0003-00000503',
  },
  noSuchKey: { status: 404, code: 'NoSuchKey', message: 'The specified key does not exist.' },
  tooMany: {
    status: 403,
    code: 'RequestDeniedByCallback',
    message: 'Callback deny this request reason: ExceedMaxConcurrency',
    ec: '0007-00000209',
  },
  noSuchUpload: {
    status: 404,
    code: 'NoSuchUpload',
    message:
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  },
  partNotSequential: {
    status: 400,
    code: 'PartNotSequential',
    message: 'For sequential multipart upload, you must upload or complete parts with sequential part number.',
  },
  partAlreadyExist: {
    status: 409,
    code: 'PartAlreadyExist',
    message: "For sequential multipart upload, you can't overwrite uploaded parts.",
  },
  lengthMissing: {
    status: 411,
    code: 'MissingContentLength',
    message: 'You must provide the Content-Length HTTP header.',
  },
  tooLarge: {
    status: 400,
    code: 'EntityTooLarge',
    message: 'Your proposed upload exceeds the maximum allowed size.',
  },
  noRoom: {
    status: 507,
    code: 'InsufficientStorage',
    message: 'The emulator has no room for more uploaded bytes: raise its setting uploadDiskBytes.',
  },
  internalError: {
    status: 500,
    code: 'InternalError',
    message: 'We encountered an internal error. Please try again.',
  },
  range: { status: 416, code: 'InvalidRange', message: 'The requested range cannot be satisfied' },
} as const satisfies Readonly<Record<string, OssError>>;

export type OssErrorName = keyof typeof OSS_ERRORS | 'expired';

export function isOssErrorName(name: string): name is OssErrorName {
  return name === 'expired' || Object.hasOwn(OSS_ERRORS, name);
}

export function ossError(name: OssErrorName, now: number): OssError {
  return name === 'expired' ? expiredError(now, now) : OSS_ERRORS[name];
}

export function expiredError(expiresAt: number, now: number): OssError {
  return {
    status: 403,
    code: 'AccessDenied',
    message: 'Request has expired.',
    details: {
      ...(Number.isFinite(expiresAt) && { Expires: new Date(expiresAt).toISOString() }),
      ServerTime: new Date(now).toISOString(),
    },
    ec: '0002-00000069',
  };
}
