import { isIP } from 'node:net';
// The classic build of zod 4 loads fifty languages: a seventh of a second and 12 MB that nobody here reads.
import { z } from 'zod/v3';
import { parsePath } from '../drive/path.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, TIB: 2 ** 40 };

/** What is wrong with a value of another type too, of which zod would say only that it is invalid. */
const orElse = (message: string) => ({ errorMap: () => ({ message }) });

const text = z.string(orElse('must be a text'));

const SIZE_FORM = 'must be a size such as 512MiB, 20GiB or 0';

/** Sizes as people write them: `64MiB`, `20 GiB`, `0`. */
const sizeBytes = z.union([z.number(), z.string()], orElse(SIZE_FORM)).transform((raw, context) => {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]iB|B)?$/i.exec(String(raw).trim());
  const unit = match && UNITS[(match[2] ?? '').toUpperCase()];
  if (!match || !unit) {
    context.addIssue({ code: 'custom', message: SIZE_FORM });
    return z.NEVER;
  }
  return Math.floor(Number(match[1]) * unit);
});

const YES = ['true', '1', 'yes', 'on'];
const NO = ['false', '0', 'no', 'off'];

const FLAG_FORM = 'must be true or false';

const flag = z.union([z.boolean(), z.string()], orElse(FLAG_FORM)).transform((raw, context) => {
  const word = String(raw).toLowerCase();
  if (YES.includes(word)) return true;
  if (NO.includes(word)) return false;
  context.addIssue({ code: 'custom', message: FLAG_FORM });
  return z.NEVER;
});

const wholeNumber = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.union([z.number(), z.string()], orElse(message)).transform((raw, context) => {
    const value = String(raw).trim() === '' ? Number.NaN : Number(raw);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
};

const oneOf = <const T extends readonly [string, ...string[]]>(words: T) =>
  z.enum(words, orElse(`must be one of ${words.join(', ')}`));

const baseUrl = text.transform((raw, context) => {
  const url = URL.canParse(raw) ? new URL(raw) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    context.addIssue({ code: 'custom', message: 'must be an http or https URL' });
    return z.NEVER;
  }
  return raw.replace(/\/+$/, '');
});

/** Settings that say "nobody" when they are empty: an empty variable is how compose files leave one out. */
const optionalText = text.optional().transform((raw) => raw || undefined);

const addresses = z
  .union([z.string(), z.array(z.string())], orElse('must be addresses, separated by commas'))
  .optional()
  .transform((raw, context) => {
    const list = (Array.isArray(raw) ? raw : (raw ?? '').split(',')).map((item) => item.trim()).filter(Boolean);
    for (const item of list) {
      const [address = '', bits, ...rest] = item.split('/');
      const most = isIP(address) === 6 ? 128 : 32;
      const good = isIP(address) !== 0 && rest.length === 0 && (bits === undefined || /^\d{1,3}$/.test(bits));
      if (!good || Number(bits ?? 0) > most) {
        context.addIssue({ code: 'custom', message: `"${item}" is no IP address or range such as 10.0.0.0/8` });
      }
    }
    return list;
  });

const drivePath = text.transform((raw, context) => {
  const parsed = parsePath(raw);
  if (parsed === undefined) {
    context.addIssue({ code: 'custom', message: 'must be a folder of the drive such as /Films' });
    return z.NEVER;
  }
  return parsed;
});

/** Every setting by the name it has in a settings file; `ALIDAV_` + upper case in the environment. */
const settings = {
  host: text,
  port: wholeNumber(0, 65_535),
  user: optionalText,
  password: optionalText,
  allow_anonymous: flag,
  trusted_proxies: addresses,
  refresh_token: optionalText,
  api: oneOf(['auto', 'web', 'app', 'open']),
  api_url: baseUrl,
  auth_url: baseUrl,
  open_url: baseUrl,
  client_id: optionalText,
  client_secret: optionalText,
  drive: oneOf(['default', 'backup', 'resource', 'all']),
  root: drivePath,
  read_only: flag,
  trash: flag,
  delivery: oneOf(['auto', 'redirect', 'stream']),
  state_dir: optionalText,
  list_fresh_s: wholeNumber(0, 86_400),
  log_level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  log_format: oneOf(['auto', 'json', 'pretty']),
  tls_cert: optionalText,
  tls_key: optionalText,
  junk: oneOf(['keep', 'upload']),
  upload_memory: sizeBytes,
  spool_max: sizeBytes,
  cache_max: sizeBytes,
  metrics_open: flag,
} as const;

export type SettingName = keyof typeof settings;

export const settingNames = Object.keys(settings) as readonly SettingName[];

/** Settings that may come as `…_FILE`, naming a file that holds the value. */
const SECRET_SETTINGS: readonly string[] = ['password', 'refresh_token', 'client_secret'] satisfies SettingName[];

export function isSecret(name: string): boolean {
  return SECRET_SETTINGS.includes(name);
}

/** Settings that belong to an account: one that is present, even empty, says that there is one. */
export const ACCOUNT_SETTINGS = [
  'refresh_token',
  'client_id',
  'client_secret',
] as const satisfies readonly SettingName[];

/** Settings with a default that say where an account is and what of it to serve: set by hand, they say the same. */
export const TARGET_SETTINGS = [
  'api',
  'api_url',
  'auth_url',
  'open_url',
  'drive',
  'root',
] as const satisfies readonly SettingName[];

export const settingsSchema = z.strictObject(settings);

/** Those that say what of an account is served. */
export const demoSchema = settingsSchema.pick({ api: true, drive: true, root: true });

/** As the schema yields them; zod types a setting without a value as absent. */
export type ParsedSettings = Required<z.output<typeof settingsSchema>>;

/** The parsed settings; a part of the program takes the slice it needs. */
export type Settings = Readonly<ParsedSettings & { state_dir: string }>;
