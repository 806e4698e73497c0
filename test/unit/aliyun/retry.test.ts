import { describe, expect, it } from 'vitest';
import { toDriveError } from '../../../src/aliyun/errors.ts';
import { NoAnswerError } from '../../../src/aliyun/http.ts';
import { retryDelayMs } from '../../../src/aliyun/retry.ts';

const READ = { effect: 'read' } as const;
const WRITE = { effect: 'write' } as const;
const LIST = { effect: 'read', hasBare400: true } as const;

function refusal(status: number, json?: object, headers: Record<string, string> = {}) {
  return toDriveError({ status, json, headers, text: '' });
}
const reset = new NoAnswerError('ECONNRESET', undefined);
const refused = new NoAnswerError('ECONNREFUSED', undefined);

describe('retryDelayMs', () => {
  it.each([
    ['a told throttle', refusal(429, undefined, { 'x-retry-after': '1500' }), READ, 1, 1500],
    ['a told throttle of a write', refusal(429, undefined, { 'x-retry-after': '1500' }), WRITE, 1, 1500],
    ['the first untold throttle', refusal(429), READ, 1, 1000],
    ['the second', refusal(429), READ, 2, 5000],
    ['the third', refusal(429), WRITE, 3, 25_000],
    ['a fourth, capped', refusal(429), READ, 4, 25_000],
    ['a reset', reset, READ, 1, 187.5],
    ['a second reset', reset, READ, 2, 750],
    ['a third', reset, READ, 3, 3000],
    ['a reset of a write', reset, WRITE, 1, undefined],
    ['a refused connection of a write', refused, WRITE, 1, 187.5],
    ['a 500', refusal(500), READ, 1, 187.5],
    ['a 408', refusal(408), READ, 1, 187.5],
    ['a 500 of a write', refusal(500), WRITE, 1, undefined],
    ['a 200 that is no JSON', refusal(200), READ, 1, 187.5],
    ['a 302', refusal(302), READ, 1, undefined],
    ['a page that forbids', refusal(403), READ, 1, undefined],
    ['a bare 400', refusal(400, {}), READ, 1, undefined],
    ['a bare 400 of a list', refusal(400, {}), LIST, 1, 2000],
    ['its second', refusal(400, {}), LIST, 2, undefined],
    ['a coded 400 of a list', refusal(400, { code: 'InvalidParameter.Limit' }), LIST, 1, undefined],
    ['a proven absence', refusal(404, { code: 'NotFound.File' }), READ, 1, undefined],
    ['maintenance', refusal(403, { code: 'FeatureTemporaryDisabled' }), READ, 1, undefined],
  ])('%s', (_, error, endpoint, tries, expected) => {
    expect(retryDelayMs(error, endpoint, tries, 0)).toBe(expected);
  });

  it('spreads callers who failed together', () => {
    expect(retryDelayMs(reset, READ, 1, 1)).toBe(312.5);
    expect(retryDelayMs(refusal(429, undefined, { 'x-retry-after': '1500' }), READ, 1, 1)).toBe(1750);
  });
});
