import { describe, expect, it } from 'vitest';
import {
  apiCodeOf,
  isAccessTokenRefused,
  isDeviceSessionRefused,
  toDriveError,
  toStorageError,
} from '../../../src/aliyun/errors.ts';
import type { HttpAnswer } from '../../../src/aliyun/http.ts';

function answer(status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer {
  const isText = typeof body === 'string';
  return { status, headers, json: isText ? undefined : body, text: isText ? body : JSON.stringify(body) };
}

const refusal = (status: number, code: string, message = '') => answer(status, { code, message });

describe('toDriveError', () => {
  it.each([
    ['AccessTokenInvalid', 401, 'unavailable'],
    ['I400JD', 400, 'unavailable'],
    ['RefreshTokenExpired', 401, 'login-required'],
    ['RefreshTokenInvalid', 400, 'login-required'],
    ['InvalidParameter.RefreshToken', 400, 'login-required'],
    ['InvalidParameter.ClientId', 400, 'login-required'],
    ['PermissionDenied', 403, 'forbidden'],
    ['UserNotAllowedAccessDrive', 403, 'forbidden'],
    ['ForbiddenDriveNotValid', 403, 'forbidden'],
    ['ForbiddenDriveLocked', 403, 'drive-locked'],
    ['Forbidden', 403, 'forbidden'],
    ['ForbiddenNoPermission.File', 403, 'forbidden'],
    ['DeviceSessionSignatureInvalid', 400, 'unavailable'],
    ['UserDeviceOffline', 401, 'unavailable'],
    ['UserDeviceIllegality', 403, 'unavailable'],
    ['NotFound.File', 404, 'not-found'],
    ['NotFound.File', 400, 'not-found'],
    ['NotFound.FileId', 404, 'not-found'],
    ['NotFound.View', 404, 'not-found'],
    ['NotFound.UploadId', 400, 'upload-session-gone'],
    ['NotFound.UploadId', 404, 'upload-session-gone'],
    ['UploadTaskNotExist', 400, 'upload-session-gone'],
    ['NotFound.VideoPreviewInfo', 404, 'not-found'],
    ['ForbiddenFileInTheRecycleBin', 403, 'not-found'],
    ['AlreadyExist.File', 409, 'already-exists'],
    ['AlreadyExist.File', 400, 'already-exists'],
    ['AlreadyExist', 409, 'already-exists'],
    ['InvalidRapidProof', 400, 'rapid-proof-refused'],
    ['PreHashMatched', 409, 'invalid-request'],
    ['InvalidParameter.CheckNameMode', 400, 'invalid-request'],
    ['InvalidParameter.Limit', 400, 'invalid-request'],
    ['InvalidParameterMissing', 400, 'invalid-request'],
    ['InvalidParameter.Name', 400, 'name-refused'],
    ['NameCheckFail', 400, 'name-refused'],
    ['BadRequest', 400, 'invalid-request'],
    ['InvalidRequestJSONFormat', 400, 'invalid-request'],
    ['FileIdNotMatched.X', 400, 'invalid-request'],
    ['InvalidResource.FileTypeFolder', 400, 'is-a-folder'],
    ['InvalidResource.ParentFileId', 400, 'not-a-folder'],
    ['InvalidResource.FileType', 400, 'not-a-folder'],
    ['InvalidResource.SharePwd', 400, 'forbidden'],
    ['InvalidResource.SomethingNew', 400, 'invalid-request'],
    ['InvalidResource.SomethingNew', 404, 'unavailable'],
    ['QuotaExhausted.Drive', 403, 'quota-exhausted'],
    ['ExceedCapacityForbidden', 403, 'forbidden'],
    ['FileShareNotAllowed', 403, 'forbidden'],
    ['FeatureTemporaryDisabled', 403, 'unavailable'],
    ['TooManyRequests', 429, 'throttled'],
    ['TooManyRequests', 400, 'throttled'],
    ['TooManyRequests:Throttled by PLUGIN Flow Control', 429, 'throttled'],
    ['ParamFlowException', 400, 'throttled'],
    ['SomethingNew', 400, 'invalid-request'],
    ['SomethingNew', 403, 'forbidden'],
    ['SomethingNew', 401, 'unavailable'],
    ['SomethingNew', 404, 'unavailable'],
    ['SomethingNew', 500, 'unavailable'],
  ])('%s with status %i is %s', (code, status, expected) => {
    expect(toDriveError(refusal(status, code))).toMatchObject({ code: expected, apiCode: code, status });
  });

  it.each([
    ['a 429 without a body', answer(429, ''), 'throttled'],
    ['a 429 in plain text', answer(429, 'Too Many Requests'), 'throttled'],
    ['a 413 in plain text', answer(413, 'Payload Too Large'), 'too-large'],
    ['a file above the limit', refusal(400, 'InvalidParameter.Size', 'file size is exceed 100'), 'too-large'],
    ['a bad gateway', answer(502, 'Bad Gateway'), 'unavailable'],
    ['a web page', answer(200, '<html></html>'), 'unavailable'],
    ['a page that forbids', answer(403, '<html></html>'), 'unavailable'],
    ['an unknown path', answer(404, { status: 404, error: 'Not Found', path: '/adrive/v1.0/none' }), 'unavailable'],
    ['a bare 400', answer(400, {}), 'unavailable'],
    ['null', answer(400, null), 'unavailable'],
    ['a used refresh token', refusal(400, 'AccessDenied', 'invalid token'), 'login-required'],
    ['another AccessDenied', refusal(403, 'AccessDenied', 'no'), 'forbidden'],
    ['the gateway', answer(400, '', { 'x-ca-error-code': 'I400JD' }), 'unavailable'],
  ])('reads %s', (_, refused, expected) => {
    expect(toDriveError(refused).code).toBe(expected);
  });

  it('takes x-retry-after for milliseconds', () => {
    expect(toDriveError(answer(429, '', { 'x-retry-after': '1250' })).retryAfterMs).toBe(1250);
    expect(toDriveError(answer(429, '', { 'x-retry-after': 'soon' })).retryAfterMs).toBeUndefined();
    expect(toDriveError(answer(429, '', { 'x-retry-after': '-1' })).retryAfterMs).toBeUndefined();
    expect(toDriveError(answer(429, '', { 'x-retry-after': '1795445856451' })).retryAfterMs).toBe(300_000);
  });

  it('keeps the service’s words out of the message, which may reach a client', () => {
    const error = toDriveError(refusal(403, 'Forbidden', 'https://host/x?x-oss-signature=SECRET'));
    expect(error.message).toBe('AliyunDrive does not allow this (Forbidden).');
    expect((error.cause as Error).message).toContain('SECRET');
  });

  it('shows what the service wrote for people', () => {
    const body = { code: 'FeatureTemporaryDisabled', message: 'x', display_message: '功能维护中' };
    expect(toDriveError(answer(403, body)).message).toBe('功能维护中 (FeatureTemporaryDisabled).');
  });

  it.each([`token ${'a1'.repeat(16)} is not good`, 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln', '长'.repeat(201)])(
    'but not what could be a token: %s',
    (text) => {
      const body = { code: 'Forbidden', message: 'x', display_message: text };
      expect(toDriveError(answer(403, body)).message).toBe('AliyunDrive does not allow this (Forbidden).');
    },
  );

  it.each([
    ["The resource file has already exists. drive has the same file, can't update, file_id 63d9aa", '63d9aa'],
    ['file_id: 63d9aa.', '63d9aa'],
    ['The resource file_id cannot be found.', undefined],
    ['', undefined],
  ])('finds in "%s" the entry that has the name', (message, expected) => {
    expect(toDriveError(refusal(409, 'AlreadyExist.File', message)).existingId).toBe(expected);
  });

  it('drops a code that is no code', () => {
    expect(toDriveError(refusal(403, 'Forbidden <b>')).message).toBe('AliyunDrive does not allow this.');
  });
});

describe('credentials', () => {
  it.each([
    [refusal(401, 'AccessTokenInvalid'), true],
    [refusal(401, 'AccessTokenExpired'), true],
    [refusal(400, 'I400JD'), true],
    [answer(400, '', { 'x-ca-error-code': 'I400JD' }), true],
    [answer(401, ''), true],
    [refusal(401, 'UserDeviceOffline'), false],
    [refusal(401, 'ShareLinkTokenInvalid'), false],
    [refusal(403, 'Forbidden'), false],
  ])('%j refuses the access token: %s', (refused, expected) => {
    expect(isAccessTokenRefused(refused)).toBe(expected);
  });

  it.each([
    [refusal(400, 'DeviceSessionSignatureInvalid'), true],
    [refusal(401, 'UserDeviceOffline'), true],
    [answer(400, { message: 'not found device info' }), true],
    [refusal(403, 'UserDeviceIllegality'), false],
    [refusal(404, 'NotFound.File'), false],
  ])('%j refuses the device: %s', (refused, expected) => {
    expect(isDeviceSessionRefused(refused)).toBe(expected);
  });

  it('finds the code in the body before the header', () => {
    expect(apiCodeOf(answer(400, { code: 'A' }, { 'x-ca-error-code': 'B' }))).toBe('A');
    expect(apiCodeOf(answer(400, '', { 'x-ca-error-code': 'B' }))).toBe('B');
    expect(apiCodeOf(answer(400, { code: 7 }))).toBeUndefined();
  });
});

describe('toStorageError', () => {
  const xml = (code: string, message: string) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n <Code>${code}</Code>\n <Message>${message}</Message></Error>`;

  it.each([
    [403, xml('AccessDenied', 'Request has expired.'), 'link-expired'],
    [403, xml('AccessDenied', 'You are denied by bucket referer policy.'), 'forbidden'],
    [403, xml('SecurityTokenExpired', 'The security token you provided has expired.'), 'link-expired'],
    [
      403,
      xml('RequestDeniedByCallback', 'Callback deny this request reason: ExceedMaxConcurrency'),
      'too-many-downloads',
    ],
    [403, xml('RequestDeniedByCallback', 'Callback deny this request reason: Other'), 'forbidden'],
    [403, xml('SignatureDoesNotMatch', 'x'), 'forbidden'],
    [400, xml('InvalidArgument', 'At least one of AdditionalHeaders is not in request headers.'), 'forbidden'],
    [416, xml('InvalidRange', 'The requested range cannot be satisfied'), 'range-not-satisfiable'],
    [404, xml('NoSuchKey', 'x'), 'link-expired'],
    [404, xml('NoSuchBucket', 'x'), 'unavailable'],
    [404, '', 'unavailable'],
    [404, xml('NoSuchUpload', 'x'), 'upload-session-gone'],
    [400, xml('PartNotSequential', 'x'), 'part-out-of-order'],
    [409, xml('PartNotSequential', 'x'), 'part-out-of-order'],
    [400, xml('EntityTooLarge', 'x'), 'too-large'],
    [503, xml('SlowDown', 'x'), 'throttled'],
    [500, '<html>', 'unavailable'],
    [302, '', 'unavailable'],
  ])('%i %s is %s', (status, body, expected) => {
    expect(toStorageError(status, body)).toMatchObject({ code: expected, status });
  });
});
