import { describe, expect, it } from 'vitest';
import { DriveError, type DriveErrorCode } from '../../../src/drive/errors.ts';
import { planRetry } from '../../../src/transfer/retry.ts';

const plan = (code: DriveErrorCode, tries: number, retryAfterMs?: number) =>
  planRetry(new DriveError(code, 'scripted', { retryAfterMs }), tries, () => 1);

describe('planRetry', () => {
  it.each([
    ['link-expired', 1, { delayMs: 0, renewLink: true }],
    ['link-expired', 2, { delayMs: 300, renewLink: true }],
    ['link-expired', 6, undefined],
    ['forbidden', 1, { delayMs: 100, renewLink: true }],
    ['too-many-downloads', 1, { delayMs: 100, renewLink: false }],
    ['too-many-downloads', 20, { delayMs: 5000, renewLink: false }],
    ['too-many-downloads', 21, undefined],
    ['unavailable', 5, { delayMs: 5000, renewLink: false }],
    ['unavailable', 6, undefined],
    ['content-mismatch', 1, { delayMs: 100, renewLink: false }],
    ['blocked', 1, undefined],
    ['not-found', 1, undefined],
    ['range-not-satisfiable', 1, undefined],
    ['aborted', 1, undefined],
  ] as const)('%s, try %i', (code, tries, expected) => {
    expect(plan(code, tries)).toEqual(expected);
  });

  it('waits as long as it is told', () => {
    expect(plan('throttled', 1, 2_500)).toEqual({ delayMs: 2_500, renewLink: false });
  });

  it('spreads readers by up to half the delay', () => {
    expect(planRetry(new DriveError('unavailable', 'scripted'), 1, () => 0)?.delayMs).toBe(50);
  });

  it('does not retry a fault of ours', () => {
    expect(planRetry(new TypeError('bug'), 1, () => 1)).toBeUndefined();
  });
});
