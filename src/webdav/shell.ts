import type { IncomingMessage, ServerResponse } from 'node:http';
import { v2 } from 'webdav-server';
import { formatHref } from '../drive/path.ts';
import type { Exchange, MethodHandler } from './method.ts';

export interface ShellOptions {
  readonly fileSystem: v2.FileSystem;
  readonly version: string;
  readonly methods: Readonly<Record<string, MethodHandler>>;
  /** Answers every other method. */
  readonly unknownMethod: MethodHandler;
}

/** What webdav-server puts on every answer: CORS with credentials for any page, and claims that only OPTIONS owes. */
const SHELL_HEADERS = [
  'Access-Control-Allow-Origin',
  'Access-Control-Allow-Credentials',
  'Access-Control-Expose-Headers',
  'DAV',
  'MS-Author-Via',
  'Allow',
] as const;

/** Who a request is was settled before it comes here, and every privilege with it. */
const USER: v2.IUser = { uid: 'alidav', username: 'alidav', isAdministrator: true, isDefaultUser: false };

const NO_AUTHENTICATION: v2.HTTPAuthentication = {
  askForAuthentication: () => ({}),
  // The library's types were written without strictNullChecks.
  getUser: (_context, callback) => callback(null as unknown as Error, USER),
};

/**
 * Wraps webdav-server around our methods: it finds the method of an exchange and runs it, which must not throw. Its
 * stock methods are all replaced.
 */
export function createShell(options: ShellOptions): (exchange: Exchange) => void {
  const exchanges = new WeakMap<ServerResponse, Exchange>();
  const toUnit = (handler: MethodHandler): v2.HTTPMethod => ({
    chunked(context) {
      const exchange = exchanges.get(context.response);
      if (exchange) void handler(exchange);
    },
  });
  const server = new v2.WebDAVServer({
    rootFileSystem: options.fileSystem,
    httpAuthentication: NO_AUTHENTICATION,
    requireAuthentification: false,
    respondWithPaths: true,
    serverName: 'alidav',
    version: options.version,
  });
  for (const [name, handler] of Object.entries(options.methods)) server.method(name, toUnit(handler));
  server.onUnknownMethod(toUnit(options.unknownMethod));

  return (exchange) => {
    const { request, response, record } = exchange;
    exchanges.set(response, exchange);
    const listeners = response.listeners('error');
    server.executeRequest(toShellRequest(request, exchange.path), response);
    // All that the shell sets and adds it does within the call; the method runs in a later tick.
    for (const name of SHELL_HEADERS) response.removeHeader(name);
    response.on('error', (error) => {
      record.error ??= error;
    });
    // Its own listener prints to the console.
    for (const listener of response.listeners('error').slice(listeners.length, -1)) {
      response.off('error', listener as () => void);
    }
  };
}

/** Spares the shell from throwing, and catching, a TypeError of its own at half its cost where there is no Depth. */
const SHELL_REQUEST_HEADERS = { depth: '0' };

/**
 * The request as the shell may see it: all that it reads. Its constructor throws on URLs that cannot be decoded, takes a
 * backslash for a slash, and resolves `..` after that.
 */
function toShellRequest({ method }: IncomingMessage, path: string): IncomingMessage {
  const url = formatHref(path).replaceAll('%5C', encodeURIComponent('＼'));
  return { method, url, headers: SHELL_REQUEST_HEADERS } as unknown as IncomingMessage;
}
