import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMetrics, type Metrics } from '../../../../src/admin/metrics/metrics.ts';
import { readSamples } from '../../../support/metrics.ts';

const NOW = Date.UTC(2026, 0, 1);
const REQUEST = { method: 'GET', status: 200, client: 'curl', delivery: undefined, bytes: 10, ms: 20 } as const;

const made: Metrics[] = [];
afterEach(() => {
  for (const metrics of made.splice(0)) metrics.stop();
});

function setUp() {
  const metrics = createMetrics({ version: '1.2.3', now: () => NOW });
  made.push(metrics);
  const read = async (name: string) => readSamples(await metrics.render()).get(name);
  return { metrics, read };
}

describe('requests', () => {
  it.each([
    ['a method of ours', { method: 'PROPFIND' }, 'method="PROPFIND",status="200",client="curl"'],
    ['a method of somebody', { method: 'M-SEARCH' }, 'method="other",status="200",client="curl"'],
    ['one whose client left', { status: undefined }, 'method="GET",status="none",client="curl"'],
    ['one that nobody classified', { client: undefined }, 'method="GET",status="200",client="unknown"'],
  ])('are counted: %s', async (_what, changes, labels) => {
    const { metrics, read } = setUp();
    metrics.onRequest({ ...REQUEST, ...changes });
    expect(await read(`alidav_requests_total{${labels}}`)).toBe(1);
    expect(await read('alidav_sent_bytes_total')).toBe(10);
  });

  it('are timed by how a file is delivered', async () => {
    const { metrics, read } = setUp();
    metrics.onRequest({ ...REQUEST, delivery: 'stream', ms: 4_000 });
    metrics.onRequest(REQUEST);
    expect(await read('alidav_request_duration_seconds_sum{method="GET",delivery="stream"}')).toBe(4);
    expect(await read('alidav_request_duration_seconds_bucket{le="0.025",method="GET",delivery="none"}')).toBe(1);
    expect(await read('alidav_deliveries_total{delivery="stream",client="curl"}')).toBe(1);
  });
});

it('bear a clock that was set back, and a connection that counts oddly', async () => {
  const { metrics, read } = setUp();
  metrics.onRequest({ ...REQUEST, ms: -5_000, bytes: -1 });
  metrics.onRequest({ ...REQUEST, bytes: Number.NaN });
  metrics.onBodyWait(-5_000);
  expect(await read('alidav_request_duration_seconds_sum{method="GET",delivery="none"}')).toBe(0.02);
  expect(await read('alidav_sent_bytes_total')).toBe(0);
  expect(await read('alidav_queue_wait_seconds_sum{queue="body",priority="interactive"}')).toBe(0);
});

describe('queues', () => {
  it('show who waits, and for how long those waited who have their turn', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const { metrics, read } = setUp();
      const ends = [metrics.onWait('list', false), metrics.onWait('list', true), metrics.onWait('list', false)];
      expect(await read('alidav_queue_length{queue="list"}')).toBe(3);
      vi.advanceTimersByTime(1_500);
      ends[0]?.(true);
      ends[1]?.(true);
      ends[2]?.(false);
      expect(await read('alidav_queue_length{queue="list"}')).toBe(0);
      expect(await read('alidav_queue_wait_seconds_sum{queue="list",priority="interactive"}')).toBe(1.5);
      expect(await read('alidav_queue_wait_seconds_count{queue="list",priority="interactive"}')).toBe(1);
      expect(await read('alidav_queue_wait_seconds_count{queue="list",priority="background"}')).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('show who reads, once there is somebody to be asked', async () => {
    const { metrics, read } = setUp();
    expect(await read('alidav_bodies_limit')).toBeUndefined();
    expect([await read('alidav_bodies_in_use'), await read('alidav_lanes_in_use')]).toEqual([0, 0]);
    metrics.watchBodies({ places: 3, bodiesInUse: 2, lanesInUse: 1, readersWaiting: 4 });
    metrics.onBodyWait(250);
    expect([await read('alidav_bodies_limit'), await read('alidav_bodies_in_use')]).toEqual([3, 2]);
    expect([await read('alidav_lanes_in_use'), await read('alidav_queue_length{queue="body"}')]).toEqual([1, 4]);
    expect(await read('alidav_queue_wait_seconds_sum{queue="body",priority="interactive"}')).toBe(0.25);
  });
});

it('counts calls, bytes, uploads and look-ups', async () => {
  const { metrics, read } = setUp();
  metrics.onCall({ endpoint: '/list', status: 429, ms: 100 });
  metrics.onBytes('received', 7);
  metrics.onBytes('uploaded', 8);
  metrics.onLookup('hit');
  const end = metrics.onUpload();
  expect(await read('alidav_uploads_running')).toBe(1);
  end('instant');
  const names = [
    'alidav_upstream_calls_total{endpoint="/list",status="429"}',
    'alidav_received_bytes_total',
    'alidav_uploaded_bytes_total',
    'alidav_cache_lookups_total{outcome="hit"}',
    'alidav_cache_lookups_total{outcome="miss"}',
    'alidav_uploads_running',
    'alidav_uploads_total{outcome="instant"}',
  ];
  expect(await Promise.all(names.map(read))).toEqual([1, 7, 8, 1, 0, 0, 1]);
});

it('shows the login, and no age of a token that there is not', async () => {
  const { metrics, read } = setUp();
  expect(await read('alidav_access_token_age_seconds')).toBeUndefined();
  metrics.watchAccount(() => ({
    state: 'offline',
    accessTokenIssuedAt: NOW - 3_000,
    accessTokenExpiresAt: NOW + 7_000,
  }));
  expect(await read('alidav_access_token_age_seconds')).toBe(3);
  expect(await read('alidav_access_token_expires_in_seconds')).toBe(7);
  expect([
    await read('alidav_account_state{state="offline"}'),
    await read('alidav_account_state{state="ready"}'),
  ]).toEqual([1, 0]);
});

it('shows the process', async () => {
  const { read } = setUp();
  expect(await read('process_resident_memory_bytes')).toBeGreaterThan(2 ** 20);
  expect(await read('process_cpu_seconds_total')).toBeGreaterThan(0);
});

it.each([
  ['since the last scrape', false],
  ['no more, once it is stopped,', true],
])('shows %s how late the event loop was', async (_when, isStopped) => {
  const { metrics, read } = setUp();
  expect(await read('nodejs_eventloop_lag_max_seconds')).toBe(0);
  if (isStopped) metrics.stop();
  await delay(60);
  const until = performance.now() + 200;
  while (performance.now() < until);
  await delay(60);
  const lag = await read('nodejs_eventloop_lag_max_seconds');
  expect(lag).toSatisfy((value: number) => (isStopped ? value < 0.1 : value > 0.1));
});

it('keeps the numbers of two apps apart', async () => {
  const [one, other] = [setUp(), setUp()];
  one.metrics.onLookup('hit');
  expect(await other.read('alidav_cache_lookups_total{outcome="hit"}')).toBe(0);
});
