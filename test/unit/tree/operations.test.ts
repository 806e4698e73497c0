import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import type { Operations } from '../../../src/tree/operations.ts';
import type { Slot } from '../../../src/tree/slot.ts';
import { type Disk, furnish, OTHER, ROOT, settle, startProcess } from './operations-rig.ts';

const BOTH = ['web', 'open'] as const;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('createFolder', () => {
  const slot = (name: string, taken?: Entry): Slot => ({
    path: `/${name}`,
    parent: { name: '', entry: furnish().service.addFolder('', { id: 'root' }) },
    name,
    serviceName: name,
    node: taken && { name, entry: taken },
  });

  it('costs one call', async () => {
    const { service } = furnish();
    const { operations, life } = startProcess(service, new Map(), 'web');

    const folder = await operations.createFolder(slot('new'));

    expect(service.entries.get(folder.id)).toMatchObject({ name: 'new', kind: 'folder', parentId: 'root' });
    expect(life.steps).toEqual(['create', 'overlay']);
  });

  it('rejects a name that is taken, known or not', async () => {
    const { service, a } = furnish();
    const { operations } = startProcess(service, new Map(), 'web');

    await expect(operations.createFolder(slot('a', a))).rejects.toMatchObject({ code: 'already-exists' });
    await expect(operations.createFolder(slot('b'))).rejects.toMatchObject({ code: 'already-exists' });
  });

  it('has readers ask where nobody knows whether it was made, and where there is what nobody knew of', async () => {
    const { service } = furnish();
    const { operations, life, doubts, guards } = startProcess(service, new Map(), 'web');
    await operations.createFolder(slot('sure'));
    expect(doubts).toEqual([]);
    life.trouble = { at: life.steps.length + 1, what: 'lost-answer' };
    await expect(operations.createFolder(slot('unsure'))).rejects.toMatchObject({ code: 'unavailable' });
    await expect(operations.createFolder(slot('b'))).rejects.toMatchObject({ code: 'already-exists' });
    expect(doubts).toEqual(['unsure', 'b']);
    expect(guards.size).toBe(0);
  });
});

describe('a removal', () => {
  it('that failed stays undone, so that nobody loses what he still sees', async () => {
    const { service, a } = furnish();
    const { operations, life, visible } = startProcess(service, new Map(), 'web');
    life.trouble = { at: 2, what: 'not-done' };

    await expect(operations.remove(a)).rejects.toMatchObject({ code: 'unavailable' });
    expect(visible(ROOT)).toContainEqual(a);
    await vi.advanceTimersByTimeAsync(120_000);

    expect(service.entries.has(a.id)).toBe(true);
  });

  it('that a kill cut off is hidden at once after the restart, and then brought to its end', async () => {
    const { service, a } = furnish();
    const disk: Disk = new Map();
    const first = startProcess(service, disk, 'web');
    first.life.trouble = { at: 2, what: 'kill-before' };
    void first.operations.remove(a);
    await settle();

    const second = startProcess(service, disk, 'web');
    await second.operations.restoreGuards();
    expect(second.visible(ROOT)).not.toContainEqual(a);
    await second.operations.recover();

    expect(service.bin.has(a.id)).toBe(true);
  });

  it('is not repeated for what has been changed meanwhile', async () => {
    const { service, a } = furnish();
    const disk: Disk = new Map();
    const first = startProcess(service, disk, 'web');
    first.life.trouble = { at: 2, what: 'kill-before' };
    void first.operations.remove(a);
    await settle();
    service.change(a.id, { contentHash: '9'.padStart(40, '0') });

    await startProcess(service, disk, 'web').operations.recover();

    expect(service.entries.has(a.id)).toBe(true);
  });
});

