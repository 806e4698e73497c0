import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDriveError } from '../drive/errors.ts';
import type { RequestRecord } from '../log.ts';
import { createDispatch } from './dispatch.ts';
import { DavError, writeError } from './errors.ts';
import { DriveFileSystem, type OpenContent } from './file-system.ts';
import type { MethodHandler } from './method.ts';
import { createOptions, READ_ACCESS } from './methods/options.ts';
import { createPropfind, type PropfindDeps } from './methods/propfind.ts';
import { refuseByLink, refuseUnknown } from './methods/refused.ts';

export interface LinkServerDeps extends Omit<PropfindDeps, 'locks'> {
  readonly links: {
    /** The folder that a link token opens; `ended` for one that opened something until its time was over. */
    find(token: string): Promise<{ readonly folder: string } | 'ended' | undefined>;
  };
  readonly getHead: MethodHandler;
  readonly openContent: OpenContent;
}

/** Where a request came by a private link. */
interface LinkAddress {
  readonly token: string;
  /** What all URLs of this link begin with: a path, decoded, without a trailing slash. */
  readonly prefix: string;
}

export interface LinkServer {
  /** Resolves with false, and has answered nothing, where there is no such link. */
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
    address: LinkAddress,
  ): Promise<boolean>;
}

/**
 * Serves folders of the tree to whoever knows the token of a link to them: for reading alone, and without a word of
 * locks or of what is around the folder.
 */
export function createLinkServer(deps: LinkServerDeps): LinkServer {
  const { tree, links, openContent } = deps;
  const getHead = hidePlace(deps.getHead);
  const dispatch = createDispatch({
    fileSystem: new DriveFileSystem(tree, openContent),
    methods: {
      OPTIONS: createOptions(READ_ACCESS),
      PROPFIND: hidePlace(createPropfind({ ...deps, locks: undefined })),
      GET: getHead,
      HEAD: getHead,
      ...Object.fromEntries(REFUSED_METHODS.map((method) => [method, refuseByLink])),
    },
    unknownMethod: refuseUnknown,
  });
  return {
    async handle(request, response, record, { token, prefix }) {
      try {
        const link = await links.find(token);
        if (!link) return false;
        // No guess: a player that goes on asking must not lock out everybody else at its address.
        if (link === 'ended') throw new DavError(404, 'This link has ended.');
        await dispatch(request, response, record, { prefix, folder: link.folder });
      } catch (error) {
        record.error = error;
        writeError(response, error);
      }
      return true;
    },
  };
}

const REFUSED_METHODS = [
  'PUT',
  'DELETE',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
  'PROPPATCH',
  'POST',
  'PATCH',
  'TRACE',
] as const;

/** The tree's own words for what it does not have name the whole path, the folders above the link's too. */
function hidePlace(handler: MethodHandler): MethodHandler {
  return async (exchange) => {
    try {
      await handler(exchange);
    } catch (error) {
      if (!isDriveError(error, 'not-found', 'not-a-folder')) throw error;
      throw new DavError(404, 'There is nothing here.', { cause: error });
    }
  };
}
