import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { DriveError, type DriveErrorCode } from '../../../src/drive/errors.ts';
import { localKindOf } from '../../../src/drive/local-entry.ts';
import { HeldFiles, type HeldRecord } from '../../../src/transfer/held-files.ts';
import { makeEntry } from './fake-drive.ts';
import { FakeJournal, FakeReaders, FakeService, ROOT } from './fake-upload-drive.ts';

const SLOT = { parent: ROOT, name: 'a.txt', path: '/a.txt' };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp(journal = new FakeJournal<HeldRecord>()) {
  const readers = new FakeReaders(new FakeService());
  const locked = new Set<string>();
  const created: string[] = [];
  const failures: DriveErrorCode[] = [];
  const settled: [string, string | undefined][] = [];
  const claims = { held: 0, gate: Promise.resolve() };
  const files: HeldFiles = new HeldFiles({
    journal: async () => journal.connect(),
    createEmpty: async (target, held) => {
      const code = failures.shift();
      if (code) throw new DriveError(code, 'refused');
      created.push(target.name);
      const real = makeEntry({ id: 'real', name: target.name, sizeBytes: 0 });
      await files.consumed(held, real);
      return real;
    },
    onChanged: async (change) => {
      readers.apply(change);
      for (const { id } of change.removed)
        settled.push([id, change.origins?.find(({ from }) => from.id === id)?.to.id]);
    },
    claim: async () => {
      await claims.gate;
      claims.held++;
      return () => {
        claims.held--;
      };
    },
    isLocked: async (path) => locked.has(path),
    now: Date.now,
    log: pino({ level: 'silent' }),
  });
  return { files, journal, readers, locked, created, failures, settled, claims };
}

function expectGone({ files, journal, readers }: ReturnType<typeof setUp>, entry: Entry): void {
  expect(files.originOf(entry)).toBeUndefined();
  expect(journal.values).toEqual([]);
  expect(readers.see('a.txt')).toEqual([]);
}

