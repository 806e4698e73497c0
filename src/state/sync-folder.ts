import { open } from 'node:fs/promises';

/** A new file is on disk when its folder is; Windows has no such call and does it by itself. */
export async function syncFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
