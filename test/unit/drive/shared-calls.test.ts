import { describe, expect, it } from 'vitest';
import { Background, type CallSignal, isBackground } from '../../../src/drive/call-signal.ts';
import { SharedCalls } from '../../../src/drive/shared-calls.ts';

function setUp() {
  const shared = new SharedCalls<string>();
  const started: { signal: CallSignal; resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
  const ask = (key: string, signal?: CallSignal) =>
    shared.join(
      key,
      (allLeft) =>
        new Promise<string>((resolve, reject) => {
          started.push({ signal: allLeft, resolve, reject });
        }),
      signal,
    );
  return { ask, started };
}

type Ask = ReturnType<typeof setUp>['ask'];

describe('SharedCalls', () => {
  it('makes one call for all who ask the same', async () => {
    const { ask, started } = setUp();
    const answers = [ask('a'), ask('a', new AbortController().signal), ask('b')];
    expect(started).toHaveLength(2);
    started[0]?.resolve('A');
    started[1]?.resolve('B');
    expect(await Promise.all(answers)).toEqual(['A', 'A', 'B']);
  });

  it('asks again once an answer is there, and after a failure', async () => {
    const { ask, started } = setUp();
    const first = ask('a');
    started[0]?.reject(new Error('no'));
    await expect(first).rejects.toThrow('no');
    const second = ask('a');
    started[1]?.resolve('A');
    expect(await second).toBe('A');
    void ask('a');
    expect(started).toHaveLength(3);
  });

  it('lets one leave without the others noticing, and aborts the call when the last has left', async () => {
    const { ask, started } = setUp();
    const [one, two] = [new AbortController(), new AbortController()];
    const calls = [ask('a', one.signal), ask('a', two.signal)];
    one.abort();
    await expect(calls[0]).rejects.toMatchObject({ code: 'aborted' });
    expect(started[0]?.signal.aborted).toBe(false);
    two.abort();
    await expect(calls[1]).rejects.toMatchObject({ code: 'aborted' });
    expect(started[0]?.signal.aborted).toBe(true);
  });

  it('never aborts a call that somebody waits for without a signal', async () => {
    const { ask, started } = setUp();
    const controller = new AbortController();
    const [patient, hasty] = [ask('a'), ask('a', controller.signal)];
    controller.abort();
    await expect(hasty).rejects.toMatchObject({ code: 'aborted' });
    started[0]?.resolve('A');
    expect(await patient).toBe('A');
  });

  it('starts a new call for one who comes after the last has left', async () => {
    const { ask, started } = setUp();
    const controller = new AbortController();
    const left = ask('a', controller.signal);
    controller.abort();
    const next = ask('a');
    await expect(left).rejects.toMatchObject({ code: 'aborted' });
    started[0]?.reject(new Error('aborted'));
    started[1]?.resolve('A');
    expect(await next).toBe('A');
  });

  describe('that was begun in the background', () => {
    const background = () => new Background(new AbortController().signal);

    function begin() {
      const { ask, started } = setUp();
      const first = background();
      void ask('a', first.signal);
      return { ask, first, isStillBackground: () => isBackground(started[0]?.signal), started };
    }

    it('stays there while all who share it are', () => {
      const { ask, isStillBackground, started } = begin();
      void ask('a', background().signal);
      expect([isStillBackground(), started.length]).toEqual([true, 1]);
    });

    it.each([
      ['asks as well', (ask: Ask) => void ask('a')],
      ['who may leave asks as well', (ask: Ask) => void ask('a', new AbortController().signal)],
      ['waits for the first', (_ask: Ask, first: Background) => first.raise()],
    ])('is raised when somebody %s', (_what, happen) => {
      const { ask, first, isStillBackground } = begin();
      happen(ask, first);
      expect(isStillBackground()).toBe(false);
    });

    it('hears nothing more of one who has left', async () => {
      const { ask, isStillBackground } = begin();
      const controller = new AbortController();
      const other = new Background(controller.signal);
      const left = ask('a', other.signal);
      controller.abort();
      await expect(left).rejects.toMatchObject({ code: 'aborted' });
      other.raise();
      expect(isStillBackground()).toBe(true);
    });
  });

  it('is urgent from the start where somebody waits', () => {
    const { ask, started } = setUp();
    void ask('a');
    void ask('a', new Background(new AbortController().signal).signal);
    expect(isBackground(started[0]?.signal)).toBe(false);
  });
});
