import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openEmbeddedStore } from '../../../src/state/embedded.ts';
import { type JournalKind, type Journals, openJournals } from '../../../src/state/journal.ts';
import type { StateStore } from '../../../src/state/store.ts';
import { temporaryFolder } from './temporary-folder.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(() => {
  vi.useRealTimers();
});

interface World {
  readonly store: StateStore;
  readonly clock: { now: number };
  /** A process; one that is never closed was killed. */
  start(userId?: string, onAdopted?: () => void): Promise<Journals>;
  /** Lets time pass for the leases of all who are still running. */
  pass(ms: number): Promise<void>;
}

async function makeWorld(): Promise<World> {
  const clock = { now: 1_700_000_000_000 };
  const store = await openEmbeddedStore(await temporaryFolder(), { now: () => clock.now });
  onTestFinished(() => store.close());
  return {
    store,
    clock,
    start: (userId = 'u1', onAdopted = undefined) => openJournals({ store, userId, onAdopted }),
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 10_000) {
        clock.now += 10_000;
        vi.advanceTimersByTime(10_000);
        // Renewing is a write, which takes its time.
        await vi.waitFor(() => store.put(['passed'], clock.now));
      }
    },
  };
}

async function values(journals: Journals, kind: JournalKind = 'upload'): Promise<unknown[]> {
  return (await journals.of(kind).list()).map(({ value }) => value).toSorted();
}

describe('a journal', () => {
  it('holds what was added as it was last updated, until it is removed', async () => {
    const { start } = await makeWorld();
    const journals = await start();
    const uploads = journals.of<string>('upload');
    const first = await uploads.add('one');
    const second = await uploads.add('two');
    expect(await values(journals)).toEqual(['one', 'two']);
    await uploads.update(first, 'one, later');
    expect(await uploads.list()).toContainEqual({ id: first, value: 'one, later', isOwn: true });
    await uploads.remove(first);
    await uploads.remove(first);
    expect(await uploads.list()).toEqual([{ id: second, value: 'two', isOwn: true }]);
    await journals.close();
  });

  it('keeps kinds and accounts apart', async () => {
    const { start } = await makeWorld();
    const [mine, others] = [await start(), await start('u2')];
    await mine.of('upload').add('upload');
    await mine.of('operation').add('operation');
    await others.of('upload').add('of somebody else');
    expect(await values(mine)).toEqual(['upload']);
    expect(await values(mine, 'operation')).toEqual(['operation']);
    expect(await values(mine, 'held-file')).toEqual([]);
    await others.adopt();
    expect(await values(others)).toEqual(['of somebody else']);
  });
});

describe('adoption', () => {
  it('takes over what a process left that has ended, and updates and removes it in its place', async () => {
    const { start, store } = await makeWorld();
    const gone = await start();
    await gone.of('upload').add('left');
    await gone.close();
    const next = await start();
    expect(await values(next)).toEqual([]);
    await next.adopt();
    const [record] = await next.of<string>('upload').list();
    if (!record) throw new Error('nothing was taken over');
    expect(record).toMatchObject({ value: 'left', isOwn: false });
    await next.of('upload').update(record.id, 'taken up');
    expect(await values(next)).toEqual(['taken up']);
    await next.of('upload').remove(record.id);
    expect(await values(next)).toEqual([]);
    for await (const entry of store.range(['u1', 'v1', 'journal'])) expect(entry).toBeUndefined();
  });

  it('leaves alone who is at work, for as long as he is', async () => {
    const { start, pass } = await makeWorld();
    const working = await start();
    await working.of('upload').add('in work');
    const other = await start();
    await pass(120_000);
    await other.adopt();
    expect(await values(other)).toEqual([]);
    expect(await values(working)).toEqual(['in work']);
    await working.close();
    await other.adopt();
    expect(await values(other)).toEqual(['in work']);
  });

  it('comes by itself, and is told, once the lease of a process that was killed out of sight has run out', async () => {
    const { start, pass } = await makeWorld();
    const killed = await start();
    await killed.of('upload').add('left');
    vi.clearAllTimers();
    const onAdopted = vi.fn();
    const next = await start('u1', onAdopted);
    await next.adopt();
    expect([await values(next), onAdopted.mock.calls.length]).toEqual([[], 0]);
    await pass(40_000);
    await vi.waitFor(() => expect(onAdopted).toHaveBeenCalledOnce());
    expect(await values(next)).toEqual(['left']);
    await pass(40_000);
    expect(onAdopted).toHaveBeenCalledOnce();
  });

  it('goes to one of several', async () => {
    const { start } = await makeWorld();
    const gone = await start();
    await gone.of('upload').add('left');
    await gone.close();
    const heirs = [await start(), await start()];
    await Promise.all(heirs.map((heir) => heir.adopt()));
    expect((await Promise.all(heirs.map((heir) => values(heir)))).flat()).toEqual(['left']);
  });
});

describe('a process that slept past its lease', () => {
  it('goes on where nobody has taken over', async () => {
    const { start, clock, pass } = await makeWorld();
    const journals = await start();
    await journals.of('upload').add('mine');
    clock.now += 60_000;
    await pass(10_000);
    const other = await start();
    await other.adopt();
    expect(await values(journals)).toEqual(['mine']);
    expect(await values(other)).toEqual([]);
  });

  it('works no more on what another has taken over', async () => {
    const { start, clock, pass } = await makeWorld();
    const slept = await start();
    await slept.of('upload').add('left');
    clock.now += 60_000;
    const other = await start();
    await other.adopt();
    expect(await values(other)).toEqual(['left']);
    await pass(20_000);
    expect(await values(slept)).toEqual([]);
    expect(await values(other)).toEqual(['left']);
  });
});
