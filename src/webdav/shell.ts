import type { IncomingMessage, ServerResponse } from 'node:http';
import { v2 } from 'webdav-server';
import { formatHref } from '../drive/path.ts';
import type { Exchange, MethodHandler } from './method.ts';

export interface ShellOptions {
  readonly fileSystem: v2.FileSystem;
  readonly methods: Readonly<Record<string, MethodHandler>>;
  /** Answers every other method. */
  readonly unknownMethod: MethodHandler;
}

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
  const toUnit = (handler: MethodHandler): v2.HTTPMethod => ({
    chunked({ response }) {
      void handler((response as unknown as ShellResponse).exchange);
    },
  });
  const server = new v2.WebDAVServer({
    rootFileSystem: options.fileSystem,
    httpAuthentication: NO_AUTHENTICATION,
    requireAuthentification: false,
    respondWithPaths: true,
  });
  for (const [name, handler] of Object.entries(options.methods)) server.method(name, toUnit(handler));
  server.onUnknownMethod(toUnit(options.unknownMethod));

  return (exchange) => {
    const { request, response, record } = exchange;
    response.on('error', (error) => {
      record.error ??= error;
    });
    server.executeRequest(
      toShellRequest(request, exchange.path),
      new ShellResponse(exchange) as unknown as ServerResponse,
    );
  };
}

/**
 * The answer as the shell may see it. On every one it would put CORS with credentials for any page and claims that only OPTIONS
 * owes, and a listener that prints to the console.
 */
class ShellResponse {
  readonly exchange: Exchange;
  /** What the shell thinks of a request that it brings to no method. */
  statusCode = 500;
  statusMessage = '';

  constructor(exchange: Exchange) {
    this.exchange = exchange;
  }

  setHeader(): void {}

  on(): void {}

  end(): void {
    this.exchange.response.writeHead(this.statusCode).end();
  }
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
