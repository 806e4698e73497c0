import type { StoredEntry } from '../../src/emulator/store/entry.ts';
import type { Stack } from './stack.ts';

/** What the service itself has in the served drive, whatever listings show: each visible entry by its path. */
export function readDrive({ emulator: { store, drives } }: Stack): Map<string, StoredEntry[]> {
  const found = new Map<string, StoredEntry[]>();
  const walk = (folder: StoredEntry, path: string): void => {
    for (const child of store.children(folder)) {
      const at = `${path}/${child.name}`;
      found.set(at, [...(found.get(at) ?? []), child]);
      if (child.type === 'folder') walk(child, at);
    }
  };
  walk(store.root(drives.backup), '');
  return found;
}

/** The bytes of the one file at a path. @throws Error when there is none, or more than one */
export async function readOnly(stack: Stack, path: string): Promise<Buffer> {
  const entries = readDrive(stack).get(path) ?? [];
  const [entry] = entries;
  if (entries.length !== 1 || !entry?.content) throw new Error(`${path}: ${entries.length} entries`);
  return Buffer.concat(await entry.content.open(0, entry.content.size).toArray());
}

export function pathsOf(stack: Stack): string[] {
  return [...readDrive(stack)].flatMap(([path, entries]) => entries.map(() => path)).sort();
}

/** Not what a write costs: the folder's listing, the quota and the login are asked for once in a while. */
const UPKEEP = /list|quota|space|personal_info|token|session|user|drive\/get/i;

/** How many calls the service got by endpoint since the last reset, parts among them as `upload`. */
function writeCalls({ emulator }: Stack): Record<string, number> {
  const { endpoints } = emulator.calls.snapshot();
  return Object.fromEntries(
    Object.entries(endpoints)
      .filter(([endpoint]) => !UPKEEP.test(endpoint))
      .map(([endpoint, { calls }]) => [endpoint.split('/').at(-1) ?? endpoint, calls]),
  );
}

export function totalWriteCalls(stack: Stack): number {
  return Object.values(writeCalls(stack)).reduce((sum, calls) => sum + calls, 0);
}
