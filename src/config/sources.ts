import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse as parseDotenv } from 'dotenv';
import { findNearest } from './nearest.ts';
import { isSecret, type SettingName, settingNames } from './schema.ts';

/** One mistake, by the name under which the person set it. */
export interface Problem {
  readonly setting: string;
  readonly message: string;
}

/** A setting's raw value and where it came from. `value` is undefined when a `…_FILE` could not be read. */
interface RawSetting {
  readonly value: unknown;
  /** As the person wrote it: `ALIDAV_PORT`, `--port`, `port in alidav.json`. */
  readonly shownAs: string;
  readonly isDefault: boolean;
}

export type RawSettings = Map<SettingName, RawSetting>;

export interface Sources {
  /** Command-line flags without their dashes, `list-fresh-s` as typed. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workingDir: string;
  /** The file named by `--config`. */
  readonly configFile: string | undefined;
}

/** The package's folder, the same from `src/config` and from `dist/config`. */
export const packageDir = fileURLToPath(new URL('../..', import.meta.url));

/** The process's own environment; the only place that reads it. */
export function readEnvironment(): Pick<Sources, 'env' | 'workingDir'> {
  return { env: process.env, workingDir: process.cwd() };
}

const ENV_PREFIX = 'ALIDAV_';

/** Gathers every setting from its sources, the later ones winning; what is wrong with a source goes to `problems`. */
export function gatherSettings(sources: Sources, problems: Problem[]): RawSettings {
  const gathered: RawSettings = new Map();
  const take = (
    values: Readonly<Record<string, unknown>>,
    toName: (key: string) => string | undefined,
    show: (key: string) => string,
    isDefault = false,
  ) => {
    const given = new Set<string>();
    for (const [key, value] of Object.entries(values)) {
      const name = toName(key);
      if (name === undefined || value === undefined) continue;
      const direct = name.replace(/_file$/, '');
      const isFile = direct !== name && isSecret(direct);
      if (!isSettingName(isFile ? direct : name)) {
        problems.push({ setting: show(key), message: unknownMessage(name, (known) => show(fromName(key, known))) });
      } else if (isFile && isSettingName(direct)) {
        if (given.has(direct)) problems.push({ setting: show(key), message: 'is set both directly and as a file' });
        gathered.set(direct, { value: readSecret(String(value), show(key), problems), shownAs: show(key), isDefault });
        given.add(direct);
      } else if (isSettingName(name)) {
        if (given.has(name)) problems.push({ setting: show(key), message: 'is set both directly and as a file' });
        gathered.set(name, { value, shownAs: show(key), isDefault });
        given.add(name);
      }
    }
  };

  const sameKey = (key: string) => key;
  take(readJson(path.join(packageDir, 'config', 'default.json'), '--config', problems), sameKey, sameKey, true);
  if (sources.configFile !== undefined) {
    const file = path.resolve(sources.workingDir, sources.configFile);
    take(readJson(file, '--config', problems), sameKey, (key) => `${key} in ${path.basename(file)}`);
  }
  const fromEnv = (key: string) =>
    key.startsWith(ENV_PREFIX) ? key.slice(ENV_PREFIX.length).toLowerCase() : undefined;
  take(readDotenv(path.join(sources.workingDir, '.env'), problems), fromEnv, (key) => `${key} in .env`);
  take(sources.env, fromEnv, sameKey);
  take(
    sources.flags,
    (key) => key.replaceAll('-', '_'),
    (key) => `--${key}`,
  );
  return gathered;
}

function isSettingName(name: string): name is SettingName {
  return (settingNames as readonly string[]).includes(name);
}

function unknownMessage(name: string, show: (known: string) => string): string {
  const nearest = findNearest(name, settingNames);
  return `is no setting of alidav${nearest ? `; the nearest is ${show(nearest)}` : ''}`;
}

/** Writes a setting's name in the manner of the key that was mistyped. */
function fromName(like: string, name: string): string {
  if (like.startsWith(ENV_PREFIX)) return ENV_PREFIX + name.toUpperCase();
  return like.includes('-') ? name.replaceAll('_', '-') : name;
}

function readSecret(file: string, setting: string, problems: Problem[]): string | undefined {
  try {
    const secret = readFileSync(file, 'utf8').trim();
    if (secret) return secret;
    problems.push({ setting, message: 'names an empty file' });
  } catch (error) {
    problems.push({ setting, message: `names a file that cannot be read (${errorCode(error)})` });
  }
  return undefined;
}

function readJson(file: string, setting: string, problems: Problem[]): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>;
    }
    problems.push({ setting, message: `${file} must hold one JSON object` });
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is no valid JSON' : `cannot be read (${errorCode(error)})`;
    problems.push({ setting, message: `${file} ${why}` });
  }
  return {};
}

function readDotenv(file: string, problems: Problem[]): Record<string, string> {
  try {
    return parseDotenv(readFileSync(file));
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') {
      problems.push({ setting: '.env', message: `cannot be read (${errorCode(error)})` });
    }
    return {};
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
}
