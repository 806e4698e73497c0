import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiClient, type ApiClientOptions, type Endpoint, type UpstreamCall } from '../../../src/aliyun/api-client.ts';
import { type HttpAnswer, type JsonHttp, NoAnswerError } from '../../../src/aliyun/http.ts';
import { Background, type CallSignal } from '../../../src/drive/call-signal.ts';
import { DriveError } from '../../../src/drive/errors.ts';

const LIST: Endpoint = { path: '/list', paceClass: 'list', effect: 'read', hasBare400: true };
const GET: Endpoint = { path: '/get', paceClass: 'other', effect: 'read' };
const WRITE: Endpoint = { path: '/write', paceClass: 'other', effect: 'write' };

type Step =
  | HttpAnswer
  | Error
  | ((signal: AbortSignal | undefined, headers: Readonly<Record<string, string>>) => Promise<HttpAnswer>);

const answer = (status: number, json?: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers,
  json,
  text: json === undefined ? '' : JSON.stringify(json),
});
const ok = (json: unknown = {}) => answer(200, json);
const reset = () => new NoAnswerError('ECONNRESET', undefined);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp(steps: Step[], options: Partial<ApiClientOptions> = {}) {
  const startedAt = performance.now();
  const sent: { url: string; at: number; body: unknown; headers: Readonly<Record<string, string>> }[] = [];
  const calls: UpstreamCall[] = [];
  const lines: string[] = [];
  const http: JsonHttp = {
    async post(url, body, headers, signal) {
      sent.push({ url, at: Math.round(performance.now() - startedAt), body, headers });
      const step = steps.shift();
      if (step === undefined) throw new Error('the script has no more answers');
      if (step instanceof Error) throw step;
      return typeof step === 'function' ? step(signal, headers) : step;
    },
  };
  let accessToken = 'token-1';
  const replaced: string[] = [];
  const api = new ApiClient({
    http,
    baseUrl: 'http://api',
    tokens: {
      getAccessToken: async () => accessToken,
      replaceAccessToken: async (refused) => {
        replaced.push(refused);
        accessToken = 'token-2';
        return accessToken;
      },
    },
    rates: { list: 1000, link: 1000, other: 1000 },
    log: pino({ level: 'debug', base: null }, { write: (line: string) => lines.push(line) }),
    onCall: (call) => calls.push(call),
    random: () => 0,
    ...options,
  });
  return { api, sent, calls, lines, replaced, at: () => sent.map((call) => call.at) };
}

