import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NameClaims } from '../../../src/tree/name-claims.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const at = (name: string, id = 'root', driveId = 'd1') => ({ folder: { driveId, id }, name });

/** Claims, and tells when it was granted. */
function claim(claims: NameClaims, names: ReturnType<typeof at>[], signal?: AbortSignal) {
  const state = { granted: false, error: undefined as unknown, release: () => {} };
  const run = async (): Promise<void> => {
    try {
      state.release = await claims.claim(names, signal);
      state.granted = true;
    } catch (error) {
      state.error = error;
    }
  };
  void run();
  return state;
}

const turn = () => vi.advanceTimersByTimeAsync(0);

describe('NameClaims', () => {
  it('lets one writer at a time have a name, in the order in which they came', async () => {
    const claims = new NameClaims();
    const writers = [0, 1, 2].map(() => claim(claims, [at('a')]));
    for (const [index, writer] of writers.entries()) {
      await turn();
      expect(writers.map(({ granted }) => granted)).toEqual(writers.map((_, other) => other <= index));
      writer.release();
      writer.release();
    }
    const later = claim(claims, [at('a')]);
    await turn();
    expect(later.granted).toBe(true);
  });

  it.each([
    ['name', at('b')],
    ['case of the name', at('A')],
    ['folder', at('a', 'other')],
    ['drive', at('a', 'root', 'd2')],
  ])('lets writers of another %s alone', async (_, other) => {
    const claims = new NameClaims();
    const writers = [claim(claims, [at('a')]), claim(claims, [other])];
    await turn();
    expect(writers.every(({ granted }) => granted)).toBe(true);
  });

  it('lets nobody wait in a circle', async () => {
    const claims = new NameClaims();
    let done = 0;
    const work = async (names: ReturnType<typeof at>[]): Promise<void> => {
      const release = await claims.claim(names);
      await new Promise((resolve) => setTimeout(resolve, 10));
      release();
      done++;
    };
    const all = [
      work([at('a'), at('b')]),
      work([at('b'), at('a')]),
      work([at('b'), at('c')]),
      work([at('c'), at('a'), at('c')]),
    ];
    await vi.advanceTimersByTimeAsync(1_000);
    await Promise.all(all);
    expect(done).toBe(4);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('takes a name that is claimed twice once', async () => {
    const claims = new NameClaims();
    const writer = claim(claims, [at('a'), at('a')]);
    await turn();
    expect(writer.granted).toBe(true);
    writer.release();
    const next = claim(claims, [at('a')]);
    await turn();
    expect(next.granted).toBe(true);
  });

  it('lets nobody wait for longer than a minute, and leaves no trace of who gave up', async () => {
    const claims = new NameClaims();
    const holder = claim(claims, [at('b')]);
    await turn();
    const waiting = claim(claims, [at('a'), at('b')]);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(waiting.error).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(waiting.error).toMatchObject({ code: 'unavailable', retryAfterMs: 5_000 });
    const other = claim(claims, [at('a')]);
    const next = claim(claims, [at('b')]);
    await turn();
    expect([other.granted, next.granted]).toEqual([true, false]);
    holder.release();
    await turn();
    expect(next.granted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets a waiter leave, whose place goes to the next', async () => {
    const claims = new NameClaims();
    const holder = claim(claims, [at('a')]);
    await turn();
    const controller = new AbortController();
    const leaving = claim(claims, [at('a')], controller.signal);
    const next = claim(claims, [at('a')]);
    await turn();
    controller.abort();
    await turn();
    expect(leaving.error).toMatchObject({ code: 'aborted' });
    expect(next.granted).toBe(false);
    holder.release();
    await turn();
    expect(next.granted).toBe(true);
    const late = claim(claims, [at('b')], controller.signal);
    await turn();
    expect(late.error).toMatchObject({ code: 'aborted' });
  });
});
