import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type EmbeddedStoreOptions, openEmbeddedStore } from '../../../src/state/embedded.ts';
import type { StateEntry, StateKey, StateStore } from '../../../src/state/store.ts';
import { temporaryFolder } from './temporary-folder.ts';

async function openStore(dir: string, options?: EmbeddedStoreOptions): Promise<StateStore> {
  const store = await openEmbeddedStore(dir, options);
  onTestFinished(() => store.close());
  return store;
}

async function collect(entries: AsyncIterable<StateEntry>): Promise<StateEntry[]> {
  const all = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

describe('openEmbeddedStore', () => {
  it('refuses whoever comes while it closes', async () => {
    const store = await openEmbeddedStore(await temporaryFolder());
    void store.put(['user'], 1);
    const closed = store.close();
    await expect(store.get(['user'])).rejects.toThrow('closed');
    await expect(store.put(['user'], 2)).rejects.toThrow('closed');
    await expect(store.compareAndSet(['user'], undefined, 2)).rejects.toThrow('closed');
    await expect(store.acquireLease(['user'], 1000)).rejects.toThrow('closed');
    await expect(collect(store.range(['user']))).rejects.toThrow('closed');
    await closed;
    // What the library would throw in a timer fails the run.
    await sleep(20);
  });

  it('gives back what was put, after a restart too', async () => {
    const dir = await temporaryFolder();
    const values = [0, '', null, false, 'text', { a: [1, { b: '名' }] }, [], 'x'.repeat(100_000), 'a\ud800'];
    const before = await openEmbeddedStore(dir);
    for (const [index, value] of values.entries()) await before.put(['user', 'v1', index], value);
    await before.close();
    const after = await openStore(dir);
    for (const [index, value] of values.entries()) expect(await after.get(['user', 'v1', index])).toEqual(value);
    expect(await after.get(['user', 'v1', 'other'])).toBeUndefined();
  });

  it('ranges and watches to the very end, where leases leave a record of the library’s own', async () => {
    const store = await openStore(await temporaryFolder(), { watchIntervalMs: 10 });
    await store.acquireLease(['zz', 'lease'], 1000);
    expect(await collect(store.range(['aa']))).toEqual([]);
    const onChange = vi.fn();
    store.watch(['aa'], onChange);
    await store.put(['aa', 'v1', 'x'], 1);
    expect(await collect(store.range(['aa']))).toEqual([{ key: ['aa', 'v1', 'x'], value: 1 }]);
    await vi.waitFor(() => expect(onChange).toHaveBeenCalled());
  });

  it('tells the keys below a prefix, those among them that it had to fold', async () => {
    const store = await openStore(await temporaryFolder());
    const below: StateKey[] = [...Array(600).keys()].map((index) => ['user', 'v1', index]);
    const odd: StateKey[] = [
      ['user', 'v1', 'x'.repeat(500)],
      ['user', 'v1', 'x', 'y'],
    ];
    for (const key of [...below, ...odd, ['user', 'v1'], ['user', 'v2', 'z']]) await store.put(key, 'value');
    const keys: StateKey[] = [];
    for await (const key of store.keys(['user', 'v1'])) keys.push(key);
    expect(keys.slice(0, 600)).toEqual(below);
    expect(keys.slice(600)).toEqual(odd.toReversed());
  });

  it('keeps the database from other users of the machine', async () => {
    const dir = path.join(await temporaryFolder(), 'new');
    await openStore(dir);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(dir, 'state'))).mode & 0o777).toBe(0o700);
  });

  it('names the folder when it cannot be opened', async () => {
    const file = path.join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    await expect(openEmbeddedStore(file)).rejects.toThrow(file);
  });

  it('removes', async () => {
    const store = await openStore(await temporaryFolder());
    await store.put(['user', 'v1', 'a'], 1);
    await store.remove(['user', 'v1', 'a']);
    await store.remove(['user', 'v1', 'a']);
    expect(await store.get(['user', 'v1', 'a'])).toBeUndefined();
  });

  it('ranges over what is below a prefix, in order, and nothing else', async () => {
    const store = await openStore(await temporaryFolder());
    const below: StateKey[] = [
      ['user', 'v1', 2],
      ['user', 'v1', 10],
      ['user', 'v1', ''],
      ['user', 'v1', 'a'],
      ['user', 'v1', 'a', 'b'],
      ['user', 'v1', 'a\u0001'],
      ['user', 'v1', 'ab'],
      ['user', 'v1', `long ${'x'.repeat(3000)}`],
      ['user', 'v1', '文件'],
      ['user', 'v1', '😀\ud800'],
    ];
    const others: StateKey[] = [['user', 'v1'], ['user', 'v10', 'a'], ['user', 'v2'], ['user'], ['users', 'v1', 'a']];
    for (const key of [...below, ...others].reverse()) await store.put(key, { key });
    const found = await collect(store.range(['user', 'v1']));
    expect(found.map(({ key }) => key)).toEqual(below);
    expect(found.map(({ value }) => value)).toEqual(below.map((key) => ({ key })));
  });

  it('ranges over more than one piece while it is written to', async () => {
    const store = await openStore(await temporaryFolder());
    const keys = Array.from({ length: 700 }, (_, index) => ['user', 'v1', index]);
    await Promise.all(keys.map((key) => store.put(key, 'x')));
    const seen = [];
    for await (const { key } of store.range(['user', 'v1'])) {
      seen.push(key);
      if (seen.length % 100 === 0) await store.remove(key);
    }
    expect(seen).toEqual(keys);
  });

  it.each<[string, unknown, unknown, boolean]>([
    ['absent, as expected', undefined, undefined, true],
    ['absent, but expected', undefined, 1, false],
    ['there, but not expected', 1, undefined, false],
    ['equal', { a: [1, 2], b: 'c' }, { b: 'c', a: [1, 2] }, true],
    ['equal but for a field without a value', { a: 1 }, { a: 1, b: undefined }, true],
    ['different', { a: 1 }, { a: 2 }, false],
    ['null is not absent', null, undefined, false],
  ])('compares and sets: %s', async (_, stored, expected, result) => {
    const store = await openStore(await temporaryFolder());
    const key = ['user', 'v1', 'x'];
    if (stored !== undefined) await store.put(key, stored);
    expect(await store.compareAndSet(key, expected, 'new')).toBe(result);
    expect(await store.get(key)).toEqual(result ? 'new' : stored);
  });

  it('lets one of several writers win', async () => {
    const store = await openStore(await temporaryFolder());
    const key = ['user', 'v1', 'x'];
    const results = await Promise.all([1, 2, 3, 4].map((value) => store.compareAndSet(key, undefined, value)));
    expect(results.filter(Boolean)).toHaveLength(1);
  });

  it('leases by its clock, apart from values', async () => {
    let now = 0;
    const store = await openStore(await temporaryFolder(), { now: () => now });
    const name = ['user', 'v1', 'upload'];
    const lease = await store.acquireLease(name, 1000);
    expect(lease).toBeDefined();
    expect(await store.acquireLease(name, 1000)).toBeUndefined();
    expect(await store.get(name)).toBeUndefined();
    now = 1000;
    expect(await store.acquireLease(name, 1000)).toBeDefined();
    expect(await lease?.renew()).toBe(false);
  });

  it('tells of changes below a prefix, and of no others', async () => {
    const store = await openStore(await temporaryFolder(), { watchIntervalMs: 10 });
    await store.put(['user', 'v1', 'a'], 1);
    const onChange = vi.fn();
    const stop = store.watch(['user', 'v1'], onChange);
    const changes: (() => Promise<unknown>)[] = [
      () => store.put(['user', 'v1', 'b', 'c'], 1),
      () => store.put(['user', 'v1', 'a'], 2),
      () => store.remove(['user', 'v1', 'a']),
    ];
    for (const [index, change] of changes.entries()) {
      await change();
      await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(index + 1));
    }
    await store.put(['other', 'v1', 'a'], 1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    stop();
    await store.put(['user', 'v1', 'a'], 3);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(onChange).toHaveBeenCalledTimes(changes.length);
  });

  it('is shared by several processes, who lose no update and are told of each other', async () => {
    const dir = await temporaryFolder();
    const store = await openStore(dir, { watchIntervalMs: 20 });
    const onChange = vi.fn();
    onTestFinished(store.watch(['user', 'v1', 'guarded'], onChange));
    const exits = ['a', 'b', 'c'].map(async () => {
      const script = path.join(import.meta.dirname, 'counting-child.ts');
      const child = spawn(process.execPath, ['--import', 'tsx', script, dir, '40'], { stdio: 'inherit' });
      const [code] = await once(child, 'exit');
      return code;
    });
    expect(await Promise.all(exits)).toEqual([0, 0, 0]);
    expect(await store.get(['user', 'v1', 'count'])).toBe(120);
    expect(await store.get(['user', 'v1', 'guarded'])).toBe(120);
    await vi.waitFor(() => expect(onChange).toHaveBeenCalled());
  });
});
