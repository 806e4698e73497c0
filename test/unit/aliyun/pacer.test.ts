import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type PaceClass, Pacer } from '../../../src/aliyun/pacer.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp(maxWaitMs?: number, tripMs = (_name: string) => 0) {
  const pacer = new Pacer({ rates: { list: 4, link: 1, other: 10 }, ...(maxWaitMs !== undefined && { maxWaitMs }) });
  const startedAt = performance.now();
  const turns: [string, number][] = [];
  const take = async (name: string, paceClass: PaceClass = 'list', signal?: AbortSignal, again?: boolean) => {
    const answered = await pacer.take(paceClass, signal, again);
    turns.push([name, Math.round(performance.now() - startedAt)]);
    setTimeout(answered, tripMs(name));
  };
  return { pacer, take, turns };
}

describe('Pacer', () => {
  it('spaces calls out in the order they came', async () => {
    const { take, turns } = setUp();
    void take('a');
    void take('b');
    void take('c');
    await vi.advanceTimersByTimeAsync(1000);
    expect(turns).toEqual([
      ['a', 0],
      ['b', 250],
      ['c', 500],
    ]);
  });

  it('saves up no burst while idle', async () => {
    const { take, turns } = setUp();
    await vi.advanceTimersByTimeAsync(5000);
    void take('a');
    void take('b');
    await vi.advanceTimersByTimeAsync(1000);
    expect(turns.map(([, at]) => at)).toEqual([5000, 5250]);
  });

  it('paces every class by itself', async () => {
    const { pacer, take, turns } = setUp();
    pacer.pause('list', 3000);
    void take('list');
    void take('link', 'link');
    void take('other', 'other');
    await vi.advanceTimersByTimeAsync(100);
    expect(turns.map(([name]) => name)).toEqual(['link', 'other']);
    await vi.advanceTimersByTimeAsync(3000);
    expect(turns[2]).toEqual(['list', 3000]);
  });

  it('turns away at once who would wait too long', async () => {
    const { take, turns } = setUp(1000);
    const calls = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => take(name));
    await expect(calls[5]).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 1250 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(turns.map(([name]) => name)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('frees the turn of a caller who has gone', async () => {
    const { take, turns } = setUp();
    const gone = new AbortController();
    void take('a');
    const b = take('b', 'list', gone.signal);
    void take('c');
    gone.abort();
    await expect(b).rejects.toMatchObject({ code: 'aborted' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(turns).toEqual([
      ['a', 0],
      ['c', 250],
    ]);
  });

  it.each([
    ['as long as the others', 60, 60, 1000],
    ['longer than the others, so that it may have arrived late', 140, 60, 1080],
    ['so long that it was the service that took its time', 20_000, 60, 1250],
  ])(
    'keeps a full second behind the call four turns before, which took %s',
    async (_case, firstMs, tripMs, fifthAt) => {
      const { take, turns } = setUp(undefined, (name) => (name === 'a' ? firstMs : tripMs));
      for (const name of ['a', 'b', 'c', 'd', 'e']) void take(name);
      await vi.advanceTimersByTimeAsync(2000);
      expect(turns.map(([, at]) => at)).toEqual([0, 250, 500, 750, fifthAt]);
    },
  );

  it('takes nobody who has already gone', async () => {
    const { take } = setUp();
    await expect(take('a', 'list', AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  });

  it('lets one who tries anew go first', async () => {
    const { take, turns } = setUp();
    void take('a');
    void take('b');
    void take('a again', 'list', undefined, true);
    await vi.advanceTimersByTimeAsync(1000);
    expect(turns.map(([name]) => name)).toEqual(['a', 'a again', 'b']);
  });

  it('holds those who wait when the class is paused, and turns away those for whom that is too long', async () => {
    const { pacer, take, turns } = setUp(2000);
    void take('a');
    void take('b');
    const c = take('c');
    c.catch(() => {});
    pacer.pause('list', 1900);
    await expect(c).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 2150 });
    await vi.advanceTimersByTimeAsync(3000);
    expect(turns).toEqual([
      ['a', 0],
      ['b', 1900],
    ]);
  });

  it('never shortens a pause', async () => {
    const { pacer, take, turns } = setUp();
    pacer.pause('list', 3000);
    pacer.pause('list', 100);
    void take('a');
    await vi.advanceTimersByTimeAsync(5000);
    expect(turns).toEqual([['a', 3000]]);
  });
});
