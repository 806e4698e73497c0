import { describe, expect, it } from 'vitest';
import {
  adjust,
  findGap,
  forgive,
  type LanePlan,
  narrow,
  type Observation,
  ONE_LANE,
  observe,
  retreat,
  toChunkBytes,
  toTurnMs,
} from '../../../src/transfer/lane-plan.ts';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

const planAfter = (observations: readonly Observation[], start: LanePlan = ONE_LANE) =>
  observations.reduce(adjust, start);
const times = (count: number, observation: Observation) => new Array<Observation>(count).fill(observation);

describe('observe', () => {
  const slowHost = { isWanted: true, readyBytes: 0, deliveredBytes: 50_000, elapsedMs: 100, lanes: 1 };
  it.each([
    ['a client that takes all there is', {}, 'client-waits'],
    ['bytes that come in bursts, and not now', { deliveredBytes: 0 }, 'client-waits'],
    ['a client with no room', { isWanted: false, readyBytes: 131_072 }, 'client-is-slow'],
    ['bytes that the client has not fetched yet', { readyBytes: 1 }, 'even'],
    ['a host so fast that lanes would bring nothing', { deliveredBytes: MIB }, 'even'],
    ['three lanes, each of them slow', { deliveredBytes: MIB, lanes: 3 }, 'client-waits'],
    ['no time at all', { elapsedMs: 0 }, 'even'],
  ] as const)('%s', (_, change, expected) => {
    expect(observe({ ...slowHost, ...change })).toBe(expected);
  });
});

describe('the width of a read', () => {
  it.each<[string, readonly Observation[], number]>([
    ['is one at first', [], 1],
    ['stays when the client waited once', times(1, 'client-waits'), 1],
    ['grows by one when it waits on', times(2, 'client-waits'), 2],
    ['grows to three', times(4, 'client-waits'), 3],
    ['grows no further', times(50, 'client-waits'), 3],
    ['stays while both are as fast', times(50, 'even'), 1],
    ['counts across moments that tell nothing', ['client-waits', 'even', 'client-waits'], 2],
    ['does not grow while both wait by turns', ['client-waits', 'client-is-slow', 'client-waits'], 1],
    ['holds while a client pauses for a moment', [...times(4, 'client-waits'), ...times(4, 'client-is-slow')], 3],
    ['shrinks when the client is slow', [...times(4, 'client-waits'), ...times(5, 'client-is-slow')], 2],
    ['shrinks to one', [...times(4, 'client-waits'), ...times(50, 'client-is-slow')], 1],
  ])('%s', (_, observations, width) => {
    expect(planAfter(observations).width).toBe(width);
  });

  it('shrinks by one when a place is called back', () => {
    const wide = planAfter(times(4, 'client-waits'));
    expect([narrow(wide).width, narrow(narrow(wide)).width, narrow(ONE_LANE).width]).toEqual([2, 1, 1]);
  });

  it('is one after a failure, twice as long each time, until a lane has brought its chunk', () => {
    const failed = retreat(planAfter(times(4, 'client-waits')));
    expect([failed.width, planAfter(times(3, 'client-waits'), failed).width]).toEqual([1, 1]);
    expect(planAfter(times(4, 'client-waits'), failed).width).toBe(2);
    const often = times(20, 'even').reduce(retreat, ONE_LANE);
    expect(planAfter(times(95, 'client-waits'), often).width).toBe(1);
    expect(planAfter(times(96, 'client-waits'), often).width).toBe(2);
    expect(planAfter(times(2, 'client-waits'), forgive(often)).width).toBe(2);
  });
});

describe('toChunkBytes', () => {
  it.each([
    ['small at first', 0, GIB, 128 * KIB],
    ['a third of what has been read', 900 * KIB, GIB, 300 * KIB],
    ['a MiB then', 5 * MIB, GIB, MIB],
    ['longer for a long read', 12 * MIB, GIB, 1.5 * MIB],
    ['two MiB at most', 10 * GIB, GIB, 2 * MIB],
    ['smaller towards the end', 5 * MIB, 2 * MIB, MIB / 2],
    ['not too small', 5 * MIB, 300 * KIB, 128 * KIB],
    ['all of a small rest', 5 * MIB, 150 * KIB, 150 * KIB],
  ])('is %s', (_, doneBytes, leftBytes, expected) => {
    expect(toChunkBytes(doneBytes, leftBytes)).toBe(expected);
  });
});

describe('findGap', () => {
  const read = { first: 0, next: 4 * MIB, end: GIB };
  const chunk = (firstMib: number, endMib: number) => ({ first: firstMib * MIB, end: endMib * MIB });
  it.each([
    ['behind a chunk of the read itself', [], chunk(5, 6)],
    ['behind what is under way', [chunk(5, 6), chunk(6, 7)], chunk(7, 8)],
    ['where a chunk was given up', [chunk(5, 5.5), chunk(6, 7)], chunk(5.5, 6)],
    ['where several were', [chunk(5, 6), chunk(8, 9)], chunk(6, 7)],
  ])('is %s', (_, chunks, expected) => {
    expect(findGap(chunks, read)).toEqual(expected);
  });

  it('is nowhere when all is under way', () => {
    expect(findGap([{ first: 5 * MIB, end: 6 * MIB }], { ...read, end: 6 * MIB })).toBeUndefined();
    expect(findGap([], { first: 0, next: 0, end: 150 * KIB })).toBeUndefined();
  });
});

describe('toTurnMs', () => {
  it.each([
    ['two seconds where few wait', 3, 1, false, 2_000],
    ['so short that all have one within three seconds', 3, 5, false, 1_125],
    ['not too short', 3, 100, false, 250],
    ['half a second where a seek waits', 3, 1, true, 500],
  ])('is %s', (_, places, readersWaiting, hasSeekWaiting, expected) => {
    expect(toTurnMs({ places, readersWaiting, hasSeekWaiting })).toBe(expected);
  });
});
