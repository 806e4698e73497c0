import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, withDemoSettings } from '../../../src/config/load.ts';

let workingDir: string;

beforeEach(() => {
  workingDir = mkdtempSync(path.join(tmpdir(), 'alidav-config-'));
});

afterEach(() => {
  rmSync(workingDir, { recursive: true });
});

function write(name: string, content: string): string {
  const file = path.join(workingDir, name);
  writeFileSync(file, content);
  return file;
}

function load(given: { env?: Record<string, string>; flags?: Record<string, string>; configFile?: string } = {}) {
  return loadConfig({ env: given.env ?? {}, flags: given.flags ?? {}, configFile: given.configFile, workingDir });
}

function problemsOf(given: Parameters<typeof load>[0]): Record<string, string> {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigError) {
      return Object.fromEntries(error.problems.map(({ setting, message }) => [setting, message]));
    }
    throw error;
  }
  return {};
}

describe('loadConfig', () => {
  it('has the documented defaults', () => {
    const { settings, namesAccount } = load();
    expect(settings).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      api: 'auto',
      drive: 'all',
      root: '/',
      trash: true,
      read_only: false,
      list_fresh_s: 30,
      upload_memory: 64 * 2 ** 20,
      spool_max: 20 * 2 ** 30,
      cache_max: 2 * 2 ** 30,
      trusted_proxies: [],
    });
    expect(settings.user).toBeUndefined();
    expect(settings.state_dir).toMatch(/alidav$/);
    expect(namesAccount).toBe(false);
  });

  it.each([
    [{ XDG_STATE_HOME: '/var/state' }, '/var/state/alidav'],
    [{ XDG_STATE_HOME: '' }, path.join(homedir(), '.local', 'state', 'alidav')],
    [{ XDG_STATE_HOME: '/var/state', ALIDAV_STATE_DIR: '/data' }, '/data'],
  ])('keeps its state, with %j, in %s', (env: Record<string, string>, expected) => {
    expect(load({ env }).settings.state_dir).toBe(expected);
  });

  it('takes a relative state folder from the working folder', () => {
    expect(load({ flags: { 'state-dir': 'state' } }).settings.state_dir).toBe(path.join(workingDir, 'state'));
  });

  it('lets the later source win: file, .env, environment, flags', () => {
    const configFile = write('mine.json', '{"port": 1, "list_fresh_s": 1, "log_level": "debug", "delivery": "stream"}');
    write('.env', 'ALIDAV_PORT=2\nALIDAV_LIST_FRESH_S=2\nALIDAV_LOG_LEVEL=warn\n');
    const { settings } = load({
      configFile,
      env: { ALIDAV_PORT: '3', ALIDAV_LIST_FRESH_S: '3' },
      flags: { port: '4' },
    });
    expect(settings).toMatchObject({ port: 4, list_fresh_s: 3, log_level: 'warn', delivery: 'stream' });
  });

  it('names five mistakes in a settings file at once', () => {
    const configFile = write(
      'bad.json',
      '{"port": 70000, "delivery": "teleport", "cache_max": "lots", "api_url": "ftp://x", "lissten": 1, "trash": "maybe"}',
    );
    const problems = problemsOf({ configFile });
    expect(Object.keys(problems).sort()).toEqual([
      'api_url in bad.json',
      'cache_max in bad.json',
      'delivery in bad.json',
      'lissten in bad.json',
      'port in bad.json',
      'trash in bad.json',
    ]);
  });

  it.each([
    [{ ALIDAV_PROT: '1' }, 'ALIDAV_PROT', /nearest is ALIDAV_PORT/],
    [{ ALIDAV_REFRESH_TOKN: 'x' }, 'ALIDAV_REFRESH_TOKN', /ALIDAV_REFRESH_TOKEN/],
    [{ ALIDAV_PORT: 'eighty' }, 'ALIDAV_PORT', /whole number/],
    [{ ALIDAV_PORT: '' }, 'ALIDAV_PORT', /is empty/],
    [{ ALIDAV_HOST: '' }, 'ALIDAV_HOST', /is empty/],
    [{ ALIDAV_READ_ONLY: '' }, 'ALIDAV_READ_ONLY', /is empty/],
    [{ ALIDAV_HOST: '0.0.0.0' }, 'ALIDAV_HOST', /without a password/],
    [{ ALIDAV_USER: 'me' }, 'ALIDAV_USER', /needs ALIDAV_PASSWORD/],
    [{ ALIDAV_TLS_CERT: '/x.pem' }, 'ALIDAV_TLS_CERT', /needs ALIDAV_TLS_KEY/],
    [{ ALIDAV_TRUSTED_PROXIES: '10.0.0.0/8, proxy' }, 'ALIDAV_TRUSTED_PROXIES', /"proxy"/],
    [{ ALIDAV_PASSWORD_FILE: '/nonexistent' }, 'ALIDAV_PASSWORD_FILE', /cannot be read \(ENOENT\)/],
    [{ ALIDAV_PORT_FILE: '/x' }, 'ALIDAV_PORT_FILE', /no setting/],
  ])('refuses %j by name', (env: Record<string, string>, setting, message) => {
    expect(problemsOf({ env })[setting]).toMatch(message);
  });

  it.each([
    ['port', '{}', /whole number/],
    ['cache_max', '[1]', /must be a size/],
    ['trash', 'null', /true or false/],
    ['host', '7', /must be a text/],
    ['trusted_proxies', '7', /addresses/],
  ])('says what %s must be where a file has it as %s', (name, value, message) => {
    const configFile = write('types.json', `{"${name}": ${value}}`);
    expect(problemsOf({ configFile })[`${name} in types.json`]).toMatch(message);
  });

  it('reads a secret from the file that …_FILE names, without its line end', () => {
    const file = write('token', 'secret-token\n');
    expect(load({ env: { ALIDAV_REFRESH_TOKEN_FILE: file } }).settings.refresh_token).toBe('secret-token');
  });

  it('refuses a secret given twice in one source', () => {
    const file = write('token', 'one');
    const problems = problemsOf({ env: { ALIDAV_REFRESH_TOKEN: 'two', ALIDAV_REFRESH_TOKEN_FILE: file } });
    expect(Object.values(problems)).toEqual(['is set both directly and as a file']);
  });

  it('never quotes a secret in a mistake', () => {
    const problems = problemsOf({
      env: { ALIDAV_REFRESH_TOKEN: 'hush-hush', ALIDAV_PASSWORD: 'pssst', ALIDAV_PORT: 'x' },
    });
    expect(JSON.stringify(problems)).not.toMatch(/hush|pssst/);
  });

  it.each([
    [{ ALIDAV_REFRESH_TOKEN: '' }, true],
    [{ ALIDAV_CLIENT_ID: 'app' }, true],
    [{ ALIDAV_ROOT: '/Photos' }, true],
    [{ ALIDAV_OPEN_URL: 'http://127.0.0.1:1' }, true],
    [{ ALIDAV_PORT: '0', ALIDAV_USER: 'u', ALIDAV_PASSWORD: 'p' }, false],
  ])('%j names an account: %s', (env: Record<string, string>, expected) => {
    expect(load({ env }).namesAccount).toBe(expected);
  });

  it.each([
    ['"Films/"', '/Films'],
    ['"/50% #1 文档?/a b"', '/50% #1 文档?/a b'],
    ['"/\\ud800"', '/\ufffd'],
  ])('takes %s for the folder %j', (root, expected) => {
    const configFile = write('root.json', `{"root": ${root}}`);
    expect(load({ configFile }).settings.root).toBe(expected);
  });

  it('opens to the network once a password is set, or anonymity is asked for in words', () => {
    expect(load({ env: { ALIDAV_HOST: '0.0.0.0', ALIDAV_PASSWORD: 'p' } }).settings.host).toBe('0.0.0.0');
    expect(load({ env: { ALIDAV_HOST: '::', ALIDAV_ALLOW_ANONYMOUS: 'true' } }).settings.host).toBe('::');
  });
});

describe('withDemoSettings', () => {
  it('serves all of the demo drive, whatever is configured', () => {
    const { settings } = load({
      env: { ALIDAV_API: 'web', ALIDAV_DRIVE: 'resource', ALIDAV_ROOT: '/x', ALIDAV_PORT: '81' },
    });
    expect(withDemoSettings(settings)).toEqual({ ...settings, api: 'open', drive: 'all', root: '/' });
  });
});
