import { describe, expect, it } from 'vitest';
import { RedirectWatch } from '../../../src/transfer/redirect-watch.ts';

const CLIENT = { client: '10.0.0.1 curl', entryId: 'f1', first: 0 };

function setUp(maxRemembered?: number) {
  const clock = { now: 1_000 };
  const watch = new RedirectWatch({ now: () => clock.now, ...(maxRemembered && { maxRemembered }) });
  /** Asks so often, so far apart. */
  const ask = (times: number, everyMs: number, asked = CLIENT) =>
    Array.from({ length: times }, () => {
      clock.now += everyMs;
      return watch.judge(asked);
    });
  return { clock, watch, ask };
}

describe('RedirectWatch', () => {
  it('streams to who comes back for the same bytes the third time', () => {
    const { ask } = setUp();
    expect(ask(5, 1_000)).toEqual(['redirect', 'redirect', 'redirect', 'stream-from-now', 'stream']);
  });

  it('goes on redirecting who takes its time', () => {
    const { ask } = setUp();
    expect(new Set(ask(20, 10_000))).toEqual(new Set(['redirect']));
  });

  it.each([
    ['another range', { ...CLIENT, first: 1 }],
    ['another file', { ...CLIENT, entryId: 'f2' }],
  ])('streams %s too to that client, for ten minutes', (_, other) => {
    const { clock, ask } = setUp();
    ask(4, 100);
    expect(ask(1, 100, other)).toEqual(['stream']);
    expect(ask(1, 100, { ...other, client: '10.0.0.2 curl' })).toEqual(['redirect']);
    clock.now += 9 * 60_000;
    expect(ask(1, 0, other)).toEqual(['stream']);
    clock.now += 60_000;
    expect(ask(1, 0, other)).toEqual(['redirect']);
  });

  it('counts every range for itself', () => {
    const { watch } = setUp();
    for (let first = 0; first < 20; first++) expect(watch.judge({ ...CLIENT, first })).toBe('redirect');
  });

  it('does not take a monitor for a client in trouble for long', () => {
    const { ask } = setUp();
    ask(6, 10);
    expect(new Set(ask(100, 10))).toEqual(new Set(['redirect']));
    expect(ask(1, 10, { ...CLIENT, first: 5 })).toEqual(['redirect']);
  });

  it('remembers so many and no more', () => {
    const { ask } = setUp(2);
    ask(3, 10);
    for (const entryId of ['f2', 'f3']) ask(1, 10, { ...CLIENT, entryId });
    expect(ask(3, 10)).toEqual(['redirect', 'redirect', 'redirect']);
  });
});
