/** The one name of the root that is not the drive's. */
export const ADMIN_ROOT = '/.alidav';

export function isAdminPath(path: string): boolean {
  return path === ADMIN_ROOT || path.startsWith(`${ADMIN_ROOT}/`);
}