describe('a path', () => {
  it.each([
    ['move', (o: Operations, a: Entry, into: Entry) => o.move(a, { parent: into, name: 'new' }, { path: '/a' })],
    ['removal', (o: Operations, a: Entry) => o.remove(a, '/a')],
  ])('that a %s has left is told by the recovery, when it knows', async (_, run) => {
    for (const what of ['kill-after', 'lost-answer', 'refused'] as const) {
      const { service, a, into } = furnish();
      const disk: Disk = new Map();
      let process = startProcess(service, disk, 'web');
      process.life.trouble = { at: 2, what };
      void run(process.operations, a, into).catch(() => {});
      await settle();
      if (process.life.isDead) process = startProcess(service, disk, 'web');
      void process.operations.recover();
      await vi.advanceTimersByTimeAsync(60_000);

      expect([...process.vacated], what).toEqual(service.list(ROOT).some(({ id }) => id === a.id) ? [] : ['all at /a']);
    }
  });
});

describe('a replacement', () => {
  it('counts as done when what gave way cannot be sent to the bin yet', async () => {
    const { service, a, b } = furnish();
    const disk: Disk = new Map();
    const { operations, life, visible } = startProcess(service, disk, 'open');
    life.trouble = { at: 4, what: 'not-done' };

    const moved = await operations.move(a, { parent: ROOT, name: 'b', replaces: b });

    expect(life.steps[3]).toBe('settle');
    expect(moved).toMatchObject({ id: a.id, name: 'b' });
    expect(visible(ROOT).filter(({ name }) => name === 'b')).toEqual([moved]);
    expect(disk.size).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(service.bin.has(b.id)).toBe(true);
    expect(disk.size).toBe(0);
  });

  it('that was cut off spares what somebody has written to the target since', async () => {
    const { service, a, into, c } = furnish();
    const disk: Disk = new Map();
    const first = startProcess(service, disk, 'open');
    first.life.trouble = { at: 2, what: 'kill-after' };
    void first.operations.move(a, { parent: into, name: 'c', replaces: c });
    await settle();
    expect(service.entries.get(a.id)?.parentId).toBe(into.id);
    service.take(c.id, true);
    const newer = service.add('c', '8', { parentId: into.id });

    await startProcess(service, disk, 'open').operations.recover();

    expect(service.entries.get(newer.id)).toEqual(newer);
    expect(service.entries.get(a.id)).toEqual(a);
  });

  it('spares new content under the old id, as the web API keeps it', async () => {
    const { service, a, b } = furnish();
    const disk: Disk = new Map();
    const first = startProcess(service, disk, 'web');
    first.life.trouble = { at: 2, what: 'kill-before' };
    void first.operations.move(a, { parent: ROOT, name: 'b', replaces: b });
    await settle();
    service.change(b.id, { contentHash: '8'.padStart(40, '0') });
    const state = service.view();

    await startProcess(service, disk, 'web').operations.recover();

    expect(service.view()).toEqual(state);
  });
});

