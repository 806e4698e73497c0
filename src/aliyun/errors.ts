import { DriveError, type DriveErrorCode } from '../drive/errors.ts';
import type { HttpAnswer } from './http.ts';

/** A refusal by the API, with the service's own word for it: two refusals of one `DriveErrorCode` may ask for different cures. */
export class ApiError extends DriveError {
  readonly status: number;
  readonly apiCode: string | undefined;
  /** The entry that has the name already, where the service told it. */
  readonly existingId: string | undefined;

  constructor(code: DriveErrorCode, message: string, origin: Origin, retryAfterMs?: number) {
    super(code, message, { cause: new Error(origin.detail), retryAfterMs });
    this.status = origin.status;
    this.apiCode = origin.apiCode;
    this.existingId = origin.existingId;
  }
}

interface Origin {
  readonly status: number;
  readonly apiCode: string | undefined;
  /** The service's words, for the log alone. */
  readonly detail: string;
  readonly existingId?: string | undefined;
}

/** By exact code: the HTTP status of one condition differs between the two APIs, so it decides only where the code is unknown. */
const BY_CODE: Readonly<Record<string, DriveErrorCode>> = {
  // The account keeper replaces access tokens and device sessions; what still fails afterwards says nothing about the drive.
  AccessTokenInvalid: 'unavailable',
  AccessTokenExpired: 'unavailable',
  I400JD: 'unavailable',
  DeviceSessionSignatureInvalid: 'unavailable',
  UserDeviceOffline: 'unavailable',
  UserDeviceIllegality: 'unavailable',
  RefreshTokenExpired: 'login-required',
  RefreshTokenInvalid: 'login-required',
  'InvalidParameter.RefreshToken': 'login-required',
  'InvalidParameter.ClientId': 'login-required',
  AccessDenied: 'forbidden',
  PermissionDenied: 'forbidden',
  UserNotAllowedAccessDrive: 'forbidden',
  ForbiddenDriveNotValid: 'forbidden',
  ForbiddenDriveLocked: 'drive-locked',
  'NotFound.File': 'not-found',
  'NotFound.FileId': 'not-found',
  'NotFound.View': 'not-found',
  'NotFound.VideoPreviewInfo': 'not-found',
  ForbiddenFileInTheRecycleBin: 'not-found',
  'NotFound.UploadId': 'upload-session-gone',
  UploadTaskNotExist: 'upload-session-gone',
  InvalidRapidProof: 'rapid-proof-refused',
  // Not a failure: who asks with a pre-hash reads the service's own word.
  PreHashMatched: 'invalid-request',
  'InvalidParameter.Name': 'name-refused',
  NameCheckFail: 'name-refused',
  BadRequest: 'invalid-request',
  InvalidRequestJSONFormat: 'invalid-request',
  'InvalidResource.FileTypeFolder': 'is-a-folder',
  'InvalidResource.FileType': 'not-a-folder',
  'InvalidResource.ParentFileId': 'not-a-folder',
  'InvalidResource.SharePwd': 'forbidden',
  ExceedCapacityForbidden: 'forbidden',
  FileShareNotAllowed: 'forbidden',
  ShareLinkTokenInvalid: 'forbidden',
  FeatureTemporaryDisabled: 'unavailable',
  ParamFlowException: 'throttled',
};

/** By the code's beginning, for the families whose members are not all known. */
const BY_PREFIX: readonly (readonly [string, DriveErrorCode])[] = [
  ['TooManyRequests', 'throttled'],
  ['InvalidParameter', 'invalid-request'],
  ['FileIdNotMatched', 'invalid-request'],
  ['AlreadyExist', 'already-exists'],
  ['QuotaExhausted', 'quota-exhausted'],
  ['Forbidden', 'forbidden'],
];

const SENTENCES: Partial<Record<DriveErrorCode, string>> = {
  'not-found': 'AliyunDrive has no such file or folder',
  'already-exists': 'AliyunDrive already has an entry of this name',
  'not-a-folder': 'AliyunDrive says that this is not a folder',
  'is-a-folder': 'AliyunDrive says that this is a folder',
  forbidden: 'AliyunDrive does not allow this',
  'drive-locked': 'The drive is locked',
  'quota-exhausted': 'The drive is full',
  'too-large': 'The file is larger than AliyunDrive takes',
  'name-refused': 'AliyunDrive refuses this name',
  'invalid-request': 'AliyunDrive rejected the request',
  'login-required': 'The stored login no longer works: sign in again',
  throttled: 'AliyunDrive asks to slow down',
  'link-expired': 'The link to the content is past its life',
  'too-many-downloads': 'AliyunDrive refuses one more simultaneous download',
  'range-not-satisfiable': 'The range lies outside the content',
  'upload-session-gone': 'The upload was forgotten by AliyunDrive',
  'rapid-proof-refused': 'AliyunDrive did not accept the proof of the content',
  'part-out-of-order': 'AliyunDrive has other parts of the file than were sent',
};

/** Turns a refusing answer of either API into the drive's terms; an answer that proves nothing becomes `unavailable`. */
export function toDriveError(answer: HttpAnswer): ApiError {
  const apiCode = apiCodeOf(answer);
  const message = textField(answer.json, 'message') ?? answer.headers['x-ca-error-message'] ?? answer.text;
  const code = codeOf(answer.status, apiCode, message);
  const origin: Origin = {
    status: answer.status,
    apiCode,
    detail: `HTTP ${answer.status} ${apiCode ?? ''}: ${cut(message)}`,
    // The only place where AlreadyExist.File tells it is the end of its sentence.
    existingId: /\bfile_id\W{1,3}([\w-]{1,64})\W*$/.exec(message)?.[1],
  };
  const sentence = displayMessageOf(answer.json) ?? sentenceOf(code, answer.status);
  return new ApiError(code, withReason(sentence, apiCode), origin, retryAfterMsOf(answer));
}

