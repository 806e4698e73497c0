import { type Logger, pino } from 'pino';
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
  delivery: 'redirect' | 'stream' | 'cache' | undefined;
  upstreamCalls: number;
  /** Why the answer is an error, for the log alone. */
  error: unknown;
}

/** Names of fields that never reach a log, whatever object they are in. */
const SECRET_FIELDS = [
  'authorization',
  'Authorization',
  'access_token',
  'accessToken',
  'refresh_token',
  'refreshToken',
  'client_secret',
  'clientSecret',
  'password',
  'download_url',
  'upload_url',
  'location',
  'Location',
];

/** The last fence: whatever an error's text quotes, signed links and JWTs are cut out of it. */
export function redactText(text: string): string {
  return text
    .replace(/(https?:\/\/[^\s?"'<>]+)\?[^\s"'<>]*/g, '$1?[redacted]')
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[redacted]')
    .replace(/\b[0-9a-f]{32}\b/g, '[redacted]');
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return redactText(String(error));
  const plain: Record<string, unknown> = { type: error.name, message: redactText(error.message) };
  if ('code' in error) plain.code = error.code;
  if (error.stack) plain.stack = redactText(error.stack);
  if (error.cause !== undefined) plain.cause = serializeError(error.cause);
  return plain;
}

/** Log lines go to stdout alone: JSON, or readable on a terminal. */
export function createLogger(settings: LogSettings, isTerminal = process.stdout.isTTY === true): Logger {
  const readable = settings.log_format === 'pretty' || (settings.log_format === 'auto' && isTerminal);
  const options = {
    level: settings.log_level,
    base: null,
    redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    serializers: { err: serializeError, error: serializeError },
  };
  return readable
    ? pino(
        options,
        pretty({ colorize: isTerminal, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', sync: true }),
      )
    : pino(options);
}
