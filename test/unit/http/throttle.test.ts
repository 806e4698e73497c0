import { describe, expect, it } from 'vitest';
import { createThrottle } from '../../../src/http/throttle.ts';

function failTimes(throttle: ReturnType<typeof createThrottle>, address: string, times: number): void {
  for (let failure = 0; failure < times; failure += 1) throttle.fail(address);
}

describe('createThrottle', () => {
  it('blocks an address after ten failures a minute, longer with each further one', () => {
    let now = 0;
    const throttle = createThrottle(() => now);
    failTimes(throttle, '192.0.2.1', 9);
    expect(throttle.waitMs('192.0.2.1')).toBe(0);
    throttle.fail('192.0.2.1');
    expect(throttle.waitMs('192.0.2.1')).toBe(10_000);
    expect(throttle.waitMs('192.0.2.2')).toBe(0);
    now += 10_000;
    expect(throttle.waitMs('192.0.2.1')).toBe(0);
    throttle.fail('192.0.2.1');
    expect(throttle.waitMs('192.0.2.1')).toBe(20_000);
    for (let round = 0; round < 20; round += 1) throttle.fail('192.0.2.1');
    expect(throttle.waitMs('192.0.2.1')).toBe(15 * 60_000);
  });

  it('forgets failures that are spread over time', () => {
    let now = 0;
    const throttle = createThrottle(() => now);
    for (let failure = 0; failure < 30; failure += 1) {
      throttle.fail('192.0.2.1');
      now += 7_000;
      expect(throttle.waitMs('192.0.2.1')).toBe(0);
    }
  });

  it('begins anew after a quiet quarter of an hour', () => {
    let now = 0;
    const throttle = createThrottle(() => now);
    failTimes(throttle, '192.0.2.1', 12);
    now += 40_000 + 15 * 60_000 + 1;
    failTimes(throttle, '192.0.2.1', 9);
    expect(throttle.waitMs('192.0.2.1')).toBe(0);
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', true],
    ['2001:db8:1:2::1', '2001:0DB8:0001:0002::9', true],
    ['::1', '::2', true],
    ['2001:db8::', '2001:db8:0:0:7::', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ])('counts %s and %s as one: %s', (first, second, isSame) => {
    const throttle = createThrottle(() => 0);
    failTimes(throttle, first, 10);
    expect(throttle.waitMs(second) > 0).toBe(isSame);
  });
});
