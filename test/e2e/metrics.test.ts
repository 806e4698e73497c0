import { afterEach, expect, it } from 'vitest';
import { readSamples } from '../support/metrics.ts';
import { type Stack, type StackOptions, startStack } from '../support/stack.ts';
import { ask, propfind, until } from './requests.ts';

const METRICS = '/.alidav/metrics';
const CURL = { 'User-Agent': 'curl/8.5.0' };
const FINDER = { 'User-Agent': 'WebDAVFS/3.0.0 (03008000) Darwin/23.0.0 (arm64)' };
const CONTENT = Buffer.alloc(300_000, 'x');

let stack: Stack;
afterEach(() => stack.close());

async function setUp(options: StackOptions = {}): Promise<Stack> {
  stack = await startStack(options);
  const { store, drives } = stack.emulator;
  const folder = store.addFolder(store.root(drives.backup), 'Secret plans');
  store.addFile(folder, 'film.mp4', CONTENT);
  return stack;
}

async function scrape(headers: Record<string, string> = {}): Promise<string> {
  const answer = await ask(stack.url, METRICS, { headers });
  expect([answer.status, answer.isWhole]).toEqual([200, true]);
  return answer.text;
}

/** The series of one metric that are not 0, by their labels. */
async function series(name: string): Promise<Record<string, number>> {
  const samples = [...readSamples(await scrape())].filter(([key, value]) => key.startsWith(`${name}{`) && value !== 0);
  return Object.fromEntries(samples.map(([key, value]) => [key.slice(name.length), value]));
}

/** What was counted when the last answer was over: a client has it a moment earlier. */
async function countedRequests(count: number): Promise<Record<string, number>> {
  const read = () => series('alidav_requests_total');
  const sum = async () => Object.values(await read()).reduce((one, other) => one + other, 0);
  await until(async () => (await sum()) >= count, 5_000, `${count} requests are counted`);
  return read();
}

it('counts exactly what was asked for, delivered and called', async () => {
  await setUp({ kind: 'open' });
  const film = '/Secret%20plans/film.mp4';
  expect((await propfind(stack.url, '/Secret%20plans/', '1', { headers: CURL })).status).toBe(207);
  expect((await propfind(stack.url, '/Secret%20plans/', '1', { headers: FINDER })).status).toBe(207);
  expect((await ask(stack.url, film, { headers: CURL })).status).toBe(302);
  expect((await ask(stack.url, film, { headers: FINDER })).body.equals(CONTENT)).toBe(true);
  expect((await ask(stack.url, '/nothing', { headers: CURL })).status).toBe(404);
  expect((await ask(stack.url, '/.alidav/health')).status).toBe(200);
  expect((await ask(stack.url, '/', { method: 'PURGE', headers: { 'User-Agent': 'Secret Agent' } })).status).toBe(501);

  expect(await countedRequests(6)).toEqual({
    '{method="PROPFIND",status="207",client="curl"}': 1,
    '{method="PROPFIND",status="207",client="finder"}': 1,
    '{method="GET",status="302",client="curl"}': 1,
    '{method="GET",status="200",client="finder"}': 1,
    '{method="GET",status="404",client="curl"}': 1,
    '{method="other",status="501",client="unknown"}': 1,
  });
  expect(await series('alidav_deliveries_total')).toEqual({
    '{delivery="redirect",client="curl"}': 1,
    '{delivery="stream",client="finder"}': 1,
  });
  expect(await series('alidav_upstream_calls_total')).toEqual({
    '{endpoint="/oauth/access_token",status="200"}': 1,
    '{endpoint="/adrive/v1.0/user/getDriveInfo",status="200"}': 1,
    '{endpoint="/adrive/v1.0/openFile/list",status="200"}': 2,
    '{endpoint="/adrive/v1.0/openFile/getDownloadUrl",status="200"}': 1,
    '{endpoint="storage GET",status="206"}': 1,
  });
  const samples = readSamples(await scrape());
  expect(samples.get('alidav_queue_wait_seconds_count{queue="list",priority="interactive"}')).toBe(2);
  expect(samples.get('alidav_queue_wait_seconds_count{queue="link",priority="interactive"}')).toBe(1);
  expect(samples.get('alidav_queue_wait_seconds_count{queue="body",priority="interactive"}')).toBe(1);
  expect(samples.get('alidav_received_bytes_total')).toBe(CONTENT.length);
  expect(samples.get('alidav_sent_bytes_total')).toBeGreaterThan(CONTENT.length);
  expect(samples.get('alidav_request_duration_seconds_count{method="GET",delivery="stream"}')).toBe(1);
  expect(samples.get('alidav_bodies_limit')).toBe(3);
  expect(samples.get('alidav_bodies_in_use')).toBe(0);
  expect(samples.get('alidav_account_state{state="ready"}')).toBe(1);
  expect(samples.get('alidav_access_token_age_seconds')).toBeLessThan(60);
  expect(samples.get('alidav_access_token_expires_in_seconds')).toBeGreaterThan(60);
  expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(2 ** 20);
});

