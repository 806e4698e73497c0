import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

export interface LogSettings {
  readonly log_level: string;
  readonly log_format: 'auto' | 'json' | 'pretty';
}

/**
 * What one request's log line says beyond its method, path and status. The front makes it, whoever handles the request
 * fills it in.
 */
export interface RequestRecord {
  readonly id: string;
  clientClass: string | undefined;
  delivery: 'redirect' | 'stream' | undefined;
  upstreamCalls: number;
  /** Why the answer is an error, for the log alone. */
  error: unknown;
}

/** Names of fields whose values never reach a log, whatever object they are in; compared without case, `-` and `_`. */
const SECRET_FIELDS = new Set([
  'authorization',
  'proxyauthorization',
  'cookie',
  'setcookie',
  'accesstoken',
  'refreshtoken',
  'clientsecret',
  'password',
  'downloadurl',
  'uploadurl',
  'location',
]);

/** What has been made of the names of fields: they are few, and every line has a dozen. */
const knownFields = new Map<string, boolean>();

const REDACTED = '[redacted]';
const MAX_TEXT_LENGTH = 16 * 2 ** 10;
const MAX_DEPTH = 5;
const MAX_FIELD_NAMES = 500;

/** What each of the patterns of `redactText` needs; of nearly all texts one look for it is all that is done. */
const SUSPICIOUS = /:\/\/|bearer|token|eyJ|[0-9a-f]{32}|\.alidav\/|link_/i;

/** The last fence: whatever a text quotes, signed links, credentials in URLs and tokens are cut out of it. */
export function redactText(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH && !SUSPICIOUS.test(text)) return text;
  const bounded = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;
  const cut = bounded
    .replace(/(https?:\/\/)[^\s/?#@"'<>]+@/g, '$1')
    .replace(/(https?:\/\/[^\s?"'<>]+)\?[^\s"'<>]*/g, `$1?${REDACTED}`)
    .replace(/\bBearer\s+[\w.~+/=-]+/gi, `Bearer ${REDACTED}`)
    .replace(/\b((?:access|refresh)_?token\\?["']?\s*[:=]\s*\\?["']?)[\w.~+/=-]+/gi, `$1${REDACTED}`)
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, REDACTED)
    .replace(/\b[0-9a-f]{32}\b/gi, REDACTED);
  return redactLinkTokens(cut);
}

/** Cuts tokens of private links out of an address, by their place in it and by their form, and leaves all else as it is. */
export function redactLinkTokens(text: string): string {
  // Every request's path comes through here, and to look for two words costs far less than the patterns.
  if (!text.includes('.alidav/') && !text.includes('link_')) return text;
  return text.replace(/(\.alidav\/+t\/+)[^\s/?#"'<>]+/g, `$1${REDACTED}`).replace(/link_[\w-]{32}/g, REDACTED);
}

function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return redactText(String(error));
  const plain: Record<string, unknown> = { type: error.name, message: redactText(error.message) };
  if ('code' in error) plain.code = error.code;
  if (error.stack) plain.stack = redactText(error.stack);
  if (error.cause !== undefined && depth < MAX_DEPTH) plain.cause = serializeError(error.cause, depth + 1);
  return plain;
}

/** A copy of what is logged, without its secrets. */
function redactFields(fields: Record<string, unknown>, depth = 0): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, redactField(name, value, depth)]));
}

function redactField(name: string, value: unknown, depth: number): unknown {
  if (isSecret(name)) return REDACTED;
  // Neither what was asked for by name nor who is signed in is a secret, though both may look like a refresh token.
  if (name === 'userId') return value;
  if (name === 'path') return typeof value === 'string' ? redactLinkTokens(value) : value;
  return redactValue(value, depth);
}

function isSecret(name: string): boolean {
  const known = knownFields.get(name);
  if (known !== undefined) return known;
  const isOne = SECRET_FIELDS.has(name.toLowerCase().replace(/[-_]/g, ''));
  // Some names are of things that were read, and have no end.
  if (knownFields.size < MAX_FIELD_NAMES) knownFields.set(name, isOne);
  return isOne;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return serializeError(value);
  if (value instanceof URL) return redactText(value.href);
  if (depth >= MAX_DEPTH) return '[nested]';
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  // A request, a response or an HTTP client's object holds more than anybody can name.
  if (prototype !== Object.prototype && prototype !== null) return `[${value.constructor.name}]`;
  return redactFields({ ...value }, depth + 1);
}

/** Log lines go to stdout alone: JSON, or readable on a terminal. */
export function createLogger(
  settings: LogSettings,
  isTerminal = process.stdout.isTTY === true,
  destination: DestinationStream = pino.destination(1),
): Logger {
  const readable = settings.log_format === 'pretty' || (settings.log_format === 'auto' && isTerminal);
  const options: LoggerOptions = {
    level: settings.log_level,
    base: null,
    formatters: { log: (fields) => redactFields(fields) },
    // What `redactFields` made of an error is left as it is: pino's own serializer would show all its fields.
    serializers: { err: (error: unknown) => error },
    hooks: {
      logMethod([first, ...rest]: unknown[], method) {
        // For an error alone pino takes its message as it is.
        const texts = first instanceof Error && rest.length === 0 ? [first.message] : rest;
        const [fields, ...args] = [first, ...texts].map((arg) => (typeof arg === 'string' ? redactText(arg) : arg));
        method.call(this, fields as object, ...(args as [string?]));
      },
    },
  };
  return readable
    ? pino(
        options,
        pretty({
          colorize: isTerminal,
          ignore: 'pid,hostname',
          // Scripts wait for one line that has both `listening` and the URL.
          singleLine: true,
          // Without this, fields named `error` get lines of their own.
          errorLikeObjectKeys: [],
          translateTime: 'SYS:HH:MM:ss.l',
          sync: true,
          destination,
        }),
      )
    : pino(options, destination);
}
