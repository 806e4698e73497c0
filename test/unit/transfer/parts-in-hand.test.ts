import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openBlobs } from '../../../src/state/blobs.ts';
import { SLAB_BYTES, SlabPool } from '../../../src/transfer/memory.ts';
import { Spool } from '../../../src/transfer/spool.ts';
import { temporaryFolder } from '../state/temporary-folder.ts';
import { collect } from './fake-upload-drive.ts';
import { makeBody } from './upload-rig.ts';

async function setUp(slabs: number, maxBytes = 100 * SLAB_BYTES) {
  const dir = await temporaryFolder();
  const pool = new SlabPool(slabs * SLAB_BYTES);
  const owners: string[] = [];
  const blobs = await openBlobs({ dir, maxBytes });
  const spool = new Spool({ pool, blobs, recordOwner: async (owner) => void owners.push(owner) });
  return { dir, pool, spool, blobs, owners };
}

const BODY = makeBody(3.5 * SLAB_BYTES);

describe('bytes in hand', () => {
  it.each([
    ['in memory', 8, undefined, 4, false],
    ['on disk', 0, undefined, 0, true],
    ['in both', 2, undefined, 2, true],
    ['in as much memory as they may have', 8, SLAB_BYTES, 1, true],
  ])('can be read as often as it takes: %s', async (_, slabs, memoryBytes, taken, isOnDisk) => {
    const { dir, pool, spool, owners } = await setUp(slabs);
    const bytes = spool.hold(memoryBytes);
    for (let at = 0; at < BODY.length; at += 100_000) await bytes.append(BODY.subarray(at, at + 100_000));
    expect(bytes.sizeBytes).toBe(BODY.length);
    expect(slabs - pool.freeSlabs).toBe(taken);
    expect(bytes.isOnDisk).toBe(isOnDisk);
    expect(owners).toHaveLength(isOnDisk ? 1 : 0);
    for (const [start, end] of [
      [0, BODY.length],
      [0, BODY.length],
      [SLAB_BYTES - 5, SLAB_BYTES + 5],
      [2 * SLAB_BYTES - 1, 2 * SLAB_BYTES + 300_000],
      [BODY.length - 8, BODY.length],
      [7, 7],
    ] as const) {
      let reads = 0;
      const read = await collect(bytes.open(start, end, () => reads++));
      expect(read.equals(BODY.subarray(start, end))).toBe(true);
      expect(reads > 0).toBe(end > start);
      expect((await bytes.read(start, end)).equals(read)).toBe(true);
    }
    await bytes.release();
    expect(pool.freeSlabs).toBe(slabs);
    expect(await readdir(dir)).toEqual([]);
  });

  it('are brought to the disk whole, and found there by who comes later', async () => {
    for (const slabs of [0, 2, 8]) {
      const { pool, spool, blobs } = await setUp(slabs);
      const bytes = spool.hold();
      await bytes.append(BODY);
      const persisted = await bytes.persist();
      expect(persisted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(BODY.length);
      expect(await bytes.persist()).toEqual(persisted);
      expect((await bytes.read(0, BODY.length)).equals(BODY)).toBe(true);
      bytes.leave();
      expect(pool.freeSlabs).toBe(slabs);
      const again = spool.holdAgain(persisted);
      expect((await again.read(100, BODY.length)).equals(BODY.subarray(100))).toBe(true);
      await again.release();
      expect(await blobs.list()).toEqual([]);
    }
  });

  it('wait for memory while they have patience, and go to the disk when it is over', async () => {
    const { pool, spool } = await setUp(2);
    const first = spool.hold();
    await first.append(BODY.subarray(0, 2 * SLAB_BYTES));
    const patience = new AbortController();
    const second = spool.hold();
    const appended = second.append(BODY, patience.signal);
    await expect(Promise.race([appended, new Promise((resolve) => setTimeout(resolve, 20, 'waits'))])).resolves.toBe(
      'waits',
    );
    patience.abort();
    await appended;
    expect(second.isOnDisk).toBe(true);
    await first.release();
    await second.release();
    expect(pool.freeSlabs).toBe(2);
  });

  it('say that the disk is full, and that nothing could be recorded', async () => {
    const { dir, spool } = await setUp(0, SLAB_BYTES);
    const bytes = spool.hold();
    await expect(bytes.append(BODY)).rejects.toMatchObject({ code: 'spool-full' });
    await bytes.release();
    expect(await readdir(dir)).toEqual([]);

    const { blobs, pool } = await setUp(0);
    let isFailing = true;
    const unrecorded = new Spool({
      pool,
      blobs,
      recordOwner: async () => {
        if (isFailing) throw new Error('no record');
      },
    });
    await expect(unrecorded.hold().append(BODY)).rejects.toMatchObject({ code: 'spool-full' });
    expect(await blobs.list()).toEqual([]);
    isFailing = false;
    const later = unrecorded.hold();
    await later.append(BODY);
    await later.release();
  });
});
