import { splitPath } from '../drive/path.ts';
import { ADMIN_ROOT } from './admin-path.ts';

/** An address that lets in whoever knows it: `/.alidav/t/<link token>/…`. */
export interface PrivateAddress {
  readonly token: string;
  /** The part of the path that ends with the token, decoded. */
  readonly prefix: string;
}

const LINK_ROOT = `${ADMIN_ROOT}/t`;

/** @param path decoded, without a trailing slash */
export function parsePrivateAddress(path: string): PrivateAddress | undefined {
  if (!path.startsWith(`${LINK_ROOT}/`)) return undefined;
  const [token = ''] = splitPath(path.slice(LINK_ROOT.length));
  return { token, prefix: `${LINK_ROOT}/${token}` };
}
