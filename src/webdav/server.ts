import { createDispatch, type Dispatch } from './dispatch.ts';
import { DriveFileSystem, type OpenContent } from './file-system.ts';
import type { MethodHandler } from './method.ts';
import { createCopy, createMove } from './methods/copy-move.ts';
import { createDelete } from './methods/delete.ts';
import { createLock } from './methods/lock.ts';
import { createMkcol } from './methods/mkcol.ts';
import { createOptions, FULL_ACCESS } from './methods/options.ts';
import { createPropfind } from './methods/propfind.ts';
import { createProppatch } from './methods/proppatch.ts';
import { createPut } from './methods/put.ts';
import { refuseNotAllowed, refuseUnknown, refuseWrite } from './methods/refused.ts';
import { createUnlock } from './methods/unlock.ts';
import { createPreconditions } from './preconditions.ts';
import type { WriteDeps } from './write-deps.ts';

export interface WebDavServerDeps extends Omit<WriteDeps, 'check'> {
  readonly getHead: MethodHandler;
  readonly openContent: OpenContent;
  /** `ALIDAV_READ_ONLY` */
  readonly isReadOnly: boolean;
  readonly now: () => number;
}

export interface WebDavServer {
  handle: Dispatch;
}

export function createWebDavServer(deps: WebDavServerDeps): WebDavServer {
  const { tree, writer, getHead, openContent, isReadOnly } = deps;
  const handle = createDispatch({
    fileSystem: new DriveFileSystem(tree, openContent, isReadOnly ? undefined : writer),
    methods: {
      OPTIONS: createOptions(FULL_ACCESS),
      PROPFIND: createPropfind(deps),
      GET: getHead,
      HEAD: getHead,
      ...(isReadOnly ? refuseWrites() : createWrites(deps)),
      POST: refuseNotAllowed,
      PATCH: refuseNotAllowed,
      TRACE: refuseNotAllowed,
    },
    unknownMethod: refuseUnknown,
  });
  return { handle };
}

type WriteMethod = 'PUT' | 'DELETE' | 'MKCOL' | 'COPY' | 'MOVE' | 'LOCK' | 'UNLOCK' | 'PROPPATCH';

function createWrites(deps: WebDavServerDeps): Readonly<Record<WriteMethod, MethodHandler>> {
  const writeDeps = { ...deps, check: createPreconditions(deps) };
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
