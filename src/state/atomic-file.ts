import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from './sync-folder.ts';

const STALE_MS = 60_000;

/**
 * Replaces a file so that a reader, or whoever comes after a crash, finds the old content or the new one, whole.
 * When it resolves, the new content survives a power cut. The file can be read by its owner alone.
 */
export async function writeFileAtomic(file: string, content: string): Promise<void> {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(path.dirname(file));
}

/** Removes what writers of `file` left behind when they were killed: it holds the same secrets as the file. */
export async function sweepTemporaries(file: string, now: number): Promise<void> {
  const folder = path.dirname(file);
  const mark = `.${path.basename(file)}.`;
  for (const name of await readdir(folder)) {
    if (!name.startsWith(mark) || !name.endsWith('.tmp')) continue;
    const temporary = path.join(folder, name);
    const found = await stat(temporary).catch(() => undefined);
    if (found && now - found.mtimeMs > STALE_MS) await rm(temporary, { force: true });
  }
}
