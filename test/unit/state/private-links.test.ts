import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { openEmbeddedStore } from '../../../src/state/embedded.ts';
import { PrivateLinks } from '../../../src/state/private-links.ts';
import type { StateStore } from '../../../src/state/store.ts';
import { SharedStore } from '../webdav/state.ts';
import { temporaryFolder } from './temporary-folder.ts';

const WHOLE = { label: '', folder: '/', expiresAt: undefined };
const MINUTE = 60_000;

let store: SharedStore;
let now: number;
let links: PrivateLinks;
let warnings: string[];

function open(on: StateStore = store, userId = 'u1'): PrivateLinks {
  const log = pino({}, { write: (line) => void warnings.push(line) });
  return new PrivateLinks({ store: on, userId: async () => userId, log, now: () => now });
}

beforeEach(() => {
  store = new SharedStore();
  now = 1_800_000_000_000;
  warnings = [];
  links = open();
});

describe('a link', () => {
  it('is found by its token, and by nothing else', async () => {
    const { token, link } = await links.add({ label: 'tv', folder: '/Films', expiresAt: undefined });
    expect(await links.find(token)).toMatchObject({ id: link.id, label: 'tv', folder: '/Films' });
    for (const other of ['', 'link_', link.id, token.slice(0, -1), `${token}x`, token.toUpperCase()]) {
      expect(await links.find(other)).toBeUndefined();
    }
    const [key = ''] = [...store.values.keys()];
    expect(await links.find(String(JSON.parse(key).at(-1)))).toBeUndefined();
  });

  it('has a token of 192 random bits that fits a URL, and is never made twice', async () => {
    const tokens = await Promise.all(Array.from({ length: 50 }, async () => (await links.add(WHOLE)).token));
    for (const token of tokens) expect(token).toMatch(/^link_[\w-]{32}$/);
    expect(new Set(tokens).size).toBe(50);
  });

  it('is stored by the hash of its token, under the account and a version', async () => {
    const { token } = await links.add(WHOLE);
    const [[key = '', value] = []] = [...store.values];
    const hash = createHash('sha256').update(token).digest('hex');
    expect(JSON.parse(key)).toEqual(['u1', 'v1', 'private-links', hash]);
    expect(key + JSON.stringify(value)).not.toContain(token.slice(5));
  });

  it('belongs to one account', async () => {
    const { token, link } = await links.add(WHOLE);
    const others = open(store, 'u2');
    expect([await others.find(token), await others.list(), await others.remove(link.id)]).toEqual([
      undefined,
      [],
      undefined,
    ]);
    expect(await links.find(token)).toBeDefined();
  });

  it('ends at its instant, and is still listed', async () => {
    const { token } = await links.add({ ...WHOLE, expiresAt: now + MINUTE });
    now += MINUTE - 1;
    expect(await links.find(token)).toBeDefined();
    now += 1;
    expect(await links.find(token)).toBe('ended');
    expect(await links.list()).toHaveLength(1);
  });

  it('is gone once removed, by its id alone', async () => {
    const [first, second] = [await links.add(WHOLE), await links.add(WHOLE)];
    expect(await links.remove('00000000')).toBeUndefined();
    expect(await links.remove('')).toBeUndefined();
    expect(await links.remove(first.link.id)).toMatchObject({ id: first.link.id });
    expect(await links.find(first.token)).toBeUndefined();
    expect(await links.find(second.token)).toBeDefined();
    expect((await links.list()).map(({ id }) => id)).toEqual([second.link.id]);
  });

  it.each([
    ['another form', { folder: 7, label: 'x', createdAt: 1 }],
    ['an end that is none', { folder: '/', label: 'x', createdAt: 1, expiresAt: 'soon' }],
    ['nothing', null],
  ])('that is stored as %s lets nobody in', async (_what, value) => {
    const { token } = await links.add(WHOLE);
    const [key = ''] = [...store.values.keys()];
    store.values.set(key, value);
    expect([await links.find(token), await links.list()]).toEqual([undefined, []]);
  });

  it('cannot be looked for while nobody knows whose it is', async () => {
    const nobody = new PrivateLinks({
      store,
      userId: () => Promise.reject(new Error('not signed in')),
      log: pino({ level: 'silent' }),
      now: () => now,
    });
    await expect(nobody.find('link_x')).rejects.toThrow('not signed in');
  });
});

describe('the last use', () => {
  it('is noted once a minute, however often it is used', async () => {
    const { token } = await links.add(WHOLE);
    const set = vi.spyOn(store, 'compareAndSet');
    for (let second = 0; second < 120; second += 1) {
      await links.find(token);
      now += 1000;
    }
    expect(set).toHaveBeenCalledTimes(2);
    expect((await links.list())[0]?.lastUsedAt).toBe(now - MINUTE);
    // A process of its own knows from the store when that was.
    now -= 30_000;
    await open().find(token);
    expect(set).toHaveBeenCalledTimes(2);
  });

  it('does not bring back a link that is removed meanwhile', async () => {
    const { token, link } = await links.add(WHOLE);
    const set = store.compareAndSet.bind(store);
    vi.spyOn(store, 'compareAndSet').mockImplementation(async (...args) => {
      await open().remove(link.id);
      return set(...args);
    });
    await links.find(token);
    expect(await links.list()).toEqual([]);
  });

  it('keeps nobody from reading when it cannot be written, and is not tried again at once', async () => {
    const { token } = await links.add(WHOLE);
    store.changeError = new Error('disk full');
    for (let times = 0; times < 5; times += 1) expect(await links.find(token)).toBeDefined();
    expect(warnings).toHaveLength(1);
    expect(warnings.join()).not.toContain(token);
  });
});

it('is seen, and missed, by another process on the same state folder with its next look', async () => {
  const dir = await temporaryFolder();
  const [one, two] = [await openEmbeddedStore(dir), await openEmbeddedStore(dir)];
  const { token, link } = await open(one).add({ ...WHOLE, folder: '/电影' });
  expect(await open(two).find(token)).toMatchObject({ folder: '/电影' });
  await open(one).remove(link.id);
  expect(await open(two).find(token)).toBeUndefined();
  await Promise.all([one.close(), two.close()]);
});
