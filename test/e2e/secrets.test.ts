import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { accountEnv, LOGIN_KINDS, startStack } from '../support/stack.ts';
import { makeMachine } from './alidav-process.ts';
import { ask, propfind } from './requests.ts';

const PASSWORD = 'a-password-of-its-own';

const machines: { close(): void }[] = [];
afterAll(() => {
  for (const machine of machines) machine.close();
});

/** All that a login's file holds, tokens of every generation that was on disk. */
function tokensIn(stateDir: string): string[] {
  const accounts = path.join(stateDir, 'accounts');
  return readdirSync(accounts).flatMap((file) => {
    const { accessToken, refreshToken, previousRefreshToken } = JSON.parse(
      readFileSync(path.join(accounts, file), 'utf8'),
    );
    return [accessToken, refreshToken, previousRefreshToken].filter(Boolean);
  });
}

function expectNone(secrets: Iterable<string>, told: string): void {
  for (const secret of secrets) expect([secret, told.includes(secret)]).toEqual([secret, false]);
}

it.concurrent.each(LOGIN_KINDS)('a %s login: no secret is in a log line, an error or an answer', async (kind) => {
  const env = { ALIDAV_USER: 'me', ALIDAV_PASSWORD: PASSWORD, ALIDAV_LOG_LEVEL: 'trace', ALIDAV_LIST_FRESH_S: '0' };
  const emulator = await startEmulator({ content: 'empty' });
  const machine = makeMachine();
  machines.push(machine);
  const account = accountEnv(emulator, kind);
  const { store, drives, tokens, faults } = emulator;
  store.addFile(store.root(drives.backup), 'film.mp4', Buffer.alloc(300_000, 'x'));
  store.addFile(store.root(drives.backup), 'bad.mp4', 'x', { punishment: 'placeholder' });
  const secrets = new Set([account.ALIDAV_REFRESH_TOKEN ?? '', emulator.client.secret, PASSWORD]);
  const basic = Buffer.from(`me:${PASSWORD}`).toString('base64');
  secrets.add(basic);
  const answers: string[] = [];
  const drive = `/${encodeURIComponent('备份盘')}`;

  const served = await machine.serve(['serve'], { ...account, ...env });
  const get = async (target: string, headers: Record<string, string> = {}) => {
    const answer = await ask(served.url, target, { headers: { Authorization: `Basic ${basic}`, ...headers } });
    const { location = '' } = answer.headers;
    const signature = /x-oss-signature=([^&]+)/.exec(location)?.[1];
    if (signature) secrets.add(signature).add(decodeURIComponent(signature));
    // A redirect's Location is the one place where a signed link belongs.
    answers.push(JSON.stringify({ ...answer.headers, location: undefined }) + answer.text);
    for (const token of tokensIn(machine.stateDir)) secrets.add(token);
    return answer.status;
  };
  const list = async () => {
    const headers = { Authorization: `Basic ${basic}`, 'Cache-Control': 'no-cache' };
    answers.push((await propfind(served.url, `${drive}/`, '1', { headers })).text);
    for (const token of tokensIn(machine.stateDir)) secrets.add(token);
  };
  const storage = (kinds: Parameters<typeof faults.inject>[0][]) => {
    for (const fault of kinds) faults.inject(fault);
  };

  await list();
  await get(`${drive}/film.mp4`, { 'User-Agent': 'curl/8' });
  storage([
    { endpoint: 'storage', kind: 'oss-error', name: 'mismatch' },
    { endpoint: 'storage', kind: 'oss-error', name: 'expired' },
    { endpoint: 'storage', kind: 'reset' },
    { endpoint: 'storage', kind: 'cut', bytes: 100_000 },
  ]);
  await get(`${drive}/film.mp4`, { 'User-Agent': 'davfs2/1' });
  await get(`${drive}/bad.mp4`);
  await get(`${drive}/film.mp4?token=${account.ALIDAV_REFRESH_TOKEN}&password=${PASSWORD}`);
  await get(`/%?password=${PASSWORD}`);
  await get(`/..?${account.ALIDAV_REFRESH_TOKEN}`);
  await get('/', { Authorization: `Basic ${basic}x` });
  await get('/', { Authorization: `Bearer ${PASSWORD}` });
  await get('/', { Authorization: `Digest username="me", realm="alidav", response="${PASSWORD}"` });
  await get('/', { Cookie: `session=${PASSWORD}` });
  tokens.revokeAccessTokens(kind);
  await list();
  // A service that echoes what it was sent, as gateways do.
  const echo = `token ${[...secrets].filter((secret) => secret !== PASSWORD).join(' ')} is not good`;
  faults.inject({
    kind: 'answer',
    endpoint: '*',
    status: 403,
    body: { code: 'Forbidden', message: echo, display_message: echo },
    times: 2,
  });
  await list();
  faults.inject({ kind: 'answer', endpoint: '*', status: 500, body: echo, times: 8 });
  await list();
  faults.clear();
  tokens.killRefreshTokens(kind);
  tokens.revokeAccessTokens(kind);
  await list();
  answers.push((await ask(served.url, '/.alidav/ready')).text, (await ask(served.url, '/.alidav/nothing')).text);
  await served.stop();
  const commands = [
    await machine.run(['whoami'], { ...account, ...env }),
    await machine.run(['doctor'], { ...account, ...env }),
    await machine.run(['login'], { ...account, ...env }),
    await machine.run(['serve', '--refresh-token', [...secrets][0] ?? '', '--port', 'x'], env),
    await machine.run(['serve', '--pasword', PASSWORD]),
  ];
  await emulator.close();

  expect(secrets.size).toBeGreaterThan(kind === 'page' ? 6 : 7);
  expect(served.stdout().split('\n').length).toBeGreaterThan(30);
  expectNone(secrets, served.stdout());
  expectNone(secrets, served.stderr());
  expectNone(secrets, answers.join('\n'));
  expectNone(secrets, commands.map(({ stdout, stderr }) => stdout + stderr).join('\n'));
  expect(served.stdout()).not.toMatch(/x-oss-signature=\w/);
  expect(answers.join('\n')).not.toMatch(/x-oss-signature=\w/);
});

