import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { QuotaCache } from '../../../src/tree/quota.ts';
import { FakeDrive } from './fake-drive.ts';
import { silentLog } from './make-tree.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function makeCache() {
  const drive = new FakeDrive();
  return { drive, cache: new QuotaCache({ drive, now: Date.now, log: silentLog }) };
}

describe('QuotaCache', () => {
  it('asks once a minute, for all who want to know', async () => {
    const { drive, cache } = makeCache();
    const values = await Promise.all([cache.getQuota(), cache.getQuota()]);
    expect(values).toEqual([drive.quota, drive.quota]);
    await vi.advanceTimersByTimeAsync(59_999);
    await cache.getQuota();
    expect(drive.quotaCalls).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('asks also when the clock was put back', async () => {
    const { drive, cache } = makeCache();
    await cache.getQuota();
    vi.setSystemTime(Date.now() - 3_600_000);
    drive.quota = { usedBytes: 2, totalBytes: undefined };
    expect(await cache.getFreshQuota()).toEqual(drive.quota);
    await cache.getQuota();
    expect(drive.quotaCalls).toBe(2);
  });

  it('serves the last value while the next is on its way', async () => {
    const { drive, cache } = makeCache();
    const old = await cache.getQuota();
    await vi.advanceTimersByTimeAsync(60_000);
    drive.quota = { usedBytes: 2, totalBytes: undefined };
    expect(await cache.getQuota()).toBe(old);
    await vi.advanceTimersByTimeAsync(0);
    expect(await cache.getQuota()).toEqual({ usedBytes: 2, totalBytes: undefined });
    expect(drive.quotaCalls).toBe(2);
  });

  it('knows nothing when it cannot ask, tries once a minute, and keeps what it knew', async () => {
    const { drive, cache } = makeCache();
    drive.failure = new DriveError('unavailable', 'down');
    for (let request = 0; request < 5; request++) expect(await cache.getQuota()).toBeUndefined();
    expect(drive.quotaCalls).toBe(1);
    drive.failure = undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    const known = await cache.getQuota();
    expect(known).toEqual(drive.quota);
    drive.failure = new DriveError('unavailable', 'down');
    await vi.advanceTimersByTimeAsync(60_000);
    await cache.getQuota();
    await vi.advanceTimersByTimeAsync(0);
    expect(await cache.getQuota()).toEqual(known);
  });

  it('holds nobody for longer than two seconds', async () => {
    const { drive, cache } = makeCache();
    let answer = (): void => {};
    drive.fetchQuota = () =>
      new Promise((resolve) => {
        answer = () => resolve(drive.quota);
      });
    let heard = 0;
    const wait = async (): Promise<void> => {
      expect(await cache.getQuota()).toBeUndefined();
      heard++;
    };
    const first = wait();
    await vi.advanceTimersByTimeAsync(1_999);
    expect(heard).toBe(0);
    const second = wait();
    await vi.advanceTimersByTimeAsync(1);
    await Promise.all([first, second, wait()]);
    answer();
    await vi.advanceTimersByTimeAsync(0);
    expect(await cache.getQuota()).toEqual(drive.quota);
  });

  it('counts what was written until the service tells', async () => {
    const { drive, cache } = makeCache();
    cache.noteWritten(5);
    expect(await cache.getQuota()).toEqual({ usedBytes: 1, totalBytes: 10 });
    cache.noteWritten(4);
    expect(await cache.getQuota()).toEqual({ usedBytes: 5, totalBytes: 10 });
    cache.noteWritten(7);
    drive.quota = { usedBytes: 8, totalBytes: 10 };
    await vi.advanceTimersByTimeAsync(60_000);
    await cache.getQuota();
    await vi.advanceTimersByTimeAsync(0);
    expect(await cache.getQuota()).toEqual(drive.quota);
  });

  it('asks anew for whoever is about to refuse something, but not again within five seconds', async () => {
    const { drive, cache } = makeCache();
    await cache.getQuota();
    drive.quota = { usedBytes: 2, totalBytes: 10 };
    expect(await cache.getFreshQuota()).toEqual({ usedBytes: 1, totalBytes: 10 });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await cache.getFreshQuota()).toEqual({ usedBytes: 2, totalBytes: 10 });
    expect(await cache.getFreshQuota()).toEqual({ usedBytes: 2, totalBytes: 10 });
    expect(drive.quotaCalls).toBe(2);
    drive.failure = new DriveError('unavailable', 'down');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await cache.getFreshQuota()).toEqual({ usedBytes: 2, totalBytes: 10 });
  });

  it('lets a waiter leave', async () => {
    const { drive, cache } = makeCache();
    drive.fetchQuota = () => new Promise(() => {});
    const controller = new AbortController();
    const waiting = cache.getQuota(controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  });
});
