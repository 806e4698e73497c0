import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';
import { propfind, readRows } from './requests.ts';

/** What is changed in the web page or the app while our listing is still fresh. */
describe.each(LOGIN_KINDS)('a file changed elsewhere (%s)', (kind) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ kind, env: { ALIDAV_LIST_FRESH_S: '3600' } });
    const { store, drives } = stack.emulator;
    const root = store.root(drives.backup);
    for (const name of ['replaced.txt', 'rewritten.txt', 'removed.txt']) store.addFile(root, name, 'old content');
    // What the listings know before the change.
    await fetch(`${stack.url}/`, { method: 'PROPFIND', headers: { Depth: '1' } });
  });

  afterAll(() => stack.close());

  const find = (name: string) => {
    const { store, drives } = stack.emulator;
    const entry = store.findChild(store.root(drives.backup), name);
    if (!entry) throw new Error(`${name} is not there`);
    return entry;
  };

  it('comes with its new content, under the same id', async () => {
    stack.emulator.store.replaceContent(find('rewritten.txt'), 'quite another content');
    const answer = await fetch(`${stack.url}/rewritten.txt`);
    expect([answer.status, await answer.text()]).toEqual([200, 'quite another content']);
  });

  it('comes with its new content, under another id', async () => {
    const { store, drives } = stack.emulator;
    store.delete(find('replaced.txt'));
    store.addFile(store.root(drives.backup), 'replaced.txt', 'a new file of that name');
    const answer = await fetch(`${stack.url}/replaced.txt`);
    expect([answer.status, await answer.text()]).toEqual([200, 'a new file of that name']);
  });

  it('is gone when it is gone', async () => {
    stack.emulator.store.delete(find('removed.txt'));
    expect((await fetch(`${stack.url}/removed.txt`)).status).toBe(404);
  });
});

describe.each(LOGIN_KINDS)('a folder replaced elsewhere (%s)', (kind) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ kind, env: { ALIDAV_LIST_FRESH_S: '3600' } });
    const { store, drives } = stack.emulator;
    const root = store.root(drives.backup);
    const folders = ['listed', 'walked', 'gone'].map((name) => store.addFolder(root, name));
    await propfind(stack.url, '/', '1');
    for (const folder of folders) store.trash(folder);
    for (const name of ['listed', 'walked']) store.addFile(store.addFolder(root, name), 'new.txt', 'new');
  });

  afterAll(() => stack.close());

  it('is listed as it is now', async () => {
    const { status, text } = await propfind(stack.url, '/listed/', '1');
    expect([status, readRows(text).map(({ href }) => href)]).toEqual([207, ['/listed/', '/listed/new.txt']]);
  });

  it('is the way to what is in it now', async () => {
    const answer = await fetch(`${stack.url}/walked/new.txt`);
    expect([answer.status, await answer.text()]).toEqual([200, 'new']);
    const put = await fetch(`${stack.url}/walked/own.txt`, { method: 'PUT', body: 'own' });
    expect(put.status).toBe(201);
  });

  it('is gone when it is gone', async () => {
    expect((await propfind(stack.url, '/gone/', '1')).status).toBe(404);
    expect((await fetch(`${stack.url}/gone/new.txt`)).status).toBe(404);
  });
});
