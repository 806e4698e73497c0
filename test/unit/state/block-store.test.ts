import { readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { FolderBlocks } from '../../../src/state/block-store.ts';
import { temporaryFolder } from './temporary-folder.ts';

const KIB = 1024;
const NAME = `${'AB'.repeat(20)}-1-head0`;

/** Of content that its seed tells; with the header it takes 68 KiB of a budget. */
const block = (seed: number, bytes = 64 * KIB) => Buffer.alloc(bytes, seed);

async function setUp(maxBytes = 2 ** 30) {
  const parent = await temporaryFolder();
  const dir = path.join(parent, 'blobs', 'cache');
  const clock = { now: Date.UTC(2026, 0, 1) };
  const logged: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(line, _, done) {
      logged.push(JSON.parse(line));
      done();
    },
  });
  const open = () => new FolderBlocks({ dir, maxBytes, now: () => clock.now, log: pino(sink) });
  const store = open();
  const put = async (names: readonly string[], seed = 1) => {
    for (const name of names) {
      clock.now += 10_000;
      await store.write(name, block(seed));
    }
  };
  return { dir, clock, logged, open, store, put, fileOf: (name: string) => path.join(dir, name) };
}

async function sizeOf(dir: string): Promise<number> {
  const sizes = await Promise.all((await readdir(dir)).map(async (name) => (await stat(path.join(dir, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe('a block', () => {
  it('is read back, also by the next process', async () => {
    const { store, open } = await setUp();
    expect(await store.read(NAME)).toBeUndefined();
    await store.write(NAME, block(7));
    expect(await store.read(NAME)).toEqual(block(7));
    expect(await open().read(NAME)).toEqual(block(7));
  });

  it('is there from the moment it is given, before the disk has it', async () => {
    const { store } = await setUp();
    const writing = store.write(NAME, block(7));
    expect(await store.read(NAME)).toEqual(block(7));
    await writing;
  });

  it('can be read by its owner alone', async () => {
    const { dir, store, fileOf } = await setUp();
    await store.write(NAME, block(7));
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(fileOf(NAME))).mode & 0o777).toBe(0o600);
  });

  it.each<[string, (file: string) => Promise<unknown>]>([
    ['torn', (file) => truncate(file, 1_000)],
    ['empty', (file) => truncate(file, 0)],
    ['shorter than its header', (file) => truncate(file, 5)],
    ['longer than it was', (file) => writeFile(file, 'x', { flag: 'a' })],
    ['zeros, as a power cut leaves them', (file) => writeFile(file, Buffer.alloc(64 * KIB + 12))],
    ['of another byte', async (file) => writeFile(file, (await readFile(file)).fill(9, 5_000, 5_001))],
    ['larger than any', (file) => truncate(file, 2 ** 30)],
    ['something else', (file) => writeFile(file, 'not a block')],
  ])('that is %s is not there, and its file goes', async (_, damage) => {
    const { dir, store, fileOf } = await setUp();
    await store.write(NAME, block(7));
    await damage(fileOf(NAME));
    expect(await store.read(NAME)).toBeUndefined();
    expect(await readdir(dir)).toEqual([]);
    await store.write(NAME, block(8));
    expect(await store.read(NAME)).toEqual(block(8));
  });

  it('of a name that leads elsewhere is not there', async () => {
    const { store, dir } = await setUp();
    await store.write('../escaped', block(1));
    expect(await store.read('../escaped')).toBeUndefined();
    expect(await readdir(path.dirname(dir))).toEqual(['cache']);
  });
});

describe('the budget', () => {
  it('holds, and what was not used for longest goes first', async () => {
    const maxBytes = 10 * 68 * KIB;
    const { dir, store, put, clock } = await setUp(maxBytes);
    const names = Array.from({ length: 10 }, (_, index) => `b${index}`);
    await put(names);
    expect(await readdir(dir)).toHaveLength(10);
    clock.now += 10_000;
    await store.read('b0');
    await put(['new']);
    const left = await readdir(dir);
    expect(left).toContain('b0');
    expect(left).toContain('new');
    expect(left).not.toContain('b1');
    expect(store.usedBytes).toBeLessThanOrEqual(maxBytes);
    expect(await sizeOf(dir)).toBeLessThanOrEqual(maxBytes);
  });

  it('counts what was there before, and what other processes write', async () => {
    const maxBytes = 16 * 68 * KIB;
    const { dir, put, open, clock } = await setUp(maxBytes);
    await put(Array.from({ length: 16 }, (_, index) => `mine${index}`));
    const other = open();
    for (let index = 0; index < 40; index++) {
      clock.now += 10_000;
      await (index % 2 ? other.write(`theirs${index}`, block(2)) : put([`more${index}`]));
    }
    // Each process may be wrong by the eighth that it did not look for.
    expect(await sizeOf(dir)).toBeLessThanOrEqual(maxBytes * 1.25);
  });

  it('that became smaller is kept to by tidying, which tells what is used', async () => {
    const { dir, clock, logged, open, put } = await setUp();
    await open().tidy();
    expect(logged).toEqual([]);
    await put(Array.from({ length: 10 }, (_, index) => `b${index}`));
    const next = open();
    await next.tidy();
    expect(next.usedBytes).toBe(10 * 68 * KIB);
    const less = new FolderBlocks({ dir, maxBytes: 300 * KIB, now: () => clock.now, log: pino({ level: 'silent' }) });
    await less.tidy();
    expect((await readdir(dir)).sort()).toEqual(['b7', 'b8', 'b9']);
    const none = new FolderBlocks({ dir, maxBytes: 0, now: () => clock.now, log: pino({ level: 'silent' }) });
    await none.tidy();
    expect(await readdir(dir)).toEqual([]);
  });

  it('holds when many blocks come at once', async () => {
    const maxBytes = 10 * 68 * KIB;
    const { dir, store } = await setUp(maxBytes);
    for (const batch of ['a', 'b']) {
      await Promise.all(Array.from({ length: 70 }, (_, index) => store.write(`${batch}${index}`, block(1))));
      expect(await sizeOf(dir)).toBeLessThanOrEqual(maxBytes);
      expect(store.usedBytes).toBeLessThanOrEqual(maxBytes);
      expect((await readdir(dir)).length).toBeGreaterThan(5);
    }
  });

  it('is not broken for a block that is larger than it, and nothing goes for that', async () => {
    const { store } = await setUp(10 * KIB);
    await store.write('small', block(1, 10));
    await store.write(NAME, block(1));
    expect(await store.read(NAME)).toBeUndefined();
    expect(await store.read('small')).toEqual(block(1, 10));
  });

  it('counts a small file as what a disk takes for it', async () => {
    const { store } = await setUp();
    await store.write(NAME, block(1, 10));
    expect(store.usedBytes).toBe(8 * KIB);
  });

  it('ends with what a killed writer left behind', async () => {
    const { dir, clock, open, store } = await setUp();
    await store.write(NAME, block(1));
    const [old, young] = ['.killed.tmp', '.busy.tmp'].map((name) => path.join(dir, name)) as [string, string];
    for (const file of [old, young]) await writeFile(file, 'half');
    await utimes(old, 0, (clock.now - 61_000) / 1000);
    await utimes(young, 0, (clock.now - 1_000) / 1000);
    await open().write('another', block(1));
    expect((await readdir(dir)).sort()).toEqual(['.busy.tmp', NAME, 'another'].sort());
  });
});

describe('a disk that cannot be written', () => {
  it('is left alone for a minute, said once and without a name, and nobody hears an error', async () => {
    const { dir, clock, logged, store } = await setUp();
    await store.write(NAME, block(1));
    // Root writes wherever it likes, but not into a file taken for a folder.
    await rm(dir, { recursive: true });
    await writeFile(dir, '');
    await Promise.all(['b', 'c', 'd'].map((name) => store.write(name, block(2))));
    await store.write('e', block(3));
    expect(await store.read('b')).toBeUndefined();
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ code: 'ENOTDIR' });
    expect(JSON.stringify(logged)).not.toContain('cache');
    await rm(dir);
    await store.write('f', block(4));
    expect(await store.read('f')).toBeUndefined();
    clock.now += 60_000;
    await store.write('g', block(5));
    expect(await store.read('g')).toEqual(block(5));
  });

  it('keeps only so much waiting in memory', async () => {
    const { store } = await setUp();
    const writes = Array.from({ length: 500 }, (_, index) => store.write(`b${index}`, block(1, 100)));
    await Promise.all(writes);
    const kept = await Promise.all(Array.from({ length: 500 }, (_, index) => store.read(`b${index}`)));
    expect(kept.filter(Boolean).length).toBe(128);
    await store.idle();
  });
});
