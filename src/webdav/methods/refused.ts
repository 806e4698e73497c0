import { DavError } from '../errors.ts';
import type { MethodHandler } from '../method.ts';
import { ALLOWED_METHODS } from './options.ts';

/** A method that would change the drive. */
export const refuseWrite: MethodHandler = async () => {
  throw new DavError(403, 'This drive is served for reading only.');
};

/** Methods of HTTP that mean nothing here. Zotero on iOS sends POST to a folder and goes on when it is told so. */
export const refuseNotAllowed: MethodHandler = async ({ request }) => {
  throw new DavError(405, `${request.method} has no meaning here.`, { headers: { Allow: ALLOWED_METHODS } });
};

export const refuseUnknown: MethodHandler = async ({ request }) => {
  throw new DavError(501, `${request.method} is not implemented.`);
};
