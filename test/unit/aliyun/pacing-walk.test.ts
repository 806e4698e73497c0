import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ApiClient, type Endpoint } from '../../../src/aliyun/api-client.ts';
import type { JsonHttp } from '../../../src/aliyun/http.ts';
import { OPEN_RATES } from '../../../src/aliyun/open/wire.ts';
import type { PaceClass } from '../../../src/aliyun/pacer.ts';
import { Background } from '../../../src/drive/call-signal.ts';

/** What the open API grants in any second, wherever its windows begin. */
const LIMITS: Readonly<Record<PaceClass, number>> = { list: 4, link: 1, other: 15 };
const FOLDERS = 2000;
const WALKERS = 64;
const WORK_MS = 40;

const endpointOf = (paceClass: PaceClass): Endpoint => ({ path: `/${paceClass}`, paceClass, effect: 'read' });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/**
 * A service some way off, which notes when each call arrives. Most calls are quick, some lose up to `jitterMs` on the way
 * there, or back.
 */
function setUp(jitterMs: number) {
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const arrivals: Record<PaceClass, number[]> = { list: [], link: [], other: [] };
  const travel = () => new Promise((resolve) => setTimeout(resolve, 10 + random() ** 3 * jitterMs));
  const http: JsonHttp = {
    async post(url) {
      await travel();
      arrivals[url.slice(url.lastIndexOf('/') + 1) as PaceClass].push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, WORK_MS));
      await travel();
      return { status: 200, headers: {}, json: {}, text: '{}' };
    },
  };
  const api = new ApiClient({
    http,
    baseUrl: 'http://api',
    tokens: { getAccessToken: async () => 'a', replaceAccessToken: async () => 'b' },
    rates: OPEN_RATES,
    log: pino({ level: 'silent' }),
  });
  let asked = 0;
  /** Reads `count` things, several at a time; resolves to how long that took. */
  const walk = async (paceClass: PaceClass, count: number, walkers: number, signal?: Background['signal']) => {
    const startedAt = performance.now();
    let left = count;
    const work = async () => {
      while (left-- > 0) await api.call(endpointOf(paceClass), { id: ++asked }, signal);
    };
    await Promise.all(Array.from({ length: walkers }, work));
    return performance.now() - startedAt;
  };
  return { arrivals, walk };
}

/** The most arrivals of any half-open second. */
function busiestSecond(arrivals: readonly number[]): number {
  const sorted = [...arrivals].sort((one, other) => one - other);
  let first = 0;
  return sorted.reduce((most, at, index) => {
    while ((sorted[first] ?? at) <= at - 1000) first++;
    return Math.max(most, index - first + 1);
  }, 0);
}

it.each([0, 25, 50])(
  'a walk of many folders at once keeps to every limit and uses nine tenths of it, with a network that varies by %i ms',
  async (jitterMs) => {
    const { arrivals, walk } = setUp(jitterMs);
    const walking = Promise.all([
      walk('list', FOLDERS, WALKERS),
      walk('link', FOLDERS / 5, 8),
      walk('other', FOLDERS, WALKERS),
    ]);
    await vi.advanceTimersByTimeAsync(600_000);
    const [listMs, , otherMs] = await walking;
    expect(arrivals.list.length).toBe(FOLDERS);
    expect(listMs).toBeLessThan((FOLDERS / LIMITS.list) * 1000 * 1.1);
    expect(otherMs).toBeLessThan((FOLDERS / LIMITS.other) * 1000 * 1.1);
    for (const paceClass of ['list', 'link', 'other'] as const) {
      expect([paceClass, busiestSecond(arrivals[paceClass])]).toEqual([paceClass, LIMITS[paceClass]]);
    }
  },
);

it('what goes on behind a walk costs it no more than its own turns, keeps to the same limit, and comes forward', async () => {
  const { arrivals, walk } = setUp(25);
  const { signal } = new Background(new AbortController().signal);
  const walking = walk('list', FOLDERS, WALKERS);
  await vi.advanceTimersByTimeAsync(1000);
  const behind = walk('list', 100, 4, signal);
  await vi.advanceTimersByTimeAsync(600_000);
  const perTurnMs = 1000 / OPEN_RATES.list;
  expect(await walking).toBeLessThan((FOLDERS + 100) * perTurnMs * 1.03);
  // Each of its calls waits for all who came before it, and no longer than nine turns for each of its own kind.
  expect(await behind).toBeLessThan((100 / 4) * (WALKERS + 4 * 9) * perTurnMs);
  expect(busiestSecond(arrivals.list)).toBe(LIMITS.list);
});
