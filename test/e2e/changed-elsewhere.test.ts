import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';

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
