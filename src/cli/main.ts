#!/usr/bin/env node
import { ConfigError, loadConfig } from '../config/load.ts';
import { readEnvironment } from '../config/sources.ts';
import { type Arguments, parseArguments, UsageError } from './arguments.ts';
import { formatHelp, readVersion } from './help.ts';

/** Exit codes: 0 fine, 1 it failed, 2 wrong usage or configuration. */
async function run(argv: readonly string[]): Promise<number> {
  const args = parseArguments(argv);
  if (args.version) return print(readVersion());
  if (args.help) return print(formatHelp(argv.some((word) => word === args.command) ? args.command : undefined));
  switch (args.command) {
    case 'serve':
    case 'demo': {
      const { serve } = await import('./serve.ts');
      return serve(readConfig(args), args.command);
    }
    case 'login': {
      const { login } = await import('./login.ts');
      return login(readConfig(args));
    }
    case 'whoami': {
      const { whoami } = await import('./whoami.ts');
      return whoami(readConfig(args));
    }
    case 'doctor': {
      const { doctor } = await import('./doctor.ts');
      return doctor(() => readConfig(args), args.client);
    }
    case 'link': {
      const { link } = await import('./link.ts');
      return link(args, () => readConfig(args));
    }
  }
}

function readConfig({ flags, configFile }: Arguments) {
  return loadConfig({ flags, configFile, ...readEnvironment() });
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function explain(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`alidav: ${error.message}\nTry: alidav --help\n`);
    return 2;
  }
  if (error instanceof ConfigError) {
    const list = error.problems.map(({ setting, message }) => `  ${setting} ${message}`).join('\n');
    process.stderr.write(`alidav: the configuration has to be mended first:\n${list}\n`);
    return 2;
  }
  process.stderr.write(`alidav: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
}

// No timer of the program keeps a process alive, so a command that waits for one would end in the middle of its work.
const keepAlive = setInterval(() => {}, 60_000);
process.exitCode = await run(process.argv.slice(2)).catch(explain);
clearInterval(keepAlive);
