import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator/emulator.ts';
import { call, poster, refresh, signIn, start } from './rig.ts';

const LIST = '/adrive/v3/file/list';
const act = (emulator: Emulator) => poster(`${emulator.controlUrl}/_emulator`);

describe('control over HTTP', () => {
  it('counts calls and forgets them', async () => {
    const emulator = await start();
    await refresh(emulator, 'page');
    const counts = await call(`${emulator.apiUrl}/_emulator/calls`);
    expect(counts.json).toMatchObject({
      total: 1,
      endpoints: { '/token/refresh': { calls: 1, byStatus: { 200: 1 } } },
    });
    await act(emulator)('/reset-calls');
    expect((await call(`${emulator.controlUrl}/_emulator/calls`)).json).toMatchObject({ total: 0, endpoints: {} });
  });

  it('injects, lists and clears faults', async () => {
    const emulator = await start();
    const fault = { endpoint: '/token/refresh', kind: 'error', code: 'InvalidParameter.RefreshToken', times: 'always' };
    const { json } = await act(emulator)('/faults', fault);
    expect((await refresh(emulator, 'page')).status).toBe(400);
    const list = `${emulator.controlUrl}/_emulator/faults`;
    expect((await call(list)).json.faults).toEqual([{ ...fault, id: json.id, left: 'always' }]);
    await call(`${list}/${json.id}`, { method: 'DELETE' });
    expect((await refresh(emulator, 'page')).status).toBe(200);
  });

  it.each([
    [{}, /kind must be one of/],
    [{ kind: 'reset' }, /endpoint/],
    [{ kind: 'reset', endpoint: '*', bytes: 3 }, /no bytes/],
    [{ kind: 'answer', endpoint: '*', status: 99 }, /status/],
    [{ kind: 'error', endpoint: '*', code: 'Nonsense' }, /code/],
    [{ kind: 'oss-error', endpoint: 'storage', name: 'nonsense' }, /name/],
    [{ kind: 'cut', endpoint: '*', bytes: -1 }, /bytes/],
    [{ kind: 'reset', endpoint: '*', times: 'often' }, /times/],
    [{ kind: 'patch', endpoint: 'storage' }, /cannot suffer/],
    [{ kind: 'lost-answer', endpoint: '*', how: 'never' }, /how/],
    [{ kind: 'task', endpoint: '*', state: 'Succeed' }, /state/],
  ])('refuses the fault %j', async (fault, message) => {
    const answer = await act(await start())('/faults', fault);
    expect(answer.status).toBe(400);
    expect(answer.json.error).toMatch(message);
  });

  it('turns settings, all or none', async () => {
    const emulator = await start();
    const turned = await act(emulator)('/settings', { linkTtlMs: 2000, limits: 'real' });
    expect(turned.json).toMatchObject({ linkTtlMs: 2000, limits: 'real', latencyMs: 0 });
    const refused = await act(emulator)('/settings', { latencyMs: 5, limits: 'some' });
    expect([refused.status, refused.json.error]).toEqual([400, 'The setting limits cannot be "some".']);
    expect(emulator.settings).toMatchObject({ latencyMs: 0, limits: 'real' });
    expect((await act(emulator)('/settings', { colour: 1 })).json.error).toBe('There is no setting colour.');
  });

  it.each([
    [
      { name: 'a.txt', text: 'abc' },
      { type: 'file', size: 3 },
    ],
    [
      { name: 'a.bin', base64: 'AAEC' },
      { type: 'file', size: 3 },
    ],
    [{ name: 'folder' }, { type: 'folder' }],
    [{ name: 'big', sparse_size: 2 ** 40 }, { size: 2 ** 40 }],
    [
      { name: 'p.livp', streams: { jpeg: 'AAEC', mov: 'AAEC' } },
      { size: 6, streams_info: expect.any(Object) },
    ],
    [{ name: 'x', text: 'y', punishment: 'no-link', created_at: '2024-01-01T00:00:00Z' }, { punish_flag: 103 }],
  ])('plants %j', async (entry, expected) => {
    const emulator = await start();
    const { json } = await act(emulator)('/entries', { drive_id: emulator.drives.backup, ...entry });
    const post = await signIn(emulator, 'page');
    const got = await post('/v2/file/get', { drive_id: emulator.drives.backup, file_id: json.file_id });
    expect(got.json).toMatchObject({ name: entry.name, ...expected });
  });

  it('plants many at once', async () => {
    const emulator = await start();
    await act(emulator)('/entries', { drive_id: emulator.drives.backup, name: 'n#.txt', text: '', count: 150 });
    const query = { drive_id: emulator.drives.backup, parent_file_id: 'root', limit: 200, order_by: 'name' };
    const { json } = await (await signIn(emulator, 'page'))(LIST, query);
    expect([json.items.length, json.items[0].name]).toEqual([150, 'n00150.txt']);
  });

  it('makes logins and breaks them', async () => {
    const emulator = await start();
    const post = act(emulator);
    await post('/kill-refresh-tokens', { kind: 'open' });
    expect((await refresh(emulator, 'open')).status).toBe(400);
    const { json } = await post('/login', { kind: 'open' });
    expect((await refresh(emulator, 'open', json.refresh_token)).status).toBe(200);
    const web = await signIn(emulator, 'page');
    await post('/revoke-access-tokens', { kind: 'page' });
    expect((await web('/v2/user/get')).status).toBe(401);
    expect((await post('/login', { kind: 'fax' })).status).toBe(400);
  });

  it('takes the service offline and stays reachable itself', async () => {
    const emulator = await start();
    await act(emulator)('/offline', { offline: true });
    await expect(refresh(emulator, 'page')).rejects.toThrow();
    await act(emulator)('/offline', { offline: false });
    expect((await refresh(emulator, 'page')).status).toBe(200);
  });

  it('knows no other action', async () => {
    const emulator = await start();
    expect((await act(emulator)('/nonsense')).status).toBe(404);
    expect((await act(emulator)('/settings', '{')).status).toBe(400);
  });
});

describe('the process', () => {
  let child: ChildProcess | undefined;

  afterEach(() => {
    child?.kill('SIGKILL');
    child = undefined;
  });

  function run(...flags: readonly string[]) {
    const entry = fileURLToPath(new URL('../../../src/emulator/main.ts', import.meta.url));
    child = spawn(process.execPath, ['--import', 'tsx', entry, ...flags]);
    return child;
  }

  it('prints one line that says where it is, and ends on SIGTERM', async () => {
    const emulator = run('--content', 'empty', '--access-token-ttl-s', '60', '--set', 'downloads=2');
    if (!emulator.stdout) throw new Error('There is no output.');
    const [line] = await once(createInterface(emulator.stdout), 'line');
    const told = JSON.parse(line);
    const answer = await poster(told.apiUrl)('/token/refresh', { refresh_token: told.refreshTokens.page });
    expect([answer.status, answer.json.expires_in]).toEqual([200, 60]);
    expect((await call(`${told.controlUrl}/_emulator/settings`)).json).toMatchObject({ downloads: 2 });
    emulator.kill('SIGTERM');
    expect(await once(emulator, 'exit')).toEqual([0, null]);
  });

  it.each([
    ['--limits', 'some'],
    ['--content', 'x'],
    ['--port', '70000'],
    ['--colour', 'red'],
    ['--set', 'x=1'],
  ])('refuses %s %s', async (...flags) => {
    const [code] = await once(run(...flags), 'exit');
    expect(code).toBe(2);
  });
});
