import { fileURLToPath } from 'node:url';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { StoredEntry } from '../../src/emulator/store/entry.ts';
import { type LoginKind, type Stack, startStack } from './stack.ts';

/** Its moov atom is at the end: whoever plays it must seek. 15 s long. */
export const FILM = '/资源库/电影 🎬/黄昏 (2024).mp4';
export const FILM_FILE = fileURLToPath(new URL('../../config/demo/film.mp4', import.meta.url));
export const POEMS = '/备份盘/诗词';
export const POEM = `${POEMS}/静夜思（李白）.txt`;
export const THOUSAND = '/备份盘/一千个文件';
export const SPARSE = '/备份盘/稀疏文件 20 GiB.bin';

/** The whole program on both drives of the demo. */
export function startDemo(kind: LoginKind, env: Readonly<Record<string, string>> = {}): Promise<Stack> {
  return startStack({ kind, emulator: { content: 'demo' }, env: { ALIDAV_DRIVE: 'all', ...env } });
}

export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** What the demo has at a path. @throws Error when there is nothing. */
export function findStored({ store, drives }: Emulator, path: string): StoredEntry {
  const [, drive = '', ...names] = path.split('/');
  let entry = store.root(drive === '备份盘' ? drives.backup : drives.resource);
  for (const name of names) {
    const child = store.findChild(entry, name);
    if (!child) throw new Error(`The demo has no ${path}.`);
    entry = child;
  }
  return entry;
}

/** The file's bytes `[start, end)`, all of them unless told otherwise. */
export async function readStored(emulator: Emulator, path: string, start = 0, end?: number): Promise<Buffer> {
  const { content } = findStored(emulator, path);
  if (!content) throw new Error(`${path} has no content.`);
  return Buffer.concat(await content.open(start, end ?? content.size).toArray());
}
