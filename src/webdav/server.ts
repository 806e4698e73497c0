import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger, RequestRecord } from '../log.ts';
import { writeError } from './errors.ts';
import { DriveFileSystem, type OpenContent } from './file-system.ts';
import type { Exchange, MethodHandler } from './method.ts';
import { createCopy, createMove } from './methods/copy-move.ts';
import { createDelete } from './methods/delete.ts';
import { createLock } from './methods/lock.ts';
import { createMkcol } from './methods/mkcol.ts';
import { answerOptions } from './methods/options.ts';
import { createPropfind } from './methods/propfind.ts';
import { createProppatch } from './methods/proppatch.ts';
import { createPut } from './methods/put.ts';
import { refuseNotAllowed, refuseUnknown, refuseWrite } from './methods/refused.ts';
import { createUnlock } from './methods/unlock.ts';
import { createPreconditions } from './preconditions.ts';
import { createPropertyCopy } from './property-copy.ts';
import { parseRequestTarget } from './request-target.ts';
import { createShell } from './shell.ts';
import type { WriteDeps } from './write-deps.ts';

export interface WebDavServerDeps extends Omit<WriteDeps, 'check' | 'copyFolderProperties'> {
  readonly getHead: MethodHandler;
  readonly openContent: OpenContent;
  /** `ALIDAV_READ_ONLY` */
  readonly isReadOnly: boolean;
  /** Ours, for the Server header. */
  readonly version: string;
  readonly now: () => number;
  readonly log: Logger;
}

export interface WebDavServer {
  /** Answers one request whose sender was authenticated; resolves when the answer is sent or its connection gone. */
  handle(request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void>;
}

export function createWebDavServer(deps: WebDavServerDeps): WebDavServer {
  const { tree, writer, getHead, openContent, isReadOnly, version } = deps;
  const methods: Readonly<Record<string, MethodHandler>> = {
    OPTIONS: answerOptions,
    PROPFIND: createPropfind(deps),
    GET: getHead,
    HEAD: getHead,
    ...(isReadOnly ? refuseWrites() : createWrites(deps)),
    POST: refuseNotAllowed,
    PATCH: refuseNotAllowed,
    TRACE: refuseNotAllowed,
  };
  const execute = createShell({
    fileSystem: new DriveFileSystem(tree, openContent, isReadOnly ? undefined : writer),
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

type WriteMethod = 'PUT' | 'DELETE' | 'MKCOL' | 'COPY' | 'MOVE' | 'LOCK' | 'UNLOCK' | 'PROPPATCH';

function createWrites(deps: WebDavServerDeps): Readonly<Record<WriteMethod, MethodHandler>> {
  const writeDeps = { ...deps, check: createPreconditions(deps), copyFolderProperties: createPropertyCopy(deps) };
  return {
    PUT: createPut(writeDeps),
    DELETE: createDelete(writeDeps),
    MKCOL: createMkcol(writeDeps),
    COPY: createCopy(writeDeps),
    MOVE: createMove(writeDeps),
    LOCK: createLock(writeDeps),
    UNLOCK: createUnlock(writeDeps),
    PROPPATCH: createProppatch(writeDeps),
  };
}

function refuseWrites(): Readonly<Record<WriteMethod, MethodHandler>> {
  return {
    PUT: refuseWrite,
    DELETE: refuseWrite,
    MKCOL: refuseWrite,
    COPY: refuseWrite,
    MOVE: refuseWrite,
    LOCK: refuseWrite,
    UNLOCK: refuseWrite,
    PROPPATCH: refuseWrite,
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
