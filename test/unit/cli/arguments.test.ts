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
  ])('refuses %j', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(UsageError);
    expect(() => parseArguments(argv)).toThrow(message);
  });
});