describe('a copy', () => {
  it.each(BOTH)('of which the answer was lost is found by what it is (%s)', async (dialect) => {
    const { service, a, into } = furnish();
    const { operations, life } = startProcess(service, new Map(), dialect);
    life.trouble = { at: 2, what: 'lost-answer' };

    const copied = await operations.copy(a, { parent: into, name: 'new' }, 'infinity');

    expect(copied).toMatchObject({ name: 'new', contentHash: a.contentHash });
  });

  it('that a listing shows late is waited for, and deleted for good when the client was told that it failed', async () => {
    const { service, a, into } = furnish();
    const before = service.view();
    const { operations, life, visible } = startProcess(service, new Map(), 'web');
    life.trouble = { at: 2, what: 'lost-answer' };
    service.hiddenLooks = 3;

    await expect(operations.copy(a, { parent: into, name: 'new' }, 'infinity')).rejects.toThrow(DriveError);
    expect(visible(into).map(({ name }) => name)).not.toContain('new');
    await expect(operations.settleAt([{ folder: into, name: 'new' }])).rejects.toMatchObject({ code: 'unavailable' });
    await vi.advanceTimersByTimeAsync(120_000);

    expect(service.view()).toEqual(before);
    expect(service.bin.size).toBe(0);
    await operations.settleAt([{ folder: into, name: 'new' }]);
  });

  it('never takes for its own what differs from the source, or what was there before', async () => {
    const { service, a, into, sameName } = furnish();
    const disk: Disk = new Map();
    const first = startProcess(service, disk, 'open');
    first.life.trouble = { at: 2, what: 'kill-before' };
    void first.operations.copy(a, { parent: into, name: 'new' }, 'infinity');
    await settle();
    const others = service.add('new', '9', { parentId: into.id });
    const state = service.view();

    const second = startProcess(service, disk, 'open');
    void second.operations.recover();
    await vi.advanceTimersByTimeAsync(120_000);

    expect(service.view()).toEqual(state);
    expect(service.entries.get(others.id)).toEqual(others);
    expect(service.entries.get(sameName.id)).toEqual(sameName);
    expect(disk.size).toBe(0);
  });

  it('of a folder that the service could not copy whole is deleted for good', async () => {
    const { service, full, into, c } = furnish();
    service.failsTasks = true;
    const before = service.view();
    const { operations } = startProcess(service, new Map(), 'open');

    await expect(operations.copy(full, { parent: into, name: 'c', replaces: c }, 'infinity')).rejects.toMatchObject({
      code: 'task-failed',
    });

    expect(service.view()).toEqual(before);
    expect(service.bin.size).toBe(0);
  });

  it('of a folder has all of its children before anybody sees it', async () => {
    const { service, full, into } = furnish();
    const { operations, life, visible } = startProcess(service, new Map(), 'web');
    const sizes: number[] = [];
    life.onStep = () => {
      const copied = visible(into).find(({ name }) => name === 'full');
      if (copied) sizes.push(service.list(copied).length);
    };

    await operations.copy(full, { parent: into, name: 'full' }, 'infinity');

    expect(new Set(sizes)).toEqual(new Set([2]));
  });

  it('of a folder is told to be one when it is seen, also where a kill cut it off', async () => {
    const { service, full, into } = furnish();
    const disk: Disk = new Map();
    const first = startProcess(service, disk, 'web');
    first.life.trouble = { at: 4, what: 'kill-before' };
    void first.operations.copy(full, { parent: into, name: 'full' }, 'infinity');
    await settle();
    const process = startProcess(service, disk, 'web');
    const told: boolean[] = [];
    process.life.onStep = () => {
      const copied = process.visible(into).find(({ name }) => name === 'full');
      if (copied)
        told.push(
          process.origins.some(({ how, from, to }) => how === 'copied' && to.id === copied.id && from.id === full.id),
        );
    };

    void process.operations.recover();
    await vi.advanceTimersByTimeAsync(60_000);

    expect(first.origins).toEqual([]);
    expect(new Set(told)).toEqual(new Set([true]));
  });

  it('of a folder alone, or of a file, is not told to have what its source has', async () => {
    const { service, full, a, into } = furnish();
    const { operations, origins } = startProcess(service, new Map(), 'web');

    await operations.copy(full, { parent: into, name: 'alone' }, '0');
    await operations.copy(a, { parent: into, name: 'file' }, 'infinity');

    expect(origins.map(({ how, to }) => [how, to.kind])).toEqual([
      ['copied-alone', 'folder'],
      ['copied', 'file'],
    ]);
  });
});

describe('into another drive', () => {
  it.each([
    ['move', (o: Operations, entry: Entry) => o.move(entry, { parent: OTHER, name: 'full' })],
    ['copy', (o: Operations, entry: Entry) => o.copy(entry, { parent: OTHER, name: 'full' }, 'infinity')],
  ])('a %s of a folder is unsupported where the service has no call for it', async (_, run) => {
    const { service, full } = furnish();
    const disk: Disk = new Map();
    const { operations } = startProcess(service, disk, 'open');

    await expect(run(operations, full)).rejects.toMatchObject({ code: 'unsupported' });
    expect(disk.size).toBe(0);
  });

  it('a file without a checksum is not moved', async () => {
    const { service } = furnish();
    const photo = service.add('p.livp', '', { contentHash: undefined });
    const { operations } = startProcess(service, new Map(), 'open');

    await expect(operations.move(photo, { parent: OTHER, name: 'p.livp' })).rejects.toMatchObject({
      code: 'unsupported',
    });
    expect(service.entries.has(photo.id)).toBe(true);
  });

  it('a source goes to the bin even where DELETE is for good', async () => {
    const { service, b } = furnish();
    const { operations } = startProcess(service, new Map(), 'open', { toTrash: false });

    await operations.move(b, { parent: OTHER, name: 'b' });

    expect(service.bin.has(b.id)).toBe(true);
  });
});

