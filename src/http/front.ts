import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { formatBaseUrl } from '../config/base-url.ts';
import type { Settings } from '../config/schema.ts';
import { type Logger, type RequestRecord, redactLinkTokens } from '../log.ts';
import { isAdminPath } from './admin-path.ts';
import { type AdmissionRules, admit } from './admission.ts';
import { createAuthentication } from './authentication.ts';
import { answerConnectionErrors } from './connection-errors.ts';
import { type Connections, trackConnections } from './connections.ts';
import { createPeerReader, type Peer } from './forwarded.ts';
import { createHostGuard } from './host-guard.ts';
import { readTlsFiles, startListening } from './listen.ts';
import type { PrivateAddress } from './private-address.ts';
import { type Refusal, refuse } from './refusal.ts';
import { BODY_LIMITS, type BodyLimits, continueWhenRead, watchBody } from './request-body.ts';
import { type FinishedRequest, finishRequest, logRequest } from './request-log.ts';
import { createResponseClass } from './response.ts';
import { createThrottle } from './throttle.ts';

export type FrontSettings = Pick<
  Settings,
  'host' | 'port' | 'user' | 'password' | 'allow_anonymous' | 'trusted_proxies' | 'tls_cert' | 'tls_key'
>;

export interface FrontDeps {
  readonly settings: FrontSettings;
  /** Everything that is not below `/.alidav`. The request's url is in origin-form, well-formed, and names a path without `..`. */
  handleDav(request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void>;
  /** `/.alidav` and all below it; `path` is decoded. */
  handleAdmin(request: IncomingMessage, response: ServerResponse, path: string): Promise<void>;
  /** What came by a private address. Resolves with false, and has answered nothing, where its token opens nothing. */
  handlePrivate(
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
    address: PrivateAddress,
  ): Promise<boolean>;
  /** Admin paths that need no credentials. */
  readonly openAdminPaths: readonly string[];
  /** Admin paths that machines ask for every few seconds. */
  readonly probePaths: readonly string[];
  /** Ours, for the Server header. */
  readonly version: string;
  readonly log: Logger;
  now(): number;
  classifyClient(userAgent: string): string | undefined;
  /** Called when an answer is over, or its client has left; not for probes that were let in. */
  onRequest?(request: FinishedRequest): void;
  readonly bodyLimits?: BodyLimits;
}

export interface Front {
  /** @throws ListenError that says what to do. */
  listen(): Promise<{ url: string }>;
  /** Accepts no more, closes what is idle, lets running answers finish for `graceMs`, then cuts them off. */
  close(graceMs: number): Promise<void>;
}

const CLOSE = { Connection: 'close' };

const NO_SUCH_LINK: Refusal = {
  status: 404,
  message: 'There is no such link, or it has ended.',
  headers: { 'Cache-Control': 'no-store' },
};

/** Of a slash, or of what needs none (RFC 3986 §6.2.2.2). */
const NEEDLESS_ESCAPE = /%(?:2[def]|3\d|[46][1-9a-f]|5[\daf]|7[\dae])/gi;

const SERVER_OPTIONS = {
  maxHeaderSize: 64 * 2 ** 10,
  headersTimeout: 60_000,
  keepAliveTimeout: 75_000,
  // The default cuts uploads off after five minutes; `watchBody` bounds them instead.
  requestTimeout: 0,
  // A missing Host gets its answer, and its log line, from the host guard.
  requireHostHeader: false,
};

/** The HTTP server in front of everything: what malformed, foreign or unauthenticated requests get, they get here. */
export function createFront(deps: FrontDeps): Front {
  let server: Server | undefined;
  let connections: Connections | undefined;
  return {
    async listen() {
      const { host, port } = deps.settings;
      const tls = await readTlsFiles(deps.settings);
      const common = { Server: `alidav/${deps.version}`, 'X-Content-Type-Options': 'nosniff' };
      const options = { ...SERVER_OPTIONS, ServerResponse: createResponseClass(common) };
      server = tls ? createTlsServer({ ...options, ...tls }) : createServer(options);
      connections = trackConnections(server, tls ? 'secureConnection' : 'connection');
      serve(server, connections, deps);
      const address = await startListening(server, host, port);
      server.on('error', (error) => deps.log.error({ error }, 'cannot accept a connection'));
      return { url: formatBaseUrl(host, address.port, tls !== undefined) };
    },
    async close(graceMs) {
      if (!server?.listening) return;
      const closed = new Promise<void>((resolve) => server?.close(() => resolve()));
      connections?.drain();
      const timer = setTimeout(() => connections?.destroyAll(), graceMs).unref();
      await closed;
      clearTimeout(timer);
    },
  };
}

function serve(server: Server, connections: Connections, deps: FrontDeps): void {
  const { settings, openAdminPaths, log, now } = deps;
  const guardHost = createHostGuard(settings);
  const throttle = createThrottle(now);
  const rules = { guardHost, openAdminPaths, throttle, authenticate: createAuthentication(settings, throttle, now) };
  const readPeer = createPeerReader(settings.trusted_proxies);
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    connections.add(response);
    // Nobody may be listening when a client leaves at the wrong moment; an unheard 'error' would end the process.
    request.on('error', () => {});
    response.on('error', () => {});
    void answer(request, response, readPeer(request), rules, deps);
  };
  server.on('request', onRequest);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    continueWhenRead(request, response);
    onRequest(request, response);
  });
  server.on('checkExpectation', onRequest);
  // No listener for 'upgrade': node then answers as if nobody had asked, which Java's and Apache's HTTP clients, who ask
  // for h2c or TLS on every first request, depend on.
  answerConnectionErrors(server, connections, log);
}

