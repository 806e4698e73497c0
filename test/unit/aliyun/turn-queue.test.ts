import { describe, expect, it } from 'vitest';
import { TurnQueue } from '../../../src/aliyun/turn-queue.ts';

/** Those in upper case are in the background. */
function setUp(waiters: string): TurnQueue<string> {
  const queue = new TurnQueue<string>();
  for (const waiter of waiters) queue.add(waiter, isUpper(waiter), false);
  return queue;
}

const isUpper = (waiter: string) => waiter === waiter.toUpperCase();

function drain(queue: TurnQueue<string>): string {
  let order = '';
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) order += next;
  return order;
}

describe('TurnQueue', () => {
  it.each([
    ['each kind in the order of its coming', 'aAbBc', 'abcAB'],
    ['the background alone', 'AB', 'AB'],
    ['nobody', '', ''],
    ['one of the background after eight others', 'ABCabcdefghijklmnopqrstuv', 'abcdefghAijklmnopBqrstuvC'],
    ['all who came before the background, however many', 'abcdefghijklmAn', 'abcdefghijklmAn'],
  ])('gives turns to %s', (_case, waiters, order) => {
    expect(drain(setUp(waiters))).toBe(order);
  });

  it('does not let the background save up turns from when it was not there', () => {
    const queue = setUp('abcdefghijk');
    const before = Array.from({ length: 8 }, () => queue.shift()).join('');
    queue.add('A', true, false);
    expect(before + drain(queue)).toBe('abcdefghijkA');
  });

  it('never starves the background, however many come', () => {
    const queue = setUp('A');
    const turns: (string | undefined)[] = [];
    for (let turn = 0; turn < 20; turn++) {
      queue.add('x', false, false);
      turns.push(queue.shift());
    }
    expect(turns.indexOf('A')).toBe(8);
  });

  it('lets who is first go before his own kind alone', () => {
    const queue = setUp('abA');
    queue.add('c', false, true);
    queue.add('C', true, true);
    expect(drain(queue)).toBe('cabCA');
  });

  it('lets who tries anew go before the background, whenever he comes', () => {
    const queue = setUp('Aabcdefgh');
    for (let turn = 0; turn < 8; turn++) queue.shift();
    queue.add('z', false, true);
    expect(drain(queue)).toBe('zA');
  });

  it('moves who is raised behind those who waited as urgently before', () => {
    const queue = setUp('ABab');
    queue.raise('B');
    expect(drain(queue)).toBe('abBA');
  });

  it('forgets who has left', () => {
    const queue = setUp('abAB');
    for (const gone of 'aB') queue.remove(gone);
    queue.remove('nobody');
    expect([queue.length, drain(queue)]).toEqual([2, 'bA']);
  });

  it.each([
    ['abcA', false, 3],
    ['abcABC', true, 6],
    ['', false, 0],
    ['abcdefghijklmnopA', false, 17],
    ['abcdefghijklmnopABC', false, 18],
  ])('counts who is ahead in %s', (waiters, isBackground, ahead) => {
    expect(setUp(waiters).countAhead(isBackground)).toBe(ahead);
  });

  it.each(['abcA', 'abcdefghijklmnopA', 'abcdefghABC'])('counts right for one more behind %s', (waiters) => {
    const queue = setUp(waiters);
    const ahead = queue.countAhead(false);
    queue.add('z', false, false);
    expect(drain(queue).indexOf('z')).toBe(ahead);
  });
});
