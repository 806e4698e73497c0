import { describe, expect, it } from 'vitest';
import { Background, isBackground } from '../../../src/drive/call-signal.ts';

const begin = () => new Background(new AbortController().signal);

describe('Background', () => {
  it('is told from the calls of somebody who waits, until it is raised', () => {
    const work = begin();
    expect([isBackground(undefined), isBackground(new AbortController().signal)]).toEqual([false, false]);
    expect(isBackground(work.signal)).toBe(true);
    work.raise();
    expect(isBackground(work.signal)).toBe(false);
  });

  it('ends with the signal that it was made of', () => {
    const controller = new AbortController();
    const { signal } = new Background(controller.signal);
    controller.abort();
    expect(signal.aborted).toBe(true);
  });

  it('tells once, and at once who comes late, and nobody who has stopped listening', () => {
    const work = begin();
    const heard: string[] = [];
    work.onRaised(() => heard.push('early'));
    work.onRaised(() => heard.push('gone'))();
    work.raise();
    work.raise();
    work.onRaised(() => heard.push('late'));
    expect(heard).toEqual(['early', 'late']);
  });
});