describe('a held file', () => {
  it.each(['put', 'lock'] as const)('is seen at once, on record, and not in the drive: %s', async (by) => {
    const { files, journal, readers, created } = setUp();
    const entry = await files.hold(SLOT, by);
    expect(localKindOf(entry)).toBe('held');
    expect(entry).toMatchObject({ name: 'a.txt', parentId: 'root', sizeBytes: 0, kind: 'file' });
    expect(readers.see('a.txt')).toEqual([entry]);
    expect(journal.values).toMatchObject([{ by, slot: SLOT }]);
    expect(files.originOf(entry)).toBe(by);
    expect(created).toEqual([]);
  });

  it('is not begun where it cannot be recorded', async () => {
    const { files, journal, readers } = setUp();
    journal.failure = new Error('ENOSPC');
    await expect(files.hold(SLOT, 'put')).rejects.toMatchObject({ code: 'spool-full' });
    expect(readers.see('a.txt')).toEqual([]);
  });

  it('is created after ten seconds', async () => {
    const rig = setUp();
    const entry = await rig.files.hold(SLOT, 'put');
    await vi.advanceTimersByTimeAsync(9_999);
    expect(rig.created).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(rig.created).toEqual(['a.txt']);
    expect(rig.settled).toEqual([[entry.id, 'real']]);
    expect(rig.claims.held).toBe(0);
    expectGone(rig, entry);
  });

  it('costs nothing when its content follows, or it is deleted', async () => {
    for (const real of [makeEntry(), undefined]) {
      const rig = setUp();
      const entry = await rig.files.hold(SLOT, 'put');
      await rig.files.consumed(entry, real);
      await rig.files.consumed(entry, real);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(rig.created).toEqual([]);
      expect(rig.settled).toEqual([[entry.id, real?.id]]);
      expectGone(rig, entry);
    }
  });

  it('waits as long as it is locked, and is created when that is over', async () => {
    const rig = setUp();
    rig.locked.add('/a.txt');
    const entry = await rig.files.hold(SLOT, 'lock');
    await vi.advanceTimersByTimeAsync(120_000);
    expect(rig.created).toEqual([]);
    rig.locked.clear();
    rig.files.unlocked('/other');
    rig.files.unlocked('/a.txt');
    await vi.advanceTimersByTimeAsync(1);
    expect(rig.created).toEqual(['a.txt']);
    expectGone(rig, entry);
  });

  it('is created when a lock has run out without a word', async () => {
    const rig = setUp();
    rig.locked.add('/a.txt');
    await rig.files.hold(SLOT, 'lock');
    await vi.advanceTimersByTimeAsync(20_000);
    rig.locked.clear();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(rig.created).toEqual(['a.txt']);
  });

  it('still has its ten seconds when a lock goes early', async () => {
    const rig = setUp();
    await rig.files.hold(SLOT, 'put');
    await vi.advanceTimersByTimeAsync(4_000);
    rig.files.unlocked('/a.txt');
    await vi.advanceTimersByTimeAsync(5_999);
    expect(rig.created).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(rig.created).toEqual(['a.txt']);
  });

  it('is not created when its content comes while its name is waited for', async () => {
    const rig = setUp();
    const entry = await rig.files.hold(SLOT, 'put');
    let open = () => {};
    rig.claims.gate = new Promise((resolve) => {
      open = resolve;
    });
    await vi.advanceTimersByTimeAsync(10_000);
    await rig.files.consumed(entry, makeEntry());
    open();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(rig.created).toEqual([]);
    expect(rig.claims.held).toBe(0);
  });

  it('is created at once where it has to be in the drive', async () => {
    const rig = setUp();
    const entry = await rig.files.hold(SLOT, 'put');
    expect(await rig.files.flush(entry)).toMatchObject({ id: 'real' });
    expectGone(rig, entry);
    await expect(rig.files.flush(entry)).rejects.toMatchObject({ code: 'not-found' });
  });

  it.each<[DriveErrorCode]>([['already-exists'], ['not-found'], ['name-refused']])(
    'goes quietly when the service says %s',
    async (code) => {
      const rig = setUp();
      rig.failures.push(code);
      const entry = await rig.files.hold(SLOT, 'put');
      await vi.advanceTimersByTimeAsync(10_000);
      expect(rig.settled).toEqual([[entry.id, undefined]]);
      expectGone(rig, entry);
    },
  );

  it('is created with its folder, when that is copied', async () => {
    const rig = setUp();
    const { files } = rig;
    const below = { ...SLOT, path: '/folder/sub/a.txt' };
    const entry = await files.hold(below, 'put');
    const beside = await files.hold({ ...SLOT, name: 'b.txt', path: '/folder b/b.txt' }, 'put');
    await files.flushBelow('/folder');
    expect(rig.created).toEqual(['a.txt']);
    expect(files.originOf(entry)).toBeUndefined();
    expect(files.originOf(beside)).toBe('put');
    expect(rig.claims.held).toBe(0);
  });

  it('keeps its folder from being copied as long as it cannot be created, unless its place is taken', async () => {
    const rig = setUp();
    const below = { ...SLOT, path: '/folder/a.txt' };
    await rig.files.hold(below, 'put');
    rig.failures.push('unavailable');
    await expect(rig.files.flushBelow('/folder')).rejects.toMatchObject({ code: 'unavailable' });
    expect(rig.readers.see('a.txt')).toHaveLength(1);
    rig.failures.push('already-exists');
    await rig.files.flushBelow('/folder');
    expect(rig.created).toEqual([]);
    expect(rig.readers.see('a.txt')).toEqual([]);
    expect(rig.claims.held).toBe(0);
  });

  it('is looked for under the path that its folder has moved to, also after a restart', async () => {
    const first = setUp();
    await first.files.hold({ ...SLOT, path: '/old/sub/a.txt' }, 'lock');
    await first.files.moved('/old', '/new');
    await first.files.stop();
    const rig = setUp(first.journal);
    rig.locked.add('/new/sub/a.txt');
    await rig.files.load();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(rig.created).toEqual([]);
    rig.locked.clear();
    rig.files.unlocked('/new/sub/a.txt');
    await vi.advanceTimersByTimeAsync(1);
    expect(rig.created).toEqual(['a.txt']);
  });

  it('stays, and is tried again, while the service is away', async () => {
    const rig = setUp();
    rig.failures.push('unavailable', 'throttled', 'login-required');
    const entry = await rig.files.hold(SLOT, 'put');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(rig.readers.see('a.txt')).toEqual([entry]);
    await vi.advanceTimersByTimeAsync(5_000 + 10_000);
    expect(rig.failures).toEqual([]);
    expect(rig.created).toEqual([]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(rig.created).toEqual(['a.txt']);
    expectGone(rig, entry);
  });

  it('outlives the process, under the same id', async () => {
    const before = setUp();
    const entry = await before.files.hold(SLOT, 'lock');
    await before.files.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(before.created).toEqual([]);

    const after = setUp(before.journal);
    await after.files.load();
    await after.files.load();
    expect(after.readers.see('a.txt')).toEqual([entry]);
    expect(after.files.originOf(entry)).toBe('lock');
    expect(after.readers.changes).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(after.created).toEqual(['a.txt']);
    expectGone(after, entry);
  });
});
