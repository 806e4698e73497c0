import { describe, expect, it } from 'vitest';
import {
  acquireLease,
  type LeaseHolder,
  type LeaseRecord,
  type LeaseSlot,
  thisProcess,
} from '../../../src/state/lease.ts';

function createSlot(): LeaseSlot & { record: LeaseRecord | undefined } {
  let version = 0;
  return {
    record: undefined,
    read() {
      return this.record && { record: this.record, version };
    },
    async write(record, expected) {
      if (expected !== (this.record && version)) return false;
      this.record = record;
      version += 1;
      return true;
    },
    async remove(expected) {
      if (expected !== version) return false;
      this.record = undefined;
      return true;
    },
  };
}

const self = thisProcess();
const NO_PID = 0x7ffffff0;

describe('acquireLease', () => {
  const acquire = (slot: LeaseSlot, at: number, holder: LeaseHolder = self) =>
    acquireLease(slot, { ttlMs: 1000, now: () => at, holder });

  it('is exclusive until it is released', async () => {
    const slot = createSlot();
    const lease = await acquire(slot, 0);
    expect(await acquire(slot, 999)).toBeUndefined();
    await lease?.release();
    expect(await acquire(slot, 999)).toBeDefined();
  });

  it('can be taken over when it expired, and its old holder is told', async () => {
    const slot = createSlot();
    const first = await acquire(slot, 0);
    const second = await acquire(slot, 1000);
    expect(second).toBeDefined();
    expect(await first?.renew()).toBe(false);
    await first?.release();
    expect(await acquire(slot, 1001)).toBeUndefined();
  });

  it('is prolonged by renewing', async () => {
    const slot = createSlot();
    let now = 0;
    const lease = await acquireLease(slot, { ttlMs: 1000, now: () => now, holder: self });
    now = 900;
    expect(await lease?.renew()).toBe(true);
    expect(await acquire(slot, 1500)).toBeUndefined();
  });

  it.each([
    ['a process that is gone', true, { ...self, pid: NO_PID }],
    ['an earlier process of our id', process.platform === 'linux', { ...self, startMark: '1' }],
    ['a process of another scope', false, { ...self, pid: NO_PID, scope: 'elsewhere' }],
    ['a process that runs', false, self],
  ])('held by %s: taken at once is %s', async (_, expected, holder) => {
    const slot = createSlot();
    await acquire(slot, 0, holder);
    expect((await acquire(slot, 1)) !== undefined).toBe(expected);
  });

  it('goes to one of several who try at once', async () => {
    const slot = createSlot();
    const leases = await Promise.all([acquire(slot, 0), acquire(slot, 0), acquire(slot, 0)]);
    expect(leases.filter(Boolean)).toHaveLength(1);
  });
});