describe('ApiClient', () => {
  it('sends the access token and the constant headers', async () => {
    const { api, sent } = setUp([ok({ a: 1 })], { headers: { 'x-canary': 'c' } });
    expect(await api.call(GET, {})).toEqual({ a: 1 });
    expect(sent[0]).toMatchObject({
      url: 'http://api/get',
      headers: { Authorization: 'Bearer token-1', 'x-canary': 'c' },
    });
  });

  it('logs and reports every call, without secrets', async () => {
    const { api, calls, lines } = setUp([answer(500), ok()]);
    const call = api.call(GET, { secret: 'body' });
    await vi.runAllTimersAsync();
    await call;
    expect(calls.map(({ endpoint, status }) => [endpoint, status])).toEqual([
      ['/get', 500],
      ['/get', 200],
    ]);
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toMatch(/token-1|body/);
  });

  it('shares identical reads in flight, and no writes', async () => {
    const { api, sent } = setUp([ok({ a: 1 }), ok({ a: 2 }), ok(), ok()]);
    const reads = [api.call(GET, { id: 1 }), api.call(GET, { id: 1 }), api.call(GET, { id: 2 })];
    await vi.runAllTimersAsync();
    expect(await Promise.all(reads)).toEqual([{ a: 1 }, { a: 1 }, { a: 2 }]);
    expect(sent).toHaveLength(2);
    const writes = [api.call(WRITE, { id: 1 }), api.call(WRITE, { id: 1 })];
    await vi.runAllTimersAsync();
    await Promise.all(writes);
    expect(sent).toHaveLength(4);
  });

  it('makes a read that was begun in the background urgent when somebody who waits asks for the same', async () => {
    const { api, sent } = setUp([ok(), ok(), ok(), ok()], { rates: { list: 4, link: 1, other: 4 } });
    const begin = () => new Background(new AbortController().signal).signal;
    const call = (body: object, signal?: CallSignal) => api.call(GET, body, signal);
    const all = [call({ id: 'first' }), call({ id: 'A' }, begin()), call({ id: 'B' }, begin()), call({ id: 'a' })];
    await vi.advanceTimersByTimeAsync(0);
    all.push(call({ id: 'B' }));
    await vi.advanceTimersByTimeAsync(2000);
    await Promise.all(all);
    expect(sent.map(({ body }) => (body as { id: string }).id)).toEqual(['first', 'a', 'B', 'A']);
  });

  it('aborts the upstream call only when all who share it have left', async () => {
    let upstream: AbortSignal | undefined;
    const { api } = setUp([
      (signal) => {
        upstream = signal;
        return new Promise(() => {});
      },
    ]);
    const [one, two] = [new AbortController(), new AbortController()];
    const calls = [api.call(GET, {}, one.signal), api.call(GET, {}, two.signal)];
    const settled = Promise.allSettled(calls);
    await vi.advanceTimersByTimeAsync(10);
    one.abort();
    expect(upstream?.aborted).toBe(false);
    two.abort();
    expect(upstream?.aborted).toBe(true);
    expect(await settled).toMatchObject([{ reason: { code: 'aborted' } }, { reason: { code: 'aborted' } }]);
  });

  it.each([
    ['AccessTokenInvalid', 401],
    ['AccessTokenExpired', 401],
    ['I400JD', 400],
  ])('replaces the access token once on %s', async (code, status) => {
    const { api, sent, replaced } = setUp([answer(status, { code }), ok({ a: 1 })]);
    const call = api.call(WRITE, {});
    await vi.runAllTimersAsync();
    expect(await call).toEqual({ a: 1 });
    expect(replaced).toEqual(['token-1']);
    expect(sent[1]?.headers.Authorization).toBe('Bearer token-2');
  });

  it('does not replace it for ever', async () => {
    const refused = answer(401, { code: 'AccessTokenInvalid' });
    const { api, replaced } = setUp([refused, refused]);
    const call = expect(api.call(GET, {})).rejects.toMatchObject({ code: 'unavailable' });
    await vi.runAllTimersAsync();
    await call;
    expect(replaced).toHaveLength(1);
  });

  it('tells a dead login as it is', async () => {
    const dead = new DriveError('login-required', 'Sign in again.');
    const { api, sent } = setUp([], {
      tokens: {
        getAccessToken: async () => {
          throw dead;
        },
        replaceAccessToken: async () => '',
      },
    });
    await expect(api.call(GET, {})).rejects.toBe(dead);
    expect(sent).toHaveLength(0);
  });

  describe('device session', () => {
    const lost = answer(400, { code: 'DeviceSessionSignatureInvalid' });
    function deviceOf() {
      const device = {
        renewals: 0,
        headers: async () => ({ 'x-device-id': 'd', 'x-signature': `s${device.renewals}` }),
        renew: async () => {
          device.renewals += 1;
        },
      };
      return device;
    }

    it('is renewed once for all who were refused together', async () => {
      const device = deviceOf();
      const step: Step = async (_, headers) => (headers['x-signature'] === 's0' ? lost : ok());
      const { api, sent } = setUp([step, step, step, step], { device });
      const calls = [api.call(GET, { id: 1 }), api.call(GET, { id: 2 })];
      await vi.runAllTimersAsync();
      await Promise.all(calls);
      expect(device.renewals).toBe(1);
      expect(sent.map(({ headers }) => headers['x-signature'])).toEqual(
        expect.arrayContaining(['s0', 's0', 's1', 's1']),
      );
    });

    it('is renewed once more when the new one is refused for another reason', async () => {
      const device = deviceOf();
      const forgotten = answer(400, { message: 'not found device info' });
      const { api } = setUp([forgotten, lost, ok()], { device });
      const call = api.call(GET, {});
      await vi.runAllTimersAsync();
      await call;
      expect(device.renewals).toBe(2);
    });

    it('is not renewed for ever', async () => {
      const device = deviceOf();
      const offline = answer(401, { code: 'UserDeviceOffline' });
      const { api, replaced } = setUp([offline, offline], { device });
      const call = expect(api.call(GET, {})).rejects.toMatchObject({ code: 'unavailable' });
      await vi.runAllTimersAsync();
      await call;
      expect(device.renewals).toBe(1);
      expect(replaced).toEqual([]);
    });
  });

  it.each([
    ['a reset', () => reset()],
    ['a 503', () => answer(503)],
    ['a page', () => answer(200, undefined)],
    ['null', () => answer(200, null)],
  ])('retries a read after %s', async (_, failure) => {
    const { api, at } = setUp([failure(), failure(), failure(), ok({ a: 1 })]);
    const call = api.call(GET, {});
    await vi.runAllTimersAsync();
    expect(await call).toEqual({ a: 1 });
    expect(at()).toEqual([0, 187, 937, 3937]);
  });

  it('gives a read up after four tries, saying when to come back', async () => {
    const { api, sent } = setUp([reset(), reset(), reset(), reset()]);
    const call = expect(api.call(GET, {})).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 12_000 });
    await vi.runAllTimersAsync();
    await call;
    expect(sent).toHaveLength(4);
  });

  it.each([
    ['reset', reset()],
    ['500', answer(500)],
  ])('never repeats a write after a %s', async (_, failure) => {
    const { api, sent } = setUp([failure]);
    await expect(api.call(WRITE, {})).rejects.toMatchObject({ code: 'unavailable' });
    expect(sent).toHaveLength(1);
  });

  it('takes an empty answer for a success only where it may be one', async () => {
    const { api } = setUp([answer(204), answer(204), { ...ok(), json: undefined, text: '<html>' }]);
    const mayBeEmpty = { ...WRITE, mayBeEmpty: true };
    const calls = Promise.allSettled([api.call(mayBeEmpty, {}), api.call(WRITE, {}), api.call(mayBeEmpty, {})]);
    await vi.runAllTimersAsync();
    expect(await calls).toMatchObject([
      { value: undefined },
      { reason: { code: 'unavailable' } },
      { reason: { code: 'unavailable' } },
    ]);
  });

  it('asks for a body that depends on the access token with each try, and sends it with that very one', async () => {
    const { api, sent } = setUp([answer(401, { code: 'AccessTokenInvalid' }), ok({ a: 1 })]);
    const call = api.call(WRITE, async (accessToken) => ({ proof: accessToken }));
    await vi.runAllTimersAsync();
    expect(await call).toEqual({ a: 1 });
    expect(sent.map(({ body, headers }) => [body, headers.Authorization])).toEqual([
      [{ proof: 'token-1' }, 'Bearer token-1'],
      [{ proof: 'token-2' }, 'Bearer token-2'],
    ]);
  });

  it('joins no call in flight where it must see what was written before', async () => {
    const { api, sent } = setUp([ok({ a: 1 }), ok({ a: 2 }), ok({ a: 3 })]);
    const fresh = { ...GET, isUnshared: true };
    const reads = [api.call(GET, { id: 1 }), api.call(fresh, { id: 1 }), api.call(fresh, { id: 1 })];
    await vi.runAllTimersAsync();
    expect(await Promise.all(reads)).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
    expect(sent).toHaveLength(3);
  });

  it('retries a list once after a 400 that has no code', async () => {
    const { api, at } = setUp([answer(400, {}), ok({ items: [] }), answer(400, {}), answer(400, {})]);
    const good = api.call(LIST, {});
    await vi.runAllTimersAsync();
    expect(await good).toEqual({ items: [] });
    expect(at()).toEqual([0, 2000]);
    const bad = expect(api.call(LIST, {})).rejects.toMatchObject({ code: 'unavailable' });
    await vi.runAllTimersAsync();
    await bad;
  });

  it('holds the whole class while the service asks for it, and no other', async () => {
    const throttle = answer(429, { code: 'TooManyRequests' }, { 'x-retry-after': '1500' });
    const { api, sent } = setUp([throttle, ok(), ok(), ok()]);
    const first = api.call(LIST, { id: 1 });
    await vi.advanceTimersByTimeAsync(100);
    const rest = [api.call(LIST, { id: 2 }), api.call(GET, {})];
    await vi.runAllTimersAsync();
    await Promise.all([first, ...rest]);
    expect(sent.map(({ url, at }) => [url, at])).toEqual([
      ['http://api/list', 0],
      ['http://api/get', 100],
      ['http://api/list', 1500],
      ['http://api/list', 1501],
    ]);
  });

  it('waits 1 and 5 s after throttles that do not say how long, then says when to come back', async () => {
    const { api, at } = setUp([answer(429), answer(429), answer(429), ok()]);
    const call = api.call(GET, {});
    await vi.runAllTimersAsync();
    await call;
    expect(at()).toEqual([0, 1000, 6000, 31_000]);
    const throttled = setUp([answer(429, undefined, { 'x-retry-after': '90000' })]);
    await expect(throttled.api.call(GET, {})).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 90_000 });
    await expect(throttled.api.call(GET, {})).rejects.toMatchObject({ code: 'throttled' });
    expect(throttled.sent).toHaveLength(1);
  });

  it('stops waiting for a retry when the caller leaves', async () => {
    const { api, sent } = setUp([reset()]);
    const controller = new AbortController();
    const call = expect(api.call(GET, {}, controller.signal)).rejects.toMatchObject({ code: 'aborted' });
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    await call;
    await vi.runAllTimersAsync();
    expect(sent).toHaveLength(1);
  });
});