/** The service's word for a refusal: from the JSON, else from the gateway, which fails without a body. */
export function apiCodeOf(answer: HttpAnswer): string | undefined {
  return textField(answer.json, 'code') ?? (answer.headers['x-ca-error-code'] || undefined);
}

/** Seconds were seen in it at most; an instant or nonsense in its place must not stop the account for years. */
const LONGEST_RETRY_AFTER_MS = 300_000;

/** What `x-retry-after` asks for; its unit is the millisecond, unlike that of RFC 9110's Retry-After. */
function retryAfterMsOf(answer: HttpAnswer): number | undefined {
  const value = Number(answer.headers['x-retry-after'] || Number.NaN);
  return value >= 0 ? Math.min(value, LONGEST_RETRY_AFTER_MS) : undefined;
}

/** The access token was not accepted: a new one is worth one more try. */
export function isAccessTokenRefused(answer: HttpAnswer): boolean {
  const apiCode = apiCodeOf(answer);
  if (apiCode === undefined) return answer.status === 401;
  return ['AccessTokenInvalid', 'AccessTokenExpired', 'I400JD'].includes(apiCode);
}

/** The web API forgot the device session (it does so every 5 to 60 minutes): a new session is worth one more try. */
export function isDeviceSessionRefused(answer: HttpAnswer): boolean {
  const apiCode = apiCodeOf(answer);
  if (apiCode === 'DeviceSessionSignatureInvalid' || apiCode === 'UserDeviceOffline') return true;
  return answer.status === 400 && /not found device info/i.test(textField(answer.json, 'message') ?? '');
}

/** Turns a refusal of the storage host, whose bodies are XML, into the drive's terms. */
export function toStorageError(status: number, xml: string): ApiError {
  const apiCode = xmlField(xml, 'Code');
  const message = xmlField(xml, 'Message') ?? xml;
  const code = storageCodeOf(status, apiCode, message);
  const detail = `storage host: HTTP ${status} ${apiCode ?? ''} ${xmlField(xml, 'EC') ?? ''}: ${cut(message)}`;
  return new ApiError(code, withReason(sentenceOf(code, status), apiCode), { status, apiCode, detail });
}

function codeOf(status: number, apiCode: string | undefined, message: string): DriveErrorCode {
  if (status === 429) return 'throttled';
  // The open API says this in plain text, the web API under a code that also means other things.
  if (status === 413 || /file size is exceed/i.test(message)) return 'too-large';
  if (apiCode === undefined) return 'unavailable';
  // The open API answers so to a refresh token that was used before.
  if (apiCode === 'AccessDenied' && /invalid token/i.test(message)) return 'login-required';
  const known = BY_CODE[apiCode] ?? BY_PREFIX.find(([prefix]) => apiCode.startsWith(prefix))?.[1];
  if (known) return known;
  if (status === 400 || status === 409) return 'invalid-request';
  // An unknown code with 404 is no proof of absence, and one with 401 none of a dead login.
  return status === 403 ? 'forbidden' : 'unavailable';
}

function storageCodeOf(status: number, code: string | undefined, message: string): DriveErrorCode {
  switch (code) {
    case 'AccessDenied':
      return /expired/i.test(message) ? 'link-expired' : 'forbidden';
    case 'SecurityTokenExpired':
    // The content was replaced after its link was made: that says nothing about the entry, and a new link leads on.
    case 'NoSuchKey':
      return 'link-expired';
    case 'RequestDeniedByCallback':
      return message.includes('ExceedMaxConcurrency') ? 'too-many-downloads' : 'forbidden';
    case 'SignatureDoesNotMatch':
    case 'InvalidArgument':
      return 'forbidden';
    case 'NoSuchUpload':
      return 'upload-session-gone';
    case 'PartNotSequential':
      return 'part-out-of-order';
    case 'EntityTooLarge':
      return 'too-large';
    case 'SlowDown':
      return 'throttled';
    default:
      return status === 416 ? 'range-not-satisfiable' : 'unavailable';
  }
}

/** What the service wrote for people; gateways echo what they were sent. */
function displayMessageOf(json: unknown): string | undefined {
  const text = textField(json, 'display_message');
  return text !== undefined && isForPeople(text) ? text : undefined;
}

/** Whether the service's words may be shown: none of them is long enough for a token or an id. */
export function isForPeople(text: string): boolean {
  return text !== '' && text.length <= 200 && !/[\w.~+/=-]{24}/.test(text);
}

function sentenceOf(code: DriveErrorCode, status: number): string {
  return SENTENCES[code] ?? `AliyunDrive gave no usable answer (HTTP ${status})`;
}

function withReason(sentence: string, apiCode: string | undefined): string {
  return apiCode && /^[\w.:-]{1,80}$/.test(apiCode) ? `${sentence} (${apiCode}).` : `${sentence}.`;
}

function textField(json: unknown, name: string): string | undefined {
  const value = typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function xmlField(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}

function cut(text: string): string {
  return text.slice(0, 300);
}
