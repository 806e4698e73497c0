import { findNearest } from '../config/nearest.ts';
import { isSecret, settingNames } from '../config/schema.ts';

const COMMANDS = ['serve', 'demo', 'login', 'whoami', 'doctor', 'link'] as const;
export type Command = (typeof COMMANDS)[number];

export interface Arguments {
  readonly command: Command;
  readonly help: boolean;
  readonly version: boolean;
  readonly configFile: string | undefined;
  /** The client that `doctor` is asked about. */
  readonly client: string | undefined;
  /** What follows `link`. */
  readonly operands: readonly string[];
  readonly linkFlags: LinkFlags;
  /** Settings given as flags, by the flag's name without its dashes. */
  readonly flags: Readonly<Record<string, string>>;
}

/** What `link add` is told, as typed. */
export type LinkFlags = Readonly<Record<(typeof LINK_FLAGS)[number], string | undefined>>;

/** The command line cannot be understood; the message says what to type instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const LINK_FLAGS = ['label', 'folder', 'expires'] as const;
const OWN_FLAGS = ['help', 'version', 'config', 'client', ...LINK_FLAGS];
/** Flags that may stand alone: `--read-only` says `--read-only=true`. */
const SWITCHES = ['help', 'version', 'read-only', 'trash', 'metrics-open', 'allow-anonymous'];
const SETTING_FLAGS = [...settingNames, ...settingNames.filter(isSecret).map((name) => `${name}_file`)].map((name) =>
  name.replaceAll('_', '-'),
);

/**
 * Reads `[command] [operand…] [--flag value | --flag=value | --switch]…`. Every setting is a flag, so the names come from the
 * schema, and an unknown one is answered with the nearest.
 * @throws UsageError
 */
export function parseArguments(argv: readonly string[]): Arguments {
  const flags: Record<string, string> = {};
  const operands: string[] = [];
  let command: Command | undefined;
  const rest = argv.map((word) => ({ '-h': '--help', '-v': '--version' })[word] ?? word);
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('--')) {
      if (command === undefined) command = toCommand(word);
      else if (command === 'link') operands.push(word);
      else throw new UsageError(`"${word}" is one word too many after "${command}".`);
      continue;
    }
    const [name = '', ...value] = word.slice(2).split('=');
    if (![...OWN_FLAGS, ...SETTING_FLAGS].includes(name)) throw unknownFlag(name);
    flags[name] = value.length > 0 ? value.join('=') : takeValue(name, rest);
  }
  const { help, version, config, client, label, folder, expires, ...settingFlags } = flags;
  const stray = LINK_FLAGS.find((name) => flags[name] !== undefined);
  if (stray && !(command === 'link' && operands[0] === 'add')) {
    throw new UsageError(`--${stray} is for "alidav link add".`);
  }
  return {
    command: command ?? 'serve',
    help: help !== undefined,
    version: version !== undefined,
    configFile: config,
    client,
    operands,
    linkFlags: { label, folder, expires },
    flags: settingFlags,
  };
}

function toCommand(word: string): Command {
  const command = COMMANDS.find((known) => known === word);
  if (command) return command;
  const nearest = findNearest(word, COMMANDS);
  throw new UsageError(`There is no command "${word}"${nearest ? `; did you mean "${nearest}"?` : '.'}`);
}

function unknownFlag(name: string): UsageError {
  const nearest = findNearest(name, [...OWN_FLAGS, ...SETTING_FLAGS]);
  return new UsageError(`There is no flag --${name}${nearest ? `; did you mean --${nearest}?` : '.'}`);
}

function takeValue(name: string, rest: string[]): string {
  if (SWITCHES.includes(name)) return /^(?:true|false)$/.test(rest[0] ?? '') ? (rest.shift() ?? '') : 'true';
  const value = rest.shift();
  if (value === undefined || value.startsWith('--')) throw new UsageError(`--${name} needs a value.`);
  return value;
}
