import { readFile } from 'node:fs/promises';
import { run } from './programs.ts';

/** Asks the kernel's table: looking at the folder itself would wait for whoever serves it, which may be this very process. */
export async function isMounted(folder: string): Promise<boolean> {
  const table = await readFile('/proc/mounts', 'utf8');
  return table.split('\n').some((line) => line.split(' ')[1] === folder);
}

/** Ends a mount, by force if asking does not help within 20 s. */
export async function unmount(folder: string): Promise<void> {
  if (!(await isMounted(folder))) return;
  await run('umount', [folder], { timeoutMs: 20_000 });
  if (await isMounted(folder)) await run('umount', ['--lazy', '--force', folder], { timeoutMs: 5_000 });
}
