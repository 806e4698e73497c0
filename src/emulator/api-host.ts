import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fields, parseFields, readBody } from './api-request.ts';
import type { Calls } from './calls.ts';
import { apiError, type Dialect } from './errors.ts';
import type { FaultAction, Faults } from './faults.ts';
import type { Limits, RateClass } from './limits.ts';
import { patchReply } from './patch.ts';
import { ApiError, PlainRefusal, type Reply } from './reply.ts';
import { loseAnswer, sendFailure, sendReply } from './send-reply.ts';
import type { Settings } from './settings.ts';
import type { TaskOutcome } from './store/tasks.ts';
import type { LoginKind } from './tokens.ts';

/** A call as a route sees it. */
export interface ApiCall {
  readonly fields: Fields;
  readonly query: URLSearchParams;
  readonly header: (name: string) => string | undefined;
  /** Of the access token; routes without one never read it. */
  readonly login: LoginKind;
  /** How a task that the call starts is to end. */
  readonly task: TaskOutcome;
}

/** The body of a 200, from a call that may be made. */
export type Answer = (call: ApiCall) => unknown;

/** An answer of any status. */
export type Act = (call: ApiCall) => Reply;

export function ok(answer: Answer): Act {
  return (call) => ({ status: 200, body: answer(call) });
}

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly rateClass: RateClass;
  /** Throws where the caller may not; absent for routes that take no access token. */
  readonly authorize?: (header: ApiCall['header']) => LoginKind;
  readonly answer: Act;
}

interface ApiHostOptions {
  readonly dialect: Dialect;
  readonly routes: ReadonlyMap<string, Route>;
  readonly notFound: (path: string) => Reply;
  readonly settings: Readonly<Settings>;
  readonly faults: Faults;
  readonly limits: Limits;
  readonly calls: Calls;
}

/** Serves one dialect's routes: faults, latency, token, rate and route, in this order. */
export function createApiHost(options: ApiHostOptions): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    serve(options, request, response).catch((error: unknown) => sendFailure(response, error));
  };
}

async function serve(options: ApiHostOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { dialect, faults, calls, settings } = options;
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://emulator');
  const end = calls.begin(pathname);
  response.once('close', () => end(response.headersSent ? response.statusCode : 'none'));
  const text = await readBody(request);
  const header = (name: string) => request.headers[name]?.toString();
  let fields: Fields | undefined;
  const parse = () => {
    fields ??= parseFields(dialect, header('content-type') ?? '', text);
    return fields;
  };
  const suffering = faults.take(pathname, attempt(parse)?.all ?? {});
  const delayMs = settings.latencyMs + suffering.delayMs;
  if (delayMs > 0) await sleep(delayMs, undefined, { ref: false });
  const fault = suffering.end;
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'reset') {
    request.socket.resetAndDestroy();
    return;
  }
  const reply =
    (fault && faultReply(dialect, fault)) ??
    patchReply(
      refusalAsReply(dialect, () =>
        answer(options, request.method ?? '', pathname, searchParams, { header, parse, task: suffering.task }),
      ),
      suffering.patches,
    );
  if (fault?.kind === 'lost-answer') {
    await loseAnswer(response, fault.how, { status: 500, body: undefined });
    return;
  }
  await sendReply(response, reply, fault);
}

function answer(
  { dialect, routes, notFound, limits, calls }: ApiHostOptions,
  method: string,
  path: string,
  query: URLSearchParams,
  { header, parse, task }: Pick<ApiCall, 'header' | 'task'> & { readonly parse: () => Fields },
): Reply {
  const route = routes.get(path);
  if (route?.method !== method) return notFound(path);
  if (dialect === 'open' && !header('user-agent')) {
    throw new ApiError(500, 'InternalError', 'java.lang.NullPointerException', { requestId: randomUUID() });
  }
  const login = route.authorize?.(header) ?? 'page';
  const waitMs = limits.take(dialect, route.rateClass);
  if (waitMs > 0) {
    calls.overLimit(path);
    throw new PlainRefusal(throttled(dialect, dialect === 'open' ? waitMs : undefined));
  }
  return route.answer({ fields: parse(), query, header, login, task });
}

/** The web API throttles without a word; the open API tells how long to wait. */
function throttled(dialect: Dialect, retryAfterMs: number | undefined): Reply {
  if (dialect === 'web' && retryAfterMs === undefined) return { status: 429, body: undefined };
  const headers = { 'x-retry-after': String(retryAfterMs ?? 1000) };
  return { ...errorReply('open', apiError('open', 'TooManyRequests')), headers };
}

/** The answer that a fault gives in place of the route's; undefined for those that only spoil the right one. */
function faultReply(dialect: Dialect, fault: FaultAction): Reply | undefined {
  switch (fault.kind) {
    case 'answer':
      return { status: fault.status, body: fault.body, ...(fault.headers && { headers: fault.headers }) };
    case 'error':
      return errorReply(dialect, apiError(dialect, fault.code, fault.message));
    case 'throttle':
      return throttled(dialect, fault.retryAfterMs);
    default:
      return undefined;
  }
}

function refusalAsReply(dialect: Dialect, act: () => Reply): Reply {
  try {
    return act();
  } catch (error) {
    if (error instanceof PlainRefusal) return error.reply;
    if (error instanceof ApiError) return errorReply(dialect, error);
    throw error;
  }
}

/** A refusal as either dialect writes it; also that of a part of a batch. */
export function errorReply(dialect: Dialect, error: ApiError): Reply {
  const requestId = dialect === 'open' ? { requestId: randomBytes(15).toString('hex') } : {};
  return { status: error.status, body: { code: error.code, message: error.message, ...requestId, ...error.extra } };
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
