import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/stack.ts';
import { type AskOptions, ask, propfind, until } from './requests.ts';

const STREAM = { Referer: 'http://page.example/' };
const WITHIN_MS = 20_000;
const LIST = '/adrive/v1.0/openFile/list';

describe('what clients have said of an entry', () => {
  let stack: Stack;
  beforeEach(async () => {
    stack = await startStack({ kind: 'open' });
  });
  afterEach(() => stack.close());

  const send = async (method: string, path: string, options: AskOptions = {}) =>
    (await ask(stack.url, path, { method, ...options })).status;
  const transfer = (method: 'MOVE' | 'COPY', from: string, to: string, headers: Record<string, string> = {}) =>
    send(method, from, { headers: { Destination: to, ...headers } });
  const say = (path: string, mood: string) =>
    send('PROPPATCH', path, {
      body: `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><mood xmlns="urn:m">${mood}</mood></D:prop></D:set></D:propertyupdate>`,
    });
  const heard = async (path: string) => {
    const { status, text } = await propfind(stack.url, path, '0');
    return status === 207 ? (/mood[^>]*>([^<]+)</.exec(text)?.[1] ?? 'nothing') : `status ${status}`;
  };

  it('is true of a copy in place of what was there, and not what was said of that', async () => {
    await send('PUT', '/a', { body: 'a' });
    await send('PUT', '/b', { body: 'b' });
    await send('PUT', '/c', { body: 'c' });
    await say('/a', 'gut');
    await say('/b', 'schlecht');
    expect(await transfer('COPY', '/a', '/b')).toBe(204);
    expect([await heard('/a'), await heard('/b')]).toEqual(['gut', 'gut']);
    expect(await transfer('MOVE', '/c', '/a')).toBe(204);
    expect(await heard('/a')).toBe('nothing');
  });

  it('is true of all that is in a copied folder, and never keeps its copying from success', async () => {
    await send('MKCOL', '/d');
    for (let index = 0; index < 12; index++) await send('MKCOL', `/d/${index}`);
    await send('MKCOL', '/d/11/deep');
    await send('PUT', '/d/x', { body: 'x' });
    await send('PUT', '/d/11/deep/y', { body: 'y' });
    await say('/d', 'oben');
    await say('/d/x', 'gut');
    await say('/d/11/deep/y', 'tief');
    expect(await transfer('COPY', '/d', '/e')).toBe(201);
    expect([await heard('/e'), await heard('/e/x')]).toEqual(['oben', 'gut']);
    await until(async () => (await heard('/e/11/deep/y')) === 'tief', WITHIN_MS, 'what is said of /e/11/deep/y');

    stack = await stack.restart();
    stack.emulator.faults.inject({ kind: 'answer', status: 500, endpoint: LIST, skip: 1, times: 'always' });
    expect(await transfer('COPY', '/d', '/f')).toBe(201);
    stack.emulator.faults.clear();
    expect(await heard('/f')).toBe('oben');
  });

  it('keeps nobody waiting for what is deep in a copied folder', async () => {
    await send('MKCOL', '/d');
    for (let index = 0; index < 20; index++) await send('MKCOL', `/d/${index}`);
    await send('PUT', '/elsewhere', { body: 'x', headers: { 'X-OC-Mtime': '1700000000' } });
    stack = await stack.restart();
    stack.emulator.calls.reset();
    const startedAt = performance.now();
    expect(await transfer('COPY', '/d', '/e')).toBe(201);
    expect(performance.now() - startedAt).toBeLessThan(4_500);
  });

  it('comes with what is kept beside the drive in a copied folder', async () => {
    await send('MKCOL', '/d');
    await send('PUT', '/d/a', { body: 'a' });
    await send('PUT', '/d/._a', { body: 'fork' });
    await say('/d/._a', 'gut');
    expect(await transfer('COPY', '/d', '/e')).toBe(201);
    expect((await ask(stack.url, '/e/._a', { headers: STREAM })).text).toBe('fork');
    expect(await heard('/e/._a')).toBe('gut');
    expect(await transfer('COPY', '/d', '/f', { Depth: '0' })).toBe(201);
    expect(await heard('/f/._a')).toBe('status 404');
  });
});

describe('what is kept beside the drive', () => {
  it('goes with a folder into another drive', async () => {
    const stack = await startStack({ kind: 'app', env: { ALIDAV_DRIVE: 'all' } });
    try {
      const send = async (method: string, path: string, options: AskOptions = {}) =>
        (await ask(stack.url, encodeURI(path), { method, ...options })).status;
      await send('MKCOL', '/备份盘/dir');
      await send('PUT', '/备份盘/dir/x.txt', { body: 'x' });
      await send('PUT', '/备份盘/dir/._x.txt', { body: 'fork' });
      expect(await send('MOVE', '/备份盘/dir', { headers: { Destination: encodeURI('/资源库/dir') } })).toBe(201);
      expect((await ask(stack.url, encodeURI('/资源库/dir/._x.txt'), { headers: STREAM })).text).toBe('fork');
    } finally {
      await stack.close();
    }
  });
});
