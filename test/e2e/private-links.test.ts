import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../../src/emulator/emulator.ts';
import { encodePath, FILM, POEMS } from '../support/demo.ts';
import { makePrivateLink } from '../support/private-link.ts';
import { accountEnv, startStack } from '../support/stack.ts';
import { type Machine, makeMachine, type Served } from './alidav-process.ts';
import { ask, propfind, readRows, until } from './requests.ts';

const LOGIN = { ALIDAV_USER: 'me', ALIDAV_PASSWORD: 'a-password-of-its-own' };
const BASIC = { Authorization: `Basic ${Buffer.from(`me:${LOGIN.ALIDAV_PASSWORD}`).toString('base64')}` };

let emulator: Emulator;
let machine: Machine;
let served: Served;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  emulator = await startEmulator({ content: 'demo' });
  machine = makeMachine();
  env = { ...accountEnv(emulator, 'open'), ...LOGIN };
  served = await machine.serve(['serve'], env);
  await until(async () => (await fetch(`${served.url}/.alidav/ready`)).ok, 10_000, 'the account works');
});
afterAll(async () => {
  machine?.close();
  await emulator?.close();
});

/** Makes a link while the server runs. @returns the path of its address, without its last slash, and its id */
async function addLink(...flags: string[]): Promise<{ address: string; id: string }> {
  const { code, stdout, stderr } = await machine.run(['link', 'add', ...flags], env);
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/^http:\/\/127\.0\.0\.1:8080\/\.alidav\/t\/link_[\w-]{32}\/\n$/),
  ]);
  const id = /^Link ([\da-f]{8}) shows/.exec(stderr)?.[1] ?? '';
  expect(stderr).toContain('127.0.0.1:8080');
  return { address: new URL(stdout.trim()).pathname.replace(/\/$/, ''), id };
}

