import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApiClient, Endpoint } from '../../../src/aliyun/api-client.ts';
import { toDriveError } from '../../../src/aliyun/errors.ts';
import { Tasks } from '../../../src/aliyun/tasks.ts';

const ENDPOINT: Endpoint = { path: '/task', paceClass: 'other', effect: 'read' };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp(answers: readonly unknown[]) {
  const left = [...answers];
  const asked: { body: unknown; at: number }[] = [];
  const startedAt = Date.now();
  const call = async (_endpoint: Endpoint, body: unknown) => {
    asked.push({ body, at: Date.now() - startedAt });
    const answer = left.length > 1 ? left.shift() : left[0];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { tasks: new Tasks({ call } as unknown as ApiClient, ENDPOINT), asked };
}

const refusal = (status: number, code?: string) =>
  toDriveError({ status, headers: {}, json: code ? { code } : undefined, text: '' });

describe('Tasks', () => {
  it('asks at once, then ever less often, until the end', async () => {
    const running = { state: 'Running' };
    const { tasks, asked } = setUp([...Array.from({ length: 9 }, () => running), { state: 'Succeed' }]);
    const done = tasks.await('T');
    await vi.runAllTimersAsync();
    await done;
    const waits = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? 0));
    expect(asked[0]).toEqual({ body: { async_task_id: 'T' }, at: 0 });
    expect([waits[0], waits.at(-1)]).toEqual([200, 2000]);
  });

  it.each([
    ['Failed', 'no room', 'AliyunDrive could not do this: no room'],
    ['Failed', undefined, 'AliyunDrive could not do this.'],
    ['PartialSucceed', '', 'AliyunDrive could do this only in part.'],
    ['Failed', `file ${'a1'.repeat(20)}`, 'AliyunDrive could not do this.'],
  ])('tells the failure %s: %s', async (state, message, expected) => {
    const { tasks } = setUp([{ state, message }]);
    await expect(tasks.await('T')).rejects.toMatchObject({ code: 'task-failed', message: expected });
  });

  it.each([
    ['NotFound.AsyncTask', 404],
    ['NotFound.File', 400],
  ])('takes a forgotten task for ended: %s', async (code, status) => {
    await setUp([refusal(status, code)]).tasks.await('T');
  });

  it.each([
    ['an unknown path', refusal(404)],
    ['a failure', refusal(503)],
  ])('does not take %s for an end', async (_, error) => {
    await expect(setUp([error]).tasks.await('T')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('gives up on answers that say nothing', async () => {
    const waiting = expect(setUp([{}]).tasks.await('T')).rejects.toMatchObject({ code: 'unavailable' });
    await vi.runAllTimersAsync();
    await waiting;
  });

  it('is left by who leaves', async () => {
    const controller = new AbortController();
    const waiting = setUp([{ state: 'Running' }]).tasks.await('T', controller.signal);
    const left = expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    await left;
  });

  it.each([
    [{ async_task_id: 'T' }, 1],
    [{ async_task_id: null }, 0],
    [{}, 0],
  ])('settles what %j speaks of', async (answer, calls) => {
    const { tasks, asked } = setUp([{ state: 'Succeed' }]);
    await tasks.settle(answer);
    expect(asked).toHaveLength(calls);
  });
});