it('a private link: its token is in no log line, no error, no list and no file', async () => {
  const emulator = await startEmulator({ content: 'empty' });
  const machine = makeMachine();
  machines.push(machine);
  const { store, drives, faults } = emulator;
  store.addFile(store.root(drives.backup), 'film.mp4', Buffer.alloc(300_000, 'x'));
  const account = { ...accountEnv(emulator, 'open'), ALIDAV_DRIVE: 'backup' };
  const env = { ...account, ALIDAV_USER: 'me', ALIDAV_PASSWORD: PASSWORD, ALIDAV_LOG_LEVEL: 'trace' };
  const served = await machine.serve(['serve'], env);
  const made = await machine.run(['link', 'add'], env);
  const { pathname: address } = new URL(made.stdout.trim());
  const [, token = ''] = /link_([\w-]{32})/.exec(address) ?? [];
  expect(token).not.toBe('');
  const errors: string[] = [];
  const get = async (target: string, headers: Record<string, string> = {}, method = 'GET') => {
    const answer = await ask(served.url, target, { method, headers: { Depth: '1', ...headers } });
    // The hrefs of an answer are where the address belongs.
    errors.push(JSON.stringify(answer.headers), answer.status < 400 ? '' : answer.text);
    return answer.status;
  };

  expect(await get(address, {}, 'PROPFIND')).toBe(207);
  expect(await get(address)).toBe(200);
  expect(await get(`${address}film.mp4`, { 'User-Agent': 'Lavf/60' })).toBe(302);
  // A page that was reached by the link, and one that names it.
  const referer = { Referer: `${served.url}${address}`, Origin: `http://evil.example${address}` };
  expect(await get(`${address}film.mp4`, referer)).toBe(403);
  expect(await get(`${address}film.mp4`, { Referer: referer.Referer })).toBe(200);
  expect(await get(`${address}nothing`)).toBe(404);
  expect(await get(`${address}film.mp4`, { Destination: address }, 'MOVE')).toBe(405);
  expect(await get(`${address}film.mp4`, {}, 'STEAL')).toBe(400);
  faults.inject({ kind: 'answer', endpoint: '*', status: 500, body: `asked by ${address}`, times: 8 });
  expect(await get(address, { 'Cache-Control': 'no-cache' }, 'PROPFIND')).toBe(503);
  faults.clear();
  const mangled = [
    address.slice(0, -2),
    `${address}%`,
    `${address}../..`,
    `${address}#there`,
    `${address}.alidav/t/link_${token}/`,
    `//.alidav//%74//link%5f${token}//%zz`,
    `/.alidav%2ft%2flink_${token}`,
    `/.ALIDAV/T/link_${token}/x`,
    `/x?link_${token}`,
    `/x/link_${token}`,
    `http://other.example${address}`,
    `${address}${'a'.repeat(40_000)}`,
  ];
  for (const target of mangled) await get(target);
  await get('/x', { Authorization: `Bearer link_${token}`, Cookie: address, 'User-Agent': `link_${token}` });
  const list = await machine.run(['link', 'list'], env);
  const [id = ''] = /^[\da-f]{8} /m.exec(list.stdout) ?? [];
  const removed = await machine.run(['link', 'remove', id.trim()], env);
  expect(removed.code).toBe(0);
  expect(await get(address)).toBe(404);
  await served.stop();
  await emulator.close();

  const files = readdirSync(machine.home, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  expect(files.length).toBeGreaterThan(1);
  for (const { parentPath, name } of files) {
    expect([name, readFileSync(path.join(parentPath, name)).includes(token)]).toEqual([name, false]);
  }
  expect(served.stdout()).toContain('/.alidav/t/[redacted]/film.mp4');
  expectNone([token], served.stdout() + served.stderr());
  expectNone([token], errors.join('\n'));
  expectNone([token], [made.stderr, list.stdout, list.stderr, removed.stdout, removed.stderr].join('\n'));
});

it('an address with the password in it is shown without', async () => {
  const stack = await startStack({ env: { ALIDAV_USER: 'me', ALIDAV_PASSWORD: PASSWORD } });
  const { host } = new URL(stack.url);
  const answer = await ask(stack.url, `http://me:${PASSWORD}@${host}/x`);
  await stack.close();
  expect(answer.status).toBe(401);
  expectNone([PASSWORD], JSON.stringify(stack.logLines) + answer.text);
});
