import { DavError } from '../errors.ts';
import type { MethodHandler } from '../method.ts';
import { FULL_ACCESS, READ_ACCESS } from './options.ts';

/** A method that would change the drive. */
export const refuseWrite: MethodHandler = async () => {
  throw new DavError(403, 'This drive is served for reading only.');
};

/** Methods of HTTP that mean nothing here. Zotero on iOS sends POST to a folder and goes on when it is told so. */
export const refuseNotAllowed: MethodHandler = async ({ request }) => {
  throw new DavError(405, `${request.method} has no meaning here.`, { headers: { Allow: FULL_ACCESS.allow } });
};

/** A method that no resource at a private link supports, whoever asks: 405 and not 403 (RFC 9110 §15.5.6), as OPTIONS says. */
export const refuseByLink: MethodHandler = async () => {
  throw new DavError(405, 'This address is for reading alone.', { headers: { Allow: READ_ACCESS.allow } });
};

export const refuseUnknown: MethodHandler = async ({ request }) => {
  throw new DavError(501, `${request.method} is not implemented.`);
};
