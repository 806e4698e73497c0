import type { AccountInfo, Quota } from '../drive/drive.ts';
import type { PrivateLink } from '../state/private-links.ts';

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

/** `2026-11-26 08:30`, in the time of this machine; Swedish is written that way. */
export function formatTime(at: number): string {
  return new Date(at).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' });
}

/** One line a link; what may be wider than its characters say comes last. */
export function formatLinks(links: readonly PrivateLink[], now: number): string {
  const rows = links.map(({ id, createdAt, expiresAt, lastUsedAt, folder, label }) => [
    id,
    formatTime(createdAt),
    expiresAt === undefined ? 'never' : `${formatTime(expiresAt)}${expiresAt <= now ? ' over' : ''}`,
    lastUsedAt === undefined ? 'never' : formatTime(lastUsedAt),
    folder,
    label,
  ]);
  const widths = [8, 16, 21, 16];
  return [['id', 'created', 'expires', 'last used', 'folder', 'label'], ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
