import { afterEach, describe, expect, it } from 'vitest';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';
import { propfind, readRows, until } from './requests.ts';

const LIST = ['/adrive/v3/file/list', '/adrive/v1.0/openFile/list'];
const HOURLY = { ALIDAV_LIST_FRESH_S: '3600' };

let stack: Stack;

afterEach(() => stack.close());

function listCalls({ emulator }: Stack): number {
  return LIST.reduce((sum, endpoint) => sum + emulator.calls.count(endpoint), 0);
}

async function names(target: string, headers: Record<string, string> = {}): Promise<string[]> {
  const answer = await propfind(stack.url, target, '1', { headers });
  expect([answer.status, answer.isWhole]).toEqual([207, true]);
  return readRows(answer.text)
    .slice(1)
    .map(({ href }) => decodeURIComponent(href));
}

describe.each(LOGIN_KINDS)('after a restart (%s)', (kind) => {
  it('a tree that was walked costs no call, and shows what was written last', async () => {
    stack = await startStack({ kind, env: HOURLY });
    const { store, drives } = stack.emulator;
    const root = store.root(drives.backup);
    for (let index = 0; index < 30; index++) {
      const folder = store.addFolder(root, `folder-${index}`);
      for (let file = 0; file < index; file++) store.addFile(folder, `${file}.txt`, 'x');
    }
    const folders = await names('/');
    expect(folders).toHaveLength(30);
    const walk = async () => new Map(await Promise.all(folders.map(async (at) => [at, await names(at)] as const)));
    const before = await walk();
    const put = await fetch(`${stack.url}/folder-7/new.txt`, { method: 'PUT', body: 'new' });
    const removed = await fetch(`${stack.url}/folder-9/0.txt`, { method: 'DELETE' });
    expect([put.status, removed.status]).toEqual([201, 204]);
    stack = await stack.restart();
    const calls = listCalls(stack);
    const after = await walk();
    expect(listCalls(stack)).toBe(calls);
    before.get('/folder-7/')?.push('/folder-7/new.txt');
    before.set('/folder-9/', before.get('/folder-9/')?.filter((name) => name !== '/folder-9/0.txt') ?? []);
    expect(after).toEqual(before);
  });

  it('is browsed without a network, and nothing is taken for gone', async () => {
    stack = await startStack({ kind, env: { ALIDAV_LIST_FRESH_S: '1' } });
    const { store, drives } = stack.emulator;
    const folder = store.addFolder(store.root(drives.backup), 'folder');
    for (let file = 0; file < 5; file++) store.addFile(folder, `${file}.txt`, 'x');
    await names('/');
    const before = await names('/folder/');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    stack.emulator.faults.inject({ kind: 'reset', endpoint: '*', times: 'always' });
    stack = await stack.restart();
    const startedAt = performance.now();
    expect(await names('/folder/')).toEqual(before);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    const answers = await Promise.all([
      fetch(`${stack.url}/folder/absent.txt`, { method: 'HEAD' }),
      fetch(`${stack.url}/folder/0.txt`, { method: 'DELETE' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    stack.emulator.faults.clear();
    expect(store.findChild(folder, '0.txt')).toBeDefined();
  });
});

describe('a long listing that is no longer fresh', () => {
  it('is told at once, and the next time as it is; rclone waits', async () => {
    stack = await startStack({ emulator: { pageMax: 10 }, env: { ALIDAV_LIST_FRESH_S: '1' } });
    const { store, drives } = stack.emulator;
    const root = store.root(drives.backup);
    for (let file = 0; file < 25; file++) store.addFile(root, `${file}.txt`, 'x');
    expect(await names('/')).toHaveLength(25);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    store.addFile(root, 'elsewhere.txt', 'x');
    const calls = listCalls(stack);
    expect(await names('/')).toHaveLength(25);
    await until(() => listCalls(stack) === calls + 3, 2_000, 'a revalidation');
    expect(await names('/')).toHaveLength(26);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    store.addFile(root, 'again.txt', 'x');
    expect(await names('/', { 'User-Agent': 'rclone/v1.66.0' })).toHaveLength(27);
  });
});
