import type { AccountInfo, Quota } from '../drive/drive.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.5 GiB`; whole numbers for bytes. */
function formatSize(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 2 ** (10 * power);
  return `${power === 0 ? value : value.toFixed(1)} ${UNITS[power]}`;
}

/** One line: nick name, user id, drives, used and total space. */
export function formatAccount({ nickName, userId, drives }: AccountInfo, quota: Quota): string {
  const driveList = drives.map(({ role, driveId }) => `${role} ${driveId}`).join(', ');
  const total = quota.totalBytes === undefined ? 'no limit' : formatSize(quota.totalBytes);
  return `${nickName}  ${userId}  drives: ${driveList}  used ${formatSize(quota.usedBytes)} of ${total}`;
}
