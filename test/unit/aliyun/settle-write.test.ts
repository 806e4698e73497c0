import { describe, expect, it } from 'vitest';
import { toDriveError } from '../../../src/aliyun/errors.ts';
import { NoAnswerError } from '../../../src/aliyun/http.ts';
import { isAnswerLost, settleWrite } from '../../../src/aliyun/settle-write.ts';
import { DriveError } from '../../../src/drive/errors.ts';

const answered = (status: number, json?: object) =>
  toDriveError({ status, headers: {}, json, text: json ? JSON.stringify(json) : '' });
const reset = () => new NoAnswerError('ECONNRESET', undefined);
const refused = () => answered(409, { code: 'AlreadyExist.File' });

/** Plays the outcomes of tries and look-ups; an Error is thrown. */
function play(tries: readonly unknown[], looks: readonly unknown[], signal?: AbortSignal) {
  const log: string[] = [];
  const next = (what: string, outcomes: unknown[]) => {
    log.push(what);
    const outcome = outcomes.shift();
    if (outcome instanceof Error) throw outcome;
    return outcome as string | undefined;
  };
  const [leftTries, leftLooks] = [[...tries], [...looks]];
  const settled = settleWrite<string>(
    {
      attempt: async (isRepeat) => next(isRepeat ? 'repeat' : 'try', leftTries) ?? '',
      lookUp: async () => next('look', leftLooks),
    },
    { backOff: () => 1, signal },
  );
  return { settled, log };
}

describe('settleWrite', () => {
  it.each([
    ['an answer', ['a'], [], ['try']],
    ['a lost answer of what took effect', [reset()], ['found'], ['try', 'look']],
    ['a lost answer of what did not', [reset(), 'a'], [undefined], ['try', 'look', 'repeat']],
    ['two', [answered(500), answered(200), 'a'], [undefined, undefined], ['try', 'look', 'repeat', 'look', 'repeat']],
  ])('%s', async (_, tries, looks, log) => {
    const played = play(tries, looks);
    expect(await played.settled).toMatch(/a|found/);
    expect(played.log).toEqual(log);
  });

  it.each([
    ['a refusal', [refused()], [], 'already-exists', ['try']],
    ['a refusal of the repetition', [reset(), refused()], [undefined], 'already-exists', ['try', 'look', 'repeat']],
    ['a look that fails', [reset()], [answered(503)], 'unavailable', ['try', 'look']],
    ['a look at what is gone', [reset()], [new DriveError('not-found', '')], 'not-found', ['try', 'look']],
    // The try before may have done it.
    ['a repetition that has to wait', [reset(), answered(429)], [undefined], 'unavailable', ['try', 'look', 'repeat']],
    ['a look that has to wait', [reset()], [answered(429)], 'unavailable', ['try', 'look']],
    [
      'a repetition that finds no room',
      [reset(), new DriveError('quota-exhausted', '')],
      [undefined],
      'unavailable',
      ['try', 'look', 'repeat'],
    ],
    ['a try that finds no room', [new DriveError('quota-exhausted', '')], [], 'quota-exhausted', ['try']],
    [
      'three lost answers',
      [reset(), reset(), reset()],
      [undefined, undefined, undefined],
      'unavailable',
      ['try', 'look', 'repeat', 'look', 'repeat', 'look'],
    ],
  ])('ends with %s', async (_, tries, looks, code, log) => {
    const played = play(tries, looks);
    await expect(played.settled).rejects.toMatchObject({ code });
    expect(played.log).toEqual(log);
  });

  it('is left by who leaves', async () => {
    const { settled, log } = play([reset()], ['found'], AbortSignal.abort());
    await expect(settled).rejects.toMatchObject({ code: 'aborted' });
    expect(log).toEqual(['try']);
  });
});

describe('isAnswerLost', () => {
  it.each([
    ['a reset', reset(), true],
    ['a time-out', new NoAnswerError('ETIMEDOUT', undefined), true],
    ['a refused connection', new NoAnswerError('ECONNREFUSED', undefined), false],
    [
      'a refused connection, tried several times',
      new DriveError('unavailable', '', { cause: new NoAnswerError('ENOTFOUND', undefined) }),
      false,
    ],
    ['a 500', answered(500), true],
    ['a 408', answered(408), true],
    ['a web page', answered(200), true],
    ['an answer without an id', new DriveError('unavailable', ''), true],
    ['a bare 400', answered(400), false],
    ['an unknown 404', answered(404, { code: 'New' }), false],
    ['a throttle', answered(429), false],
    ['a refusal', refused(), false],
    ['who leaves', new DriveError('aborted', ''), false],
    ['a mistake of ours', new TypeError(), false],
  ])('%s: %#', (_, error, expected) => {
    expect(isAnswerLost(error)).toBe(expected);
  });
});
