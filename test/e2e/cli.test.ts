import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Machine, makeMachine } from './alidav-process.ts';

vi.setConfig({ maxConcurrency: 4 });

const COMMANDS = ['serve', 'demo', 'login', 'whoami', 'doctor', 'link'];

let machine: Machine;
beforeAll(() => {
  machine = makeMachine();
});
afterAll(() => machine.close());

describe.concurrent('help and version', () => {
  it.concurrent.each([[], ...COMMANDS.map((command) => [command])])('%s', async (...command) => {
    const [help, version] = await Promise.all([
      machine.run([...command, '--help']),
      machine.run([...command, '--version']),
    ]);
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain(command.length > 0 ? `alidav ${command[0]}` : 'alidav doctor');
    expect(help.stdout).toContain('--config');
    expect([version.code, version.stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  it.concurrent('even where the configuration is broken', async () => {
    const env = { ALIDAV_PORT: 'many', ALIDAV_NONSENSE: '1' };
    expect((await machine.run(['serve', '--help'], env)).code).toBe(0);
    expect((await machine.run(['serve', '--version', '--port', 'x'], env)).code).toBe(0);
  });
});

describe.concurrent('wrong usage ends with 2 and names what was meant', () => {
  it.concurrent.each<[string[], Record<string, string>, RegExp]>([
    [['serv'], {}, /"serve"/],
    [['serve', 'twice'], {}, /twice/],
    [['--prot', '1'], {}, /--port/],
    [['demo', '--pasword', 'x'], {}, /--password/],
    [['doctor', '--client', 'amiga'], {}, /windows/],
    [['-x'], {}, /-x/],
    [['serve'], { ALIDAV_PASWORD: 'x' }, /ALIDAV_PASWORD.*ALIDAV_PASSWORD/],
    [['demo'], { ALIDAV_HOSTT: 'x' }, /ALIDAV_HOSTT.*ALIDAV_HOST/],
    [['demo'], { ALIDAV_PORT: '65536' }, /ALIDAV_PORT .*0 to 65535/],
    [['demo', '--config', '/nowhere.json'], {}, /nowhere\.json cannot be read/],
    [['demo', '--host', '0.0.0.0'], {}, /--host would open the drive to the network without a password/],
    [['demo'], { ALIDAV_HOST: '::' }, /ALIDAV_HOST would open/],
    [['demo'], { ALIDAV_TLS_CERT: '/c.pem' }, /ALIDAV_TLS_CERT needs ALIDAV_TLS_KEY/],
    [['demo'], { ALIDAV_PASSWORD_FILE: '/nowhere' }, /ALIDAV_PASSWORD_FILE names a file that cannot be read/],
    [['demo'], { ALIDAV_PASSWORD: 'x', ALIDAV_PASSWORD_FILE: '/etc/hostname' }, /both directly and as a file/],
  ])('%j %j', async (args, env, message) => {
    const { code, stdout, stderr } = await machine.run(args, env);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  it.concurrent('a settings file with five mistakes: all five', async () => {
    const file = path.join(machine.home, 'five.json');
    const mistakes = {
      port: 'eighty',
      pasword: 'secret-of-five',
      delivery: 'pigeon',
      api_url: 'gopher://x',
      spool_max: 'plenty',
    };
    writeFileSync(file, JSON.stringify(mistakes));
    const { code, stderr } = await machine.run(['serve', '--config', file]);
    expect(code).toBe(2);
    for (const name of Object.keys(mistakes)) expect(stderr).toMatch(new RegExp(`^  ${name} in five\\.json `, 'm'));
    expect(stderr).toContain('password in five.json');
    expect(stderr).not.toContain('secret-of-five');
  });

  it.concurrent.each([
    ['not JSON', '{"port": 1,}'],
    ['nothing', ''],
    ['wrong types', '{"port": {"a": 1}, "user": 7, "tls_cert": [], "trash": null}'],
    ['names of the language', '{"__proto__": {"port": 1}, "constructor": 1}'],
  ])('a settings file that holds %s', async (what, text) => {
    const file = path.join(machine.home, `${what.replaceAll(' ', '-')}.json`);
    writeFileSync(file, text);
    const { code, stderr } = await machine.run(['serve', '--config', file, '--port', '0']);
    expect([what, code]).toEqual([what, 2]);
    expect(stderr).toMatch(/mended first/);
    expect(stderr).not.toMatch(/at .*\.js:\d+/);
  });
});

describe.concurrent('what a script sees', () => {
  it.concurrent.each([
    ['json', 'info'],
    ['json', 'error'],
    ['pretty', 'info'],
    ['pretty', 'error'],
    ['auto', 'silent'],
  ])('one line tells of listening: %s logs at %s', async (format, level) => {
    const served = await machine.serve(['demo'], { ALIDAV_LOG_FORMAT: format, ALIDAV_LOG_LEVEL: level });
    expect((await fetch(`${served.url}/.alidav/health`)).status).toBe(200);
    expect((await fetch(`${served.url}/`)).status).toBe(200);
    expect((await fetch(`${served.url}/nothing`)).status).toBe(404);
    const { code, withinMs } = await served.stop();
    expect(code).toBe(0);
    expect(withinMs).toBeLessThan(8_000);
    const lines = served.stdout().trim().split('\n');
    expect(lines.filter((line) => line.includes('listening'))).toHaveLength(1);
    expect(lines[0]).toContain(served.url);
    if (format !== 'pretty') for (const line of lines) expect(JSON.parse(line)).toHaveProperty('msg');
    // A person's start screen, or a library's remark, would be noise to whoever reads stderr for trouble.
    expect(served.stderr()).toBe('');
  });

  it.concurrent('a port in use ends with 1 and clear words', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const { port } = blocker.address() as { port: number };
    const { code, stdout, stderr } = await machine.run(['demo', '--port', String(port)]);
    blocker.close();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is taken.*ALIDAV_PORT`));
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it.concurrent('a state folder that cannot be made ends with 1 or 2 and clear words', async () => {
    const file = path.join(machine.home, 'a-file');
    writeFileSync(file, '');
    const env = { ALIDAV_STATE_DIR: path.join(file, 'state'), ALIDAV_REFRESH_TOKEN: 'a'.repeat(32) };
    const { code, stderr } = await machine.run(['serve', '--port', '0'], env);
    expect([1, 2]).toContain(code);
    expect(stderr).toContain('ALIDAV_STATE_DIR');
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe.concurrent('the demo is served only where there was never an account', () => {
  it('on a machine that is new', async () => {
    const fresh = makeMachine();
    try {
      const served = await fresh.serve(['serve']);
      expect(JSON.parse(served.stdout().split('\n')[0] ?? '').served).toMatch(/demo/);
      expect(await (await fetch(`${served.url}/`)).text()).toContain('备份盘/');
      await served.stop();
      // And again: its own state is no account.
      const again = await fresh.serve([]);
      expect(JSON.parse(again.stdout().split('\n')[0] ?? '').served).toMatch(/demo/);
      await again.stop();
    } finally {
      fresh.close();
    }
  });

  it.each<[string, Record<string, string>]>([
    ['an empty refresh token', { ALIDAV_REFRESH_TOKEN: '' }],
    ['a blank refresh token', { ALIDAV_REFRESH_TOKEN: ' ' }],
    ['the application of an account', { ALIDAV_CLIENT_ID: 'app' }],
    ['an application’s secret', { ALIDAV_CLIENT_SECRET: 's' }],
    ['a file that is not there', { ALIDAV_REFRESH_TOKEN_FILE: '/nowhere/token' }],
    ['no file at all', { ALIDAV_REFRESH_TOKEN_FILE: '' }],
    ['a folder for a file', { ALIDAV_REFRESH_TOKEN_FILE: '/tmp' }],
    ['an empty file', { ALIDAV_REFRESH_TOKEN_FILE: '/dev/null' }],
    ['a kind of API', { ALIDAV_API: 'open' }],
    ['a drive', { ALIDAV_DRIVE: 'resource' }],
    ['a folder of the drive', { ALIDAV_ROOT: '/Films' }],
  ])('not where the settings speak of one: %s', async (_what, env) => {
    await expectNoDemo(machine, env);
  });

  it('not with a token named in .env and lost from it', async () => {
    const other = makeMachine();
    writeFileSync(path.join(other.home, '.env'), 'ALIDAV_REFRESH_TOKEN=\n');
    await expectNoDemo(other, {});
    other.close();
  });

  it.each<[string, (accounts: string) => void]>([
    ['is empty', () => {}],
    ['holds a damaged file', (accounts) => writeFileSync(path.join(accounts, 'u.json'), '{"userId": "u", "ki')],
    ['holds an empty file', (accounts) => writeFileSync(path.join(accounts, 'u.json'), '')],
    ['holds a folder for a file', (accounts) => mkdirSync(path.join(accounts, 'u.json'))],
    ['holds a file of another program', (accounts) => writeFileSync(path.join(accounts, 'u.json'), '[1, 2]')],
  ])('not where the folder of accounts %s', async (_what, damage) => {
    const other = makeMachine();
    const accounts = path.join(other.stateDir, 'accounts');
    mkdirSync(accounts, { recursive: true, mode: 0o700 });
    damage(accounts);
    await expectNoDemo(other, {});
    other.close();
  });

  it('and "demo" serves it all the same, without a look at the account', async () => {
    const other = makeMachine();
    const accounts = path.join(other.stateDir, 'accounts');
    mkdirSync(accounts, { recursive: true, mode: 0o700 });
    writeFileSync(path.join(accounts, 'u.json'), 'damaged');
    const before = readdirSync(other.stateDir, { recursive: true });
    const served = await other.serve(['demo'], {
      ALIDAV_REFRESH_TOKEN: 'f'.repeat(32),
      ALIDAV_API_URL: 'http://127.0.0.1:9',
      ALIDAV_ROOT: '/not/in/the/demo',
    });
    expect(await (await fetch(`${served.url}/`)).text()).toContain('备份盘/');
    expect((await fetch(`${served.url}/.alidav/ready`)).status).toBe(200);
    expect((await served.stop()).code).toBe(0);
    expect(readdirSync(other.stateDir, { recursive: true })).toEqual(before);
    other.close();
  });

  it('two demos at once do not disturb each other', async () => {
    const [one, two] = [await machine.serve(['demo']), await machine.serve(['demo'])];
    for (const { url } of [one, two]) expect((await fetch(`${url}/`)).status).toBe(200);
    await two.stop();
    expect((await fetch(`${one.url}/`, { headers: { 'Cache-Control': 'no-cache' } })).status).toBe(200);
    expect((await one.stop()).code).toBe(0);
  });
});

/** It ends with 2, or it serves nothing but 503 with a reason. No token is at hand, so no call leaves the machine. */
async function expectNoDemo(on: Machine, env: Readonly<Record<string, string>>): Promise<void> {
  const outcome = await on.serve(['serve'], env).then(
    async (served) => {
      const listing = await fetch(`${served.url}/`, { method: 'PROPFIND', headers: { Depth: '1' } });
      const ready = await fetch(`${served.url}/.alidav/ready`);
      expect([listing.status, ready.status]).toEqual([503, 503]);
      expect(((await ready.json()) as { reason: string }).reason.length).toBeGreaterThan(20);
      expect((await served.stop()).code).toBe(0);
      return 'unavailable';
    },
    (error: Error) => {
      expect(error.message).toMatch(/^ended with 2:/);
      return 'refused';
    },
  );
  expect(['unavailable', 'refused']).toContain(outcome);
}
