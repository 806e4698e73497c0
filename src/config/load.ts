import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { isLoopbackHost } from './loopback.ts';
import {
  ACCOUNT_SETTINGS,
  demoSchema,
  type ParsedSettings,
  type SettingName,
  type Settings,
  settingsSchema,
  TARGET_SETTINGS,
} from './schema.ts';
import { gatherSettings, type Problem, packageDir, type RawSettings, type Sources } from './sources.ts';

export interface Config {
  readonly settings: Settings;
  /**
   * Somebody named an account, if only by an empty or unreadable setting. The demo is never served then: a sync program
   * pointed at a demo drive by a lost variable would wipe its folder.
   */
  readonly namesAccount: boolean;
}

/** Every mistake in the configuration, each by its setting's name. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ setting, message }) => `${setting} ${message}`).join('\n'));
    this.problems = problems;
  }
}

/**
 * Reads the settings: built-in defaults, the settings file, `.env`, the environment, flags, the later ones winning.
 * @throws ConfigError with all mistakes at once.
 */
export function loadConfig(sources: Sources): Config {
  const problems: Problem[] = [];
  const raw = gatherSettings(sources, problems);
  const present = [...raw].filter(([, { value }]) => value !== undefined && value !== '');
  const parsed = settingsSchema.safeParse(Object.fromEntries(present.map(([name, { value }]) => [name, value])));
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]) as SettingName;
    const isEmpty = raw.get(name)?.value === '';
    const message = isEmpty ? 'is empty: give it a value, or leave it out' : issue.message;
    problems.push({ setting: raw.get(name)?.shownAs ?? name, message });
  }
  const data = parsed.data as ParsedSettings | undefined;
  if (data) problems.push(...findContradictions(data, raw));
  if (!data || problems.length > 0) throw new ConfigError(problems);
  const stateDir = path.resolve(sources.workingDir, data.state_dir ?? defaultStateDir(sources.env));
  return { settings: Object.freeze({ ...data, state_dir: stateDir }), namesAccount: namesAccount(raw) };
}

function defaultStateDir(env: Sources['env']): string {
  return path.join(env.XDG_STATE_HOME || path.join(homedir(), '.local', 'state'), 'alidav');
}

/** What a demo serves, whatever is configured: `config/demo.json`. */
export function withDemoSettings(settings: Settings): Settings {
  const file = path.join(packageDir, 'config', 'demo.json');
  return { ...settings, ...demoSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) };
}

function namesAccount(raw: RawSettings): boolean {
  return (
    ACCOUNT_SETTINGS.some((name) => raw.has(name)) || TARGET_SETTINGS.some((name) => raw.get(name)?.isDefault === false)
  );
}

/** Settings that are fine alone and wrong together. */
function findContradictions(settings: ParsedSettings, raw: RawSettings): Problem[] {
  const problems: Problem[] = [];
  const shownAs = (name: SettingName) => raw.get(name)?.shownAs ?? `ALIDAV_${name.toUpperCase()}`;
  if (settings.user !== undefined && settings.password === undefined) {
    problems.push({ setting: shownAs('user'), message: 'needs ALIDAV_PASSWORD beside it' });
  }
  if (!isLoopbackHost(settings.host) && settings.password === undefined && !settings.allow_anonymous) {
    problems.push({
      setting: shownAs('host'),
      message:
        'would open the drive to the network without a password: set ALIDAV_USER and ALIDAV_PASSWORD, or ALIDAV_ALLOW_ANONYMOUS=true',
    });
  }
  if ((settings.tls_cert === undefined) !== (settings.tls_key === undefined)) {
    const [has, lacks] = settings.tls_cert ? (['tls_cert', 'KEY'] as const) : (['tls_key', 'CERT'] as const);
    problems.push({ setting: shownAs(has), message: `needs ALIDAV_TLS_${lacks} beside it` });
  }
  return problems;
}