describe('the recovery', () => {
  it('goes on while the service is away, more and more slowly, until it is stopped', async () => {
    const { service, a, b } = furnish();
    const disk: Disk = new Map();
    const { operations, life } = startProcess(service, disk, 'web');
    life.trouble = { at: 2, what: 'lost-answer' };
    const asked: number[] = [];
    life.onStep = (step) => {
      if (step === 'move') service.away = asked;
    };
    await expect(operations.move(a, { parent: ROOT, name: 'b', replaces: b })).rejects.toThrow(DriveError);
    await vi.advanceTimersByTimeAsync(3_600_000);

    const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
    expect(gaps[0]).toBeLessThanOrEqual(5_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(300_000);
    expect(Math.max(...gaps)).toBeGreaterThan(200_000);
    await operations.stop();
    const { length } = asked;
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(asked.length).toBe(length);
    expect(disk.size).toBe(1);
  });

  it('writes only while nobody else may write to the names', async () => {
    const { service, a } = furnish();
    let release = (): void => {};
    const busy = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { operations, life } = startProcess(service, new Map(), 'web', {
      claim: () => busy.then(() => () => {}),
    });
    life.trouble = { at: 2, what: 'lost-answer' };
    await expect(operations.move(a, { parent: ROOT, name: 'new' })).rejects.toThrow(DriveError);
    const { length } = life.steps;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(life.steps.length).toBe(length);

    release();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(life.steps).toContain('get');
  });

  it('is done at once for a writer who wants the name and holds it', async () => {
    const { service, a, b } = furnish();
    const { operations, life, guards } = startProcess(service, new Map(), 'web', {
      claim: () => new Promise(() => {}),
    });
    life.trouble = { at: 2, what: 'lost-answer' };
    await expect(operations.move(a, { parent: ROOT, name: 'b', replaces: b })).rejects.toThrow(DriveError);
    expect(guards.size).toBe(2);

    await operations.settleAt([{ folder: ROOT, name: 'elsewhere' }]);
    expect(guards.size).toBe(2);
    await operations.settleAt([{ folder: ROOT, name: 'b' }]);
    expect(guards.size).toBe(0);
  });

  it.each([
    ['in the background', true, true],
    ['at once for a writer who waits', false, false],
  ])('looks %s', async (_how, mayClaim, isBackground) => {
    const { service, a, b } = furnish();
    const claim = () => (mayClaim ? Promise.resolve(() => {}) : new Promise<() => void>(() => {}));
    const { operations, life } = startProcess(service, new Map(), 'web', { claim });
    life.trouble = { at: 2, what: 'lost-answer' };
    await expect(operations.move(a, { parent: ROOT, name: 'b', replaces: b })).rejects.toThrow(DriveError);
    await (mayClaim ? vi.advanceTimersByTimeAsync(60_000) : operations.settleAt([{ folder: ROOT, name: 'b' }]));
    expect(service.backgroundLooks.length).toBeGreaterThan(0);
    expect(new Set(service.backgroundLooks)).toEqual(new Set([isBackground]));
  });

  it('resolves `idle` when what was under way is done', async () => {
    const { service, a } = furnish();
    const { operations, life } = startProcess(service, new Map(), 'web');
    let isIdle = false;
    const moving = operations.move(a, { parent: ROOT, name: 'new' });
    const idle = operations.idle().then(() => {
      isIdle = true;
    });
    life.onStep = () => expect(isIdle).toBe(false);

    await moving;
    await idle;
    expect(isIdle).toBe(true);
  });
});
