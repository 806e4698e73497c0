import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from './programs.ts';

/** A new empty folder that programs of other users can enter. */
export async function makeScratch(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'alidav-client-'));
  await chmod(folder, 0o755);
  return folder;
}

/** Never reaches into what is mounted below: a mount that could not be ended leaves its folder behind. */
export async function removeScratch(folder: string): Promise<void> {
  await run('rm', ['-rf', '--one-file-system', folder]);
}
