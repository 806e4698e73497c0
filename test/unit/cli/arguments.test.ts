import { describe, expect, it } from 'vitest';
import { parseArguments, UsageError } from '../../../src/cli/arguments.ts';

describe('parseArguments', () => {
  it.each([
    [[], { command: 'serve', flags: {} }],
    [['demo', '--port', '0'], { command: 'demo', flags: { port: '0' } }],
    [['--host=::1', '--list-fresh-s=5'], { flags: { host: '::1', 'list-fresh-s': '5' } }],
    [['serve', '--read-only', '--port', '1'], { flags: { 'read-only': 'true', port: '1' } }],
    [['--trash', 'false'], { command: 'serve', flags: { trash: 'false' } }],
    [['--password=a=b'], { flags: { password: 'a=b' } }],
    [['whoami', '--config', 'mine.json'], { command: 'whoami', configFile: 'mine.json', flags: {} }],
    [['doctor', '--client', 'windows'], { command: 'doctor', client: 'windows' }],
    [['--client-secret-file', '/run/secret'], { flags: { 'client-secret-file': '/run/secret' } }],
    [['link', 'list'], { command: 'link', operands: ['list'], linkFlags: {} }],
    [
      ['link', 'remove', '0a1b2c3d', '--state-dir=/s'],
      { operands: ['remove', '0a1b2c3d'], flags: { 'state-dir': '/s' } },
    ],
    [
      ['link', 'add', '--folder', '/Films', '--label=tv', '--expires', '30d', '--port', '1'],
      { operands: ['add'], linkFlags: { folder: '/Films', label: 'tv', expires: '30d' }, flags: { port: '1' } },
    ],
    [['-h'], { help: true }],
    [['demo', '--help'], { command: 'demo', help: true }],
    [['--version'], { version: true }],
  ])('reads %j', (argv, expected) => {
    expect(parseArguments(argv)).toMatchObject(expected);
  });

  it.each([
    [['serv'], /did you mean "serve"/],
    [['--prot', '1'], /did you mean --port/],
    [['--refresh-token-fil', 'x'], /did you mean --refresh-token-file/],
    [['--user-file', 'x'], /no flag --user-file/],
    [['--port'], /needs a value/],
    [['--port', '--host', 'x'], /needs a value/],
    [['serve', 'demo'], /one word too many/],
    [['serve', '--folder', '/Films'], /--folder is for "alidav link add"/],
    [['link', 'list', '--expires=1d'], /--expires is for "alidav link add"/],
    [['link', 'add', '--lable', 'tv'], /did you mean --label/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(UsageError);
    expect(() => parseArguments(argv)).toThrow(message);
  });
});
