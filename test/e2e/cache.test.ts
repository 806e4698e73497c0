import { readdirSync, statSync } from 'node:fs';
import { readdir, truncate } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LOGIN_KINDS, type Stack, type StackOptions, startStack } from '../support/stack.ts';
import { ask, propfind, until } from './requests.ts';

const KIB = 1024;
const MIB = 2 ** 20;
const FILMS = 4;
const FILM_BYTES = 700 * MIB + 123;
const AT_ONCE = 3;

let stack: Stack;
afterEach(() => stack?.close());

async function start(options: StackOptions = {}): Promise<void> {
  stack = await startStack(options);
  const { store, drives } = stack.emulator;
  for (let index = 0; index < FILMS; index++) {
    store.addSparseFile(store.root(drives.backup), `film ${index}.mkv`, FILM_BYTES + index);
    store.addFile(store.root(drives.backup), `film ${index}.nfo`, `<movie>${'a plot '.repeat(index)}</movie>`);
  }
  await propfind(stack.url, '/', '1');
}

/** What a media library asks of every film: HEAD, both ends and the description; so many films at a time. */
async function scan(headers: Record<string, string> = { 'User-Agent': 'scanner/1' }): Promise<string[]> {
  const seen: string[] = [];
  const films = Array.from({ length: FILMS }, (_, index) => index);
  const scanOne = async (index: number) => {
    const size = FILM_BYTES + index;
    const target = `/film%20${index}.mkv`;
    const head = await ask(stack.url, target, { method: 'HEAD', headers });
    expect(head.headers['content-length']).toBe(String(size));
    for (const range of ['bytes=0-65535', index % 2 ? 'bytes=-65536' : `bytes=${size - 65_536}-`]) {
      const answer = await ask(stack.url, target, { headers: { ...headers, Range: range } });
      expect([answer.status, answer.body.length]).toEqual([206, 64 * KIB]);
      seen.push(`${index} ${answer.headers['content-range']} ${answer.body.toString('base64')}`);
    }
    const nfo = await ask(stack.url, `/film%20${index}.nfo`, { headers });
    expect([nfo.status, nfo.text]).toEqual([200, `<movie>${'a plot '.repeat(index)}</movie>`]);
  };
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let index = films.shift(); index !== undefined; index = films.shift()) await scanOne(index);
  });
  await Promise.all(workers);
  return seen.sort();
}

const cacheDir = () => path.join(stack.stateDir, 'blobs', 'cache');
const callsOf = () => stack.emulator.calls.snapshot().total;

describe.each(LOGIN_KINDS)('a scan of a library over a %s login', (kind) => {
  it('costs nothing the second time, also after a restart', async () => {
    await start({ kind, env: { ALIDAV_LIST_FRESH_S: '3600' } });
    const first = await scan();
    expect(stack.emulator.calls.count('storage')).toBe(3 * FILMS);
    const calls = callsOf();
    expect(await scan()).toEqual(first);
    expect(callsOf()).toBe(calls);
    stack = await stack.restart();
    await propfind(stack.url, '/', '1');
    const listed = callsOf();
    expect(await scan()).toEqual(first);
    expect(callsOf()).toBe(listed);
    expect(stack.emulator.calls.bodies.refused).toBe(0);
  });
});

describe('the cache', () => {
  it('is private, and read by many at once it asks the storage host once', async () => {
    await start();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        ask(stack.url, '/film%200.mkv', { headers: { 'User-Agent': `x${index}`, Range: 'bytes=0-65535' } }),
      ),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.toString('base64')}`)).size).toBe(1);
    expect(stack.emulator.calls.count('storage')).toBe(1);
    await expect.poll(() => readdirSync(cacheDir()).length).toBe(1);
    expect(statSync(cacheDir()).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(cacheDir())) expect(statSync(path.join(cacheDir(), name)).mode & 0o777).toBe(0o600);
  });

  it('delivers nothing of what a kill or a failing disk left torn', async () => {
    await start({ env: { ALIDAV_LIST_FRESH_S: '3600' } });
    const first = await scan();
    await stack.app.stop(0);
    for (const name of await readdir(cacheDir())) await truncate(path.join(cacheDir(), name), 30);
    stack = await stack.restart();
    expect(await scan()).toEqual(first);
  });

  it('stays within its budget', async () => {
    await start({ env: { ALIDAV_CACHE_MAX: '400KiB' } });
    await scan();
    await stack.app.stop(0);
    const sizes = (await readdir(cacheDir())).map((name) => statSync(path.join(cacheDir(), name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(400 * KIB);
    expect(sizes.length).toBeGreaterThan(3);
  });

  it('is none where it is turned off, and redirects are as they were', async () => {
    await start({ env: { ALIDAV_CACHE_MAX: '0' } });
    const headers = { 'User-Agent': 'curl/8', Range: 'bytes=0-65535' };
    expect((await ask(stack.url, '/film%200.mkv', { headers })).status).toBe(302);
    const streamed = { ...headers, 'User-Agent': 'WebDAVFS/3' };
    for (let time = 1; time <= 2; time++) {
      expect((await ask(stack.url, '/film%200.mkv', { headers: streamed })).status).toBe(206);
      expect(stack.emulator.calls.count('storage')).toBe(time);
    }
    expect(() => readdirSync(cacheDir())).toThrow('ENOENT');
  });

  it.each([
    ['auto', 206],
    ['redirect', 302],
  ])('leaves playing and copying to redirects; small reads, set to %s, are %i', async (delivery, expected) => {
    await start({ env: { ALIDAV_DELIVERY: delivery } });
    const statusOf = async (range?: string) => {
      const headers = { 'User-Agent': 'curl/8', ...(range && { Range: range }) };
      return (await ask(stack.url, '/film%200.mkv', { headers })).status;
    };
    expect(await statusOf()).toBe(302);
    expect(await statusOf('bytes=0-')).toBe(302);
    expect(await statusOf('bytes=300000000-')).toBe(302);
    expect(await statusOf('bytes=0-1')).toBe(expected);
    expect(await statusOf(`bytes=${FILM_BYTES - 100_000}-`)).toBe(expected);
  });

  it('costs a player that looks at a film and leaves no more than it looked at', async () => {
    await start();
    const { calls, settings } = stack.emulator;
    settings.bytesPerSecond = 4 * MIB;
    const leave = new AbortController();
    const range = `bytes=${FILM_BYTES - 4 * MIB}-`;
    const reading = ask(stack.url, '/film%200.mkv', { headers: { Range: range }, signal: leave.signal }).catch(
      () => {},
    );
    await until(() => calls.bodies.open === 1, 5_000, 'the body');
    await new Promise((resolve) => setTimeout(resolve, 100));
    leave.abort();
    await until(() => calls.bodies.open === 0, 200, 'the body closed');
    await reading;
  });
});
