import { expect, it } from 'vitest';
import type { UpstreamCall } from '../../../src/aliyun/api-client.ts';
import { type HttpAnswer, NoAnswerError } from '../../../src/aliyun/http.ts';
import { observeHttp } from '../../../src/aliyun/observed-http.ts';

const ANSWER: HttpAnswer = { status: 400, headers: {}, json: {}, text: '{}' };

it.each([
  ['an answer', async () => ANSWER, 400],
  ['none', () => Promise.reject(new NoAnswerError('ECONNRESET', undefined)), 0],
])('reports a call that got %s by its path alone', async (_what, post, status) => {
  const calls: UpstreamCall[] = [];
  const http = observeHttp({ post }, (call) => calls.push(call));
  const asked = http.post('https://auth.example/v2/account/token?secret=1', { refresh_token: 'secret' }, {});
  if (status === 0) await expect(asked).rejects.toBeInstanceOf(NoAnswerError);
  else expect(await asked).toBe(ANSWER);
  expect(calls).toEqual([{ endpoint: '/v2/account/token', status, ms: expect.any(Number) }]);
});
