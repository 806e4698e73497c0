import type { Entry } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';

const MOST_NAME_BYTES = 1024;

/**
 * Refuses names before they are sent, as the service would: the web API takes one with slashes for a path, and would make
 * the folders on it.
 */
export function checkName(name: string): void {
  const sizeBytes = Buffer.byteLength(name);
  if (sizeBytes === 0) throw new DriveError('name-refused', 'AliyunDrive takes no empty name.');
  if (sizeBytes > MOST_NAME_BYTES) {
    throw new DriveError('name-refused', `AliyunDrive takes names of ${MOST_NAME_BYTES} bytes at most.`);
  }
  if (name.includes('/')) throw new DriveError('name-refused', 'AliyunDrive takes no name with a slash.');
}

/**
 * The name under which an entry waits that gives way where the service does not swap by itself; by its id, so that it is
 * known again after a crash, and with its own name, so that its owner knows it, too.
 */
export function asideName({ id, name }: Entry): string {
  const suffix = `.${id.slice(-8)}.replaced`;
  let kept = name;
  while (Buffer.byteLength(kept + suffix) > MOST_NAME_BYTES) kept = [...kept].slice(0, -1).join('');
  return kept + suffix;
}
