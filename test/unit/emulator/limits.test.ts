import { describe, expect, it } from 'vitest';
import { Limits, type RateClass } from '../../../src/emulator/limits.ts';
import { DEFAULT_SETTINGS } from '../../../src/emulator/settings.ts';
import { signIn, start } from './rig.ts';

describe('rates', () => {
  it.each<['open' | 'web', RateClass, number]>([
    ['open', 'list', 4],
    ['open', 'link', 1],
    ['open', 'rest', 15],
    ['web', 'list', 20],
    ['web', 'link', 10],
  ])('of %s %s: %i a second', (dialect, rateClass, perSecond) => {
    let now = 1_700_000_000_000;
    const limits = new Limits({ ...DEFAULT_SETTINGS, limits: 'real' }, () => now);
    const take = () => limits.take(dialect, rateClass);
    for (let call = 0; call < perSecond; call++) expect(take()).toBe(0);
    // What the network's jitter is forgiven is less than one more call, but for the fastest classes.
    let waitMs = 0;
    for (let call = 0; call < 3 && waitMs === 0; call++) waitMs = take();
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(Math.ceil(1000 / perSecond));
    now += waitMs;
    expect(take()).toBe(0);
    expect(take()).toBeGreaterThan(0);
  });

  it('are never exceeded by calls that keep to them, give or take 40 ms', () => {
    let now = 1_700_000_000_000;
    const limits = new Limits({ ...DEFAULT_SETTINGS, limits: 'real' }, () => now);
    for (let call = 0; call < 200; call++) {
      expect(limits.take('open', 'list')).toBe(0);
      now += call % 2 ? 290 : 210;
    }
  });

  it('are off where no limits are set', () => {
    const limits = new Limits(DEFAULT_SETTINGS, () => 0);
    for (let call = 0; call < 1000; call++) expect(limits.take('open', 'link')).toBe(0);
  });
});

describe('calls over the limit', () => {
  it('of the open API are told how long to wait, and are counted', async () => {
    const emulator = await start({ limits: 'real' });
    const post = await signIn(emulator, 'open');
    const key = { drive_id: emulator.drives.backup, file_id: 'root' };
    const path = '/adrive/v1.0/openFile/getDownloadUrl';
    expect((await post(path, key)).status).toBe(400);
    const refused = await post(path, key);
    expect([refused.status, refused.json.code]).toEqual([429, 'TooManyRequests']);
    const waitMs = Number(refused.headers.get('x-retry-after'));
    expect(waitMs).toBeGreaterThan(500);
    expect(waitMs).toBeLessThanOrEqual(1000);
    expect((await post('/adrive/v1.0/openFile/get', key)).status).toBe(200);
    expect(emulator.calls.snapshot()).toMatchObject({
      overLimit: 1,
      endpoints: { [path]: { calls: 2, byStatus: { 400: 1, 429: 1 }, overLimit: 1 } },
    });
  });

  it('of the web API are refused without a word', async () => {
    const emulator = await start({ limits: 'real', now: () => 1_700_000_000_000 });
    const post = await signIn(emulator, 'page');
    const key = { drive_id: emulator.drives.backup, file_id: 'root' };
    const statuses = [];
    for (let round = 0; round < 14; round++) statuses.push(await post('/v2/file/get_download_url', key));
    const refused = statuses.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(1);
    expect(refused.map(({ text, headers }) => text + headers.get('x-retry-after'))).toContain('null');
  });
});
