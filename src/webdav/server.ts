import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestRecord } from '../log.ts';
import { writeError } from './errors.ts';
import { DriveFileSystem, type OpenContent } from './file-system.ts';
import type { Exchange, MethodHandler } from './method.ts';
import { answerOptions } from './methods/options.ts';
import { createPropfind } from './methods/propfind.ts';
import { refuseNotAllowed, refuseUnknown, refuseWrite } from './methods/refused.ts';
import type { Tree } from './ports.ts';
import { parseRequestTarget } from './request-target.ts';
import { createShell } from './shell.ts';

export interface WebDavServerDeps {
  readonly tree: Tree;
  readonly getHead: MethodHandler;
  readonly openContent: OpenContent;
  /** Ours, for the Server header. */
  readonly version: string;
}

export interface WebDavServer {
  /** Answers one request whose sender was authenticated; resolves when the answer is sent or its connection gone. */
  handle(request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void>;
}

export function createWebDavServer({ tree, getHead, openContent, version }: WebDavServerDeps): WebDavServer {
  const methods: Readonly<Record<string, MethodHandler>> = {
    OPTIONS: answerOptions,
    PROPFIND: createPropfind(tree),
    GET: getHead,
    HEAD: getHead,
    PUT: refuseWrite,
    DELETE: refuseWrite,
    MKCOL: refuseWrite,
    COPY: refuseWrite,
    MOVE: refuseWrite,
    LOCK: refuseWrite,
    UNLOCK: refuseWrite,
    PROPPATCH: refuseWrite,
    POST: refuseNotAllowed,
    PATCH: refuseNotAllowed,
    TRACE: refuseNotAllowed,
  };
  const execute = createShell({
    fileSystem: new DriveFileSystem(tree, openContent),
    version,
    methods: Object.fromEntries(Object.entries(methods).map(([name, handler]) => [name, guard(handler)])),
    unknownMethod: guard(refuseUnknown),
  });
  return {
    async handle(request, response, record) {
      if (response.destroyed) return;
      const departure = new AbortController();
      const closed = new Promise<void>((resolve) => {
        response.once('close', () => {
          if (!response.writableFinished) departure.abort();
          resolve();
        });
      });
      try {
        const target = parseRequestTarget(request.url ?? '', request.method ?? '');
        execute({ request, response, record, ...target, signal: departure.signal });
      } catch (error) {
        record.error = error;
        writeError(response, error);
      }
      await closed;
    },
  };
}

/** Turns whatever a method throws into its answer. */
function guard(handler: MethodHandler): MethodHandler {
  return async (exchange: Exchange) => {
    const { response, record, signal } = exchange;
    try {
      await handler(exchange);
    } catch (error) {
      // Nobody is left to be told, and what failed is that somebody left.
      if (signal.aborted) {
        response.destroy();
        return;
      }
      record.error = error;
      writeError(response, error);
    }
  };
}