async function listLinks(): Promise<string> {
  const { code, stdout, stderr } = await machine.run(['link', 'list'], env);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

describe('a private link', () => {
  it('shows the whole drive without credentials, which / still wants', async () => {
    const { address } = await addLink();
    expect((await propfind(served.url, '/', '1')).status).toBe(401);
    const { status, text } = await propfind(served.url, `${address}/`, '1');
    expect([status, readRows(text).map(({ href }) => href)]).toEqual([
      207,
      [`${address}/`, `${address}/${encodeURIComponent('备份盘')}/`, `${address}/${encodeURIComponent('资源库')}/`],
    ]);
    const own = await propfind(served.url, encodePath(`${POEMS}/`), '1', { headers: BASIC });
    const linked = await propfind(served.url, address + encodePath(`${POEMS}/`), '1');
    expect(readRows(linked.text).map(({ href }) => href)).toEqual(readRows(own.text).map(({ href }) => address + href));
    const page = await ask(served.url, `${address}/`);
    expect([page.status, page.headers['referrer-policy']]).toEqual([200, 'no-referrer']);
    expect(page.text).toContain(`href="${encodeURIComponent('备份盘')}/"`);
  });

  it('redirects players, also those that bring credentials all the same', async () => {
    const { address } = await addLink();
    for (const agent of ['Lavf/60', 'libmpv', 'curl/8']) {
      for (const headers of [{ 'User-Agent': agent }, { 'User-Agent': agent, ...BASIC }]) {
        const { status, headers: answered } = await ask(served.url, address + encodePath(FILM), { headers });
        expect([agent, status, answered['referrer-policy']]).toEqual([agent, 302, 'no-referrer']);
        expect(answered.location).not.toContain(address);
      }
    }
    // What never comes back for a new link would lose this one in a quarter of an hour.
    const vlc = { 'User-Agent': 'VLC/3.0.20 LibVLC/3.0.20', Range: 'bytes=0-99' };
    expect((await ask(served.url, address + encodePath(FILM), { headers: vlc })).status).toBe(206);
  });

  it('of a folder shows nothing else, and writes nothing', async () => {
    const { address } = await addLink('--folder', POEMS, '--label', 'for Anna');
    expect((await propfind(served.url, `${address}/`, '1')).status).toBe(207);
    for (const path of [POEMS, FILM, '/.alidav/ready', '/x/../y']) {
      const { status, text } = await ask(served.url, address + encodePath(path));
      expect([path, [400, 404].includes(status), /备份盘|诗词/.test(text)]).toEqual([path, true, false]);
    }
    const put = await ask(served.url, `${address}/new.txt`, { method: 'PUT', body: 'x', headers: BASIC });
    expect([put.status, put.headers.allow]).toEqual([405, 'OPTIONS, GET, HEAD, PROPFIND']);
    expect(await listLinks()).toMatch(new RegExp(`^[\\da-f]{8} .* never +\\S+ \\S+ +${POEMS} +for Anna$`, 'm'));
  });

  it('works no longer from the moment that its removal is told, and others do', async () => {
    const [kept, removed] = [await addLink('--expires', '1d'), await addLink()];
    const statuses = async () => [
      (await propfind(served.url, `${kept.address}/`, '0')).status,
      (await propfind(served.url, `${removed.address}/`, '0')).status,
    ];
    expect(await statuses()).toEqual([207, 207]);
    const { code, stdout } = await machine.run(['link', 'remove', removed.id], env);
    expect([code, stdout]).toEqual([0, `Link ${removed.id} is removed.\n`]);
    expect(await statuses()).toEqual([207, 404]);
    const list = await listLinks();
    expect([list.includes(kept.id), list.includes(removed.id)]).toEqual([true, false]);
    const again = await machine.run(['link', 'remove', removed.id], env);
    expect([again.code, again.stdout]).toEqual([1, '']);
    expect(again.stderr).toMatch(/no link.*link list/);
  });

  it('can be listed and removed while the service cannot be reached', async () => {
    const { id } = await addLink();
    const nowhere = { ...env, ALIDAV_AUTH_URL: 'http://127.0.0.1:9', ALIDAV_OPEN_URL: 'http://127.0.0.1:9' };
    expect((await machine.run(['link', 'list'], nowhere)).stdout).toContain(id);
    expect((await machine.run(['link', 'remove', id], nowhere)).code).toBe(0);
  });

  it('is refused after too many guesses from one address', async () => {
    const { address } = await addLink();
    const other = await machine.serve(['serve'], env);
    await until(async () => (await fetch(`${other.url}/.alidav/ready`)).ok, 10_000, 'the account works');
    for (let guess = 0; guess < 10; guess += 1) {
      expect((await ask(other.url, `/.alidav/t/link_${guess}/`)).status).toBe(404);
    }
    const blocked = await ask(other.url, `${address}/`);
    expect([blocked.status, Number(blocked.headers['retry-after']) > 0]).toEqual([429, true]);
    expect((await ask(other.url, '/', { headers: BASIC })).status).toBe(429);
    await other.stop();
  });
});

describe('a private link whose time is over', () => {
  it('locks nobody out who asks from the same address', async () => {
    const stack = await startStack({ env: LOGIN });
    const address = await makePrivateLink(stack, '/', Date.now() - 1);
    for (let time = 0; time < 12; time += 1) expect((await ask(stack.url, `${address}/film.mp4`)).status).toBe(404);
    expect((await propfind(stack.url, '/', '1', { headers: BASIC })).status).toBe(207);
    await stack.close();
  });
});

describe('alidav link', () => {
  it('says where links would be kept when nobody is signed in', async () => {
    const fresh = makeMachine();
    for (const args of [['add'], ['list'], ['remove', '00000000']]) {
      const { code, stdout, stderr } = await fresh.run(['link', ...args]);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/demo keeps no links; "alidav login"/);
    }
    expect((await fresh.run(['link', 'list'], { ALIDAV_DRIVE: 'backup' })).code).toBe(2);
    fresh.close();
  });

  it.each<[string[], RegExp]>([
    [[], /takes add, list, remove/],
    [['ad'], /did you mean "add"/],
    [['add', 'x'], /"x" is one word too many/],
    [['list', 'x'], /"x" is one word too many/],
    [['remove'], /needs an id/],
    [['remove', 'a', 'b'], /"b" is one word too many/],
    [['add', '--expires', 'soon'], /--expires takes/],
    [['add', '--expires', '2020-01-01'], /over already/],
    [['add', '--folder', '/a/../b'], /--folder takes/],
    [['add', '--label', 'two\nlines'], /--label takes/],
    [['list', '--label', 'x'], /is for "alidav link add"/],
    [['add', '--port', 'x'], /--port/],
  ])('%j ends with 2', async (args, message) => {
    const { code, stdout, stderr } = await machine.run(['link', ...args], env);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  it('prints the address by the settings that serve would have', async () => {
    const { stdout } = await machine.run(['link', 'add', '--port', '9000', '--host', 'nas.local'], env);
    expect(stdout).toMatch(/^http:\/\/nas\.local:9000\/\.alidav\/t\//);
  });
});
