import { splitPath } from '../drive/path.ts';

/** A folder of the tree that is shown at an address of its own, as if it were a root. */
export interface Mount {
  /** The path that all its URLs begin with, decoded, without a trailing slash. */
  readonly prefix: string;
  /** The folder, by its path in the tree. */
  readonly folder: string;
}

/** The tree's path of what a URL's path names. It cannot lead out of the folder: neither has a `..`. */
export function toTreePath({ prefix, folder }: Mount, urlPath: string): string {
  return join(folder, urlPath.slice(prefix.length));
}

/** The path below the root that the client sees. */
export function toShownPath(path: string, mount: Mount | undefined): string {
  return mount && mount.folder !== '/' ? path.slice(mount.folder.length) || '/' : path;
}

/** The URL's path, decoded, of a path of the tree. */
export function toUrlPath(path: string, mount: Mount | undefined): string {
  return mount ? join(mount.prefix, toShownPath(path, mount)) : path;
}

function join(above: string, below: string): string {
  return `/${[...splitPath(above), ...splitPath(below || '/')].join('/')}`;
}
