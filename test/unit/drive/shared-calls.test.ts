import { describe, expect, it } from 'vitest';
import { SharedCalls } from '../../../src/drive/shared-calls.ts';

function setUp() {
  const shared = new SharedCalls<string>();
  const started: { signal: AbortSignal; resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
  const ask = (key: string, signal?: AbortSignal) =>
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
});
