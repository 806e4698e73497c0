import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type PaceClass, Pacer } from '../../../src/aliyun/pacer.ts';
import { Background, type CallSignal } from '../../../src/drive/call-signal.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp(maxWaitMs?: number, tripMs = (_name: string) => 0) {
  const waits: string[] = [];
  const pacer = new Pacer({
    rates: { list: 4, link: 1, other: 10 },
    ...(maxWaitMs !== undefined && { maxWaitMs }),
    onWait: (paceClass, isBackground) => {
      const wait = `${isBackground ? 'background' : 'urgent'} ${paceClass}`;
      waits.push(wait);
      return (hasTurn) => waits.push(`${wait}: ${hasTurn}`);
    },
  });
  const startedAt = performance.now();
  const turns: [string, number][] = [];
  const take = async (name: string, paceClass: PaceClass = 'list', signal?: CallSignal, again?: boolean) => {
    const answered = await pacer.take(paceClass, signal, again);
    turns.push([name, Math.round(performance.now() - startedAt)]);
    setTimeout(answered, tripMs(name));
  };
  return { pacer, take, turns, waits };
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
    await vi.advanceTimersByTimeAsync(1100);
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
    ['as long as the others', 60, 60, 1005],
    ['longer than the others, so that it may have arrived late', 140, 60, 1085],
    ['so long that it was the service that took its time', 20_000, 60, 1255],
  ])(
    'keeps more than a second behind the call four turns before, which took %s',
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

  describe('in the background', () => {
    const begin = () => new Background(new AbortController().signal);

    it('lets go first whom somebody waits for, and one in between now and then', async () => {
      const { take, turns } = setUp();
      void take('first');
      for (const name of ['A', 'B']) void take(name, 'list', begin().signal);
      for (const name of 'abcdefghij') void take(name);
      await vi.advanceTimersByTimeAsync(4000);
      expect(turns.map(([name]) => name).join(' ')).toBe('first a b c d e f g h A i j B');
    });

    it('moves a call that waits already when somebody comes to wait for it', async () => {
      const { take, turns } = setUp();
      const [one, other] = [begin(), begin()];
      void take('first');
      void take('A', 'list', one.signal);
      void take('B', 'list', other.signal);
      void take('a');
      other.raise();
      void take('b');
      await vi.advanceTimersByTimeAsync(2000);
      expect(turns.map(([name]) => name)).toEqual(['first', 'a', 'B', 'b', 'A']);
    });

    it('turns away who would wait too long behind all others', async () => {
      const { take } = setUp(1000);
      for (const name of 'abcde') void take(name);
      await expect(take('A', 'list', begin().signal)).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 1250 });
    });

    it('is left by who is given up', async () => {
      const { take, turns } = setUp();
      const controller = new AbortController();
      const work = new Background(controller.signal);
      void take('a');
      const given = take('A', 'list', work.signal);
      controller.abort();
      await expect(given).rejects.toMatchObject({ code: 'aborted' });
      work.raise();
      await vi.advanceTimersByTimeAsync(1000);
      expect(turns).toEqual([['a', 0]]);
    });
  });

  it('tells who waits, and how each wait ends', async () => {
    const { pacer, take, waits } = setUp(1000);
    const gone = new AbortController();
    void take('a');
    void take('A', 'list', new Background(new AbortController().signal).signal);
    await take('b', 'other', gone.signal);
    pacer.pause('link', 500);
    const given = take('c', 'link', gone.signal);
    gone.abort();
    await expect(given).rejects.toMatchObject({ code: 'aborted' });
    await expect(take('d', 'link', AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
    const refused = take('e', 'link');
    refused.catch(() => {});
    pacer.pause('link', 2000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(waits).toEqual([
      'urgent list',
      'urgent list: true',
      'background list',
      'urgent other',
      'urgent other: true',
      'urgent link',
      'urgent link: false',
      'urgent link',
      'urgent link: false',
      'background list: true',
    ]);
  });
});
