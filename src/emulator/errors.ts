import { ApiError } from './reply.ts';

export type Dialect = 'web' | 'open';

interface Row {
  readonly message: string;
  readonly web?: number;
  readonly open?: number;
}

/** The errors of the contract's section 3 with their usual status in each dialect and the texts of the samples. */
const ERRORS = {
  AccessTokenInvalid: { message: 'AccessToken is invalid. AccessTokenExpired', web: 401, open: 401 },
  AccessTokenExpired: { message: 'access token expired', open: 401 },
  I400JD: { message: 'token can not be read', open: 400 },
  RefreshTokenExpired: { message: 'expired refresh_token', open: 401 },
  RefreshTokenInvalid: { message: 'invalid refresh_token', open: 400 },
  AccessDenied: { message: 'invalid token', open: 400 },
  'InvalidParameter.RefreshToken': { message: 'The input parameter refresh_token is not valid. ', web: 400 },
  'InvalidParameter.ClientId': { message: 'The input parameter client_id is not valid. ', web: 400 },
  PermissionDenied: { message: 'permission denied', open: 403 },
  UserNotAllowedAccessDrive: { message: 'user not allowed access drive', open: 403 },
  ForbiddenDriveNotValid: { message: 'This operation is forbidden. drive is not valid', web: 403, open: 403 },
  ForbiddenDriveLocked: { message: 'This operation is forbidden. drive is locked', web: 403, open: 403 },
  Forbidden: { message: 'User not authorized to operate on the specified APIs.', web: 403, open: 403 },
  'ForbiddenNoPermission.File': { message: 'No Permission to access resource File', web: 403, open: 403 },
  DeviceSessionSignatureInvalid: { message: 'device session signature error', web: 400 },
  UserDeviceOffline: { message: 'Device offline', web: 401 },
  UserDeviceIllegality: { message: 'invalid X-Device-Id', web: 403 },
  'NotFound.File': { message: 'The resource file cannot be found. file not exist', web: 404, open: 400 },
  'NotFound.FileId': { message: 'The resource file_id cannot be found. file not exist', web: 404, open: 404 },
  'NotFound.View': { message: 'The resource view cannot be found. view not exist', web: 404 },
  'NotFound.UploadId': { message: 'The resource upload_id cannot be found.', web: 404, open: 400 },
  'NotFound.AsyncTask': { message: 'The resource async_task cannot be found.', web: 404, open: 404 },
  'NotFound.VideoPreviewInfo': { message: 'The resource VideoPreviewInfo cannot be found.', web: 404, open: 404 },
  ForbiddenFileInTheRecycleBin: {
    message: 'This operation is forbidden for file in the recycle bin. File is in the recycle bin',
    web: 403,
    open: 403,
  },
  'AlreadyExist.File': {
    message: "The resource file has already exists. drive has the same file, can't update",
    web: 409,
    open: 409,
  },
  PreHashMatched: { message: 'Pre hash matched.', web: 409, open: 409 },
  InvalidRapidProof: { message: 'The input parameter proof_code is not valid.', web: 400, open: 400 },
  'InvalidParameter.Limit': {
    message: 'The input parameter limit is not valid. limit should be less than 200',
    web: 400,
    open: 400,
  },
  'InvalidParameter.Marker': { message: 'The input parameter marker is not valid. ', web: 400, open: 400 },
  'InvalidParameter.ExpireSec': {
    message: 'The input parameter expire_sec is not valid. expire_sec should be less or equal than 14400',
    web: 400,
    open: 400,
  },
  'InvalidParameter.CheckNameMode': {
    message: 'The input parameter check_name_mode is not valid. ',
    web: 400,
    open: 400,
  },
  'InvalidParameter.PartInfoList': {
    message: 'The input parameter part_info_list is not valid. part_info_list is required',
    web: 400,
    open: 400,
  },
  InvalidRequestJSONFormat: { message: 'The request body is not valid JSON.', web: 400, open: 400 },
  BadRequest: { message: 'bad request', web: 400, open: 400 },
  'InvalidResource.FileTypeFolder': {
    message: 'The resource file is not valid. not support folder',
    web: 400,
    open: 400,
  },
  'InvalidResource.ParentFileId': { message: 'The resource parent_file_id is not a folder.', web: 400, open: 400 },
  'InvalidResource.SharePwd': { message: 'The resource share_pwd is not valid. share_pwd is not valid', web: 400 },
  NameCheckFail: { message: 'name check fail', web: 400, open: 400 },
  'QuotaExhausted.Drive': {
    message: 'The resource drive has exceeded the limit. File size exceeded drive capacity',
    web: 403,
    open: 403,
  },
  ExceedCapacityForbidden: { message: 'exceed capacity', open: 403 },
  FileShareNotAllowed: { message: 'the file is not allowed to share', web: 403, open: 403 },
  ShareLinkTokenInvalid: { message: 'ShareLinkToken is invalid. expired', web: 401 },
  FeatureTemporaryDisabled: { message: 'feature is temporary disabled', web: 403, open: 403 },
  TooManyRequests: { message: '请求过快，请等待 x-retry-after 毫秒后再请求', web: 429, open: 429 },
  ParamFlowException: { message: 'aaaaaaaabbbbccccddddeeeeeeeeeeee', web: 429 },
} as const satisfies Readonly<Record<string, Row>>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** An error that one dialect alone is known to give has the same status in the other. */
export function apiError(
  dialect: Dialect,
  code: ErrorCode,
  message?: string,
  extra: Readonly<Record<string, unknown>> = {},
): ApiError {
  const row: Row = ERRORS[code];
  const status = (dialect === 'web' ? (row.web ?? row.open) : (row.open ?? row.web)) ?? 400;
  return new ApiError(status, code, message ?? row.message, {
    ...(code.endsWith('.RefreshToken') && { requestId: null }),
    ...extra,
  });
}

/** What both dialects say of a request field that is absent or of the wrong form. */
export function invalidField(name: string, why: string): ApiError {
  const words = name.split('_').map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
  return new ApiError(400, `InvalidParameter.${words.join('')}`, `The input parameter ${name} is not valid. ${why}`);
}