/** Never rejects. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  peer: Peer,
  rules: AdmissionRules,
  deps: FrontDeps,
): Promise<void> {
  const { log, now } = deps;
  const startedAt = now();
  const sentBefore = request.socket.bytesWritten;
  const record: RequestRecord = {
    id: randomUUID().slice(0, 8),
    clientClass: deps.classifyClient(request.headers['user-agent'] ?? ''),
    delivery: undefined,
    upstreamCalls: 0,
    error: undefined,
  };
  const admission = admit(request, peer, rules);
  const { privateAddress, refusal } = admission;
  const path = admission.path ?? toReadableTarget(request.url ?? '');
  // Who is turned away there may be guessing a password.
  const isProbe = deps.probePaths.includes(path) && !refusal;
  const facts = {
    record,
    response,
    path: redactLinkTokens(path),
    address: peer.address,
    startedAt,
    sentBefore,
    isProbe,
  };
  response.once('close', () => {
    const finished = finishRequest(facts, now());
    logRequest(log, facts, finished);
    if (!isProbe) deps.onRequest?.(finished);
  });
  watchBody(request, response, deps.bodyLimits ?? BODY_LIMITS, now, () => {
    record.error = 'the request body stalled';
    if (response.headersSent) request.destroy();
    else refuse(response, { status: 408, message: 'The rest of the body did not come.', headers: CLOSE });
  });
  if (refusal) {
    record.error = refusal.message;
    refuse(response, refusal);
    return;
  }
  const respond = async () => {
    if (!privateAddress) {
      await (isAdminPath(path) ? deps.handleAdmin(request, response, path) : deps.handleDav(request, response, record));
    } else if (!(await answerPrivate(request, response, record, privateAddress, deps))) {
      rules.throttle.fail(peer.address);
      record.error = NO_SUCH_LINK.message;
      refuse(response, NO_SUCH_LINK);
    }
  };
  try {
    await respond();
  } catch (error) {
    record.error = error;
    if (response.headersSent) response.destroy();
    else refuse(response, { status: 500, message: 'Something went wrong in the server; its log says what.' });
  }
}

/** The address holds the secret, so nothing that is shown by it may tell other sites where it was found. */
function answerPrivate(
  request: IncomingMessage,
  response: ServerResponse,
  record: RequestRecord,
  address: PrivateAddress,
  deps: FrontDeps,
): Promise<boolean> {
  response.setHeader('Referrer-Policy', 'no-referrer');
  // Credentials do nothing here. A player that brings some would lose them on a redirect, and would be streamed to for that.
  delete request.headers.authorization;
  return deps.handlePrivate(request, response, record, address);
}

/**
 * An unreadable target for the log: cut short, without its query, which may hold anything, and without the escapes that
 * would only hide what it says.
 */
function toReadableTarget(target: string): string {
  return target
    .replace(/[?#].*$/, '')
    .replace(NEEDLESS_ESCAPE, (escaped) => String.fromCharCode(Number.parseInt(escaped.slice(1), 16)))
    .slice(0, 256);
}