it('counts uploads by how they ended', async () => {
  await setUp();
  const put = (name: string, body: Buffer, headers: Record<string, string> = {}) =>
    ask(stack.url, `/${name}`, { method: 'PUT', body, headers });
  expect((await put('new.bin', Buffer.alloc(5_000, 1))).status).toBe(201);
  expect((await put('same.bin', CONTENT)).status).toBe(201);
  expect((await put('bad.bin', Buffer.from('x'), { 'OC-Checksum': `SHA1:${'0'.repeat(40)}` })).status).toBe(400);
  expect(await series('alidav_uploads_total')).toEqual({
    '{outcome="finished"}': 1,
    '{outcome="instant"}': 1,
    '{outcome="failed"}': 1,
  });
  const samples = readSamples(await scrape());
  expect([samples.get('alidav_uploads_running'), samples.get('alidav_uploaded_bytes_total')]).toEqual([0, 5_000]);
});

it('shows who waits for a turn', async () => {
  await setUp({ kind: 'open' });
  const { store, drives } = stack.emulator;
  for (let number = 0; number < 8; number++) store.addFolder(store.root(drives.backup), `f${number}`);
  await propfind(stack.url, '/', '1');
  const walk = Promise.all(Array.from({ length: 8 }, (_, number) => propfind(stack.url, `/f${number}/`, '1')));
  const length = async () => readSamples(await scrape()).get('alidav_queue_length{queue="list"}') ?? 0;
  await until(async () => (await length()) > 3, 2_000, 'several wait');
  await walk;
  expect(await length()).toBe(0);
});

it('needs the credentials, and answers GET and HEAD alone', async () => {
  await setUp({ env: { ALIDAV_USER: 'me', ALIDAV_PASSWORD: 'a-long-password' } });
  const headers = { Authorization: `Basic ${Buffer.from('me:a-long-password').toString('base64')}` };
  const bare = await ask(stack.url, METRICS);
  expect([bare.status, bare.text.includes('alidav_')]).toEqual([401, false]);
  const answer = await ask(stack.url, METRICS, { headers });
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const head = await ask(stack.url, METRICS, { method: 'HEAD', headers });
  expect([head.status, head.text, Number(head.headers['content-length']) > 0]).toEqual([200, '', true]);
  const post = await ask(stack.url, METRICS, { method: 'POST', headers });
  expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD']);
  const lines = stack.logLines.filter(({ path, level }) => path === METRICS && level === 30);
  // Who is turned away may be guessing; Prometheus itself is not worth a line.
  expect(lines.map(({ status }) => status)).toEqual([401]);
});

it('is open where the setting says so, and nothing else is', async () => {
  await setUp({ env: { ALIDAV_USER: 'me', ALIDAV_PASSWORD: 'a-long-password', ALIDAV_METRICS_OPEN: 'true' } });
  expect(await scrape()).toContain('alidav_info{version="0.0.0-test"} 1');
  expect((await propfind(stack.url, '/', '0')).status).toBe(401);
  expect((await ask(stack.url, '/.alidav/')).status).toBe(401);
});

it('asks the service for nothing, also before anybody is signed in', async () => {
  await setUp({ env: { ALIDAV_REFRESH_TOKEN: 'nothing-good' } });
  await until(() => stack.logLines.some(({ msg }) => msg === 'the login needs you'), 5_000, 'the login has failed');
  const before = stack.emulator.calls.count();
  const samples = readSamples(await scrape());
  expect(stack.emulator.calls.count()).toBe(before);
  expect(samples.get('alidav_account_state{state="dead"}')).toBe(1);
  expect(samples.has('alidav_access_token_age_seconds')).toBe(false);
});

it.each(['page', 'app', 'open'] as const)('tells no secret and nothing of anybody: %s', async (kind) => {
  const password = 'a-long-password';
  await setUp({ kind, env: { ALIDAV_USER: 'me', ALIDAV_PASSWORD: password } });
  const headers = { Authorization: `Basic ${Buffer.from(`me:${password}`).toString('base64')}`, ...FINDER };
  await propfind(stack.url, '/Secret%20plans/', '1', { headers });
  await ask(stack.url, '/Secret%20plans/film.mp4', { headers });
  await ask(stack.url, '/Secret%20plans/new.bin', { method: 'PUT', body: CONTENT, headers });
  await ask(stack.url, '/.alidav/t/a-link-token/film.mp4', { headers });
  await ask(stack.url, '/Secret%20plans/film.mp4?token=a-link-token', { headers: { 'User-Agent': 'Secret Agent' } });
  const text = await scrape(headers);
  const { app, emulator } = stack;
  const secrets = [
    await app.connection.account.getAccessToken(),
    password,
    headers.Authorization,
    (await app.connection.account.getIdentity()).userId,
    emulator.drives.backup,
    emulator.client.secret,
  ];
  const told = ['Secret', 'plans', 'film', 'new.bin', 'a-link-token', '127.0.0.1', 'x-oss', 'WebDAVFS', '%20', 'me"'];
  for (const word of [...secrets, ...told]) expect([word, text.includes(word)]).toEqual([word, false]);
});
