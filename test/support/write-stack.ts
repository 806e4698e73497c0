import type { StoredEntry } from '../../src/emulator/store/entry.ts';
import { ask, propfind, readRows } from '../e2e/requests.ts';
import { readDrive } from './drive-view.ts';
import { type Stack, type StackOptions, startStack } from './stack.ts';
import type { Drive } from './write-operations.ts';

/** Makes the gateway send the bytes itself. */
const STREAM = { Referer: 'http://page.example/' };
const USER_ID = 'aaaaaaaabbbbccccddddeeeeeeeeeeee';

/** A stack with this in its drive, all of it listed once. @returns the ids of what is there, too */
export async function startWriteStack(options: StackOptions, before: Drive): Promise<[Stack, ReadonlySet<string>]> {
  const stack = await startStack(options);
  const { store, drives } = stack.emulator;
  const folders = new Map<string, StoredEntry>([['', store.root(drives.backup)]]);
  const ids = new Set<string>();
  for (const path of Object.keys(before).sort()) {
    const at = path.lastIndexOf('/');
    const parent = folders.get(path.slice(0, at));
    if (!parent) throw new Error(`${path} has no folder`);
    const content = before[path];
    const name = path.slice(at + 1);
    const entry = content == null ? store.addFolder(parent, name) : store.addFile(parent, name, content);
    if (content === null) folders.set(path, entry);
    ids.add(entry.fileId);
  }
  for (const folder of folders.keys()) await propfind(stack.url, `${folder}/`, '1');
  const quota = '<D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/></D:prop></D:propfind>';
  await propfind(stack.url, '/', '0', { body: quota });
  return [stack, ids];
}

/** What the service has, whole files by their bytes; equal names count as one of impossible content. */
export async function readService(stack: Stack): Promise<Drive> {
  const found: Record<string, string | Buffer | null> = {};
  for (const [path, entries] of readDrive(stack)) {
    const [entry] = entries;
    if (entries.length !== 1 || !entry) found[path] = `${entries.length} entries`;
    else if (entry.type === 'folder') found[path] = null;
    else if (!entry.content) found[path] = 'no content';
    else found[path] = Buffer.concat(await entry.content.open(0, entry.content.size).toArray());
  }
  return found;
}

/**
 * What a client sees, bytes and all.
 * @param fresh as the service has it now, not as it is remembered: what is remembered may be gone, and then counts as absent
 */
export async function readGateway(stack: Stack, fresh: boolean): Promise<Drive> {
  const found: Record<string, string | Buffer | null> = {};
  const walk = async (folder: string): Promise<void> => {
    const headers: Record<string, string> = fresh ? { 'Cache-Control': 'no-cache' } : {};
    const listed = await propfind(stack.url, folder, '1', { headers });
    if (listed.status === 404 && !fresh && folder !== '/') {
      delete found[folder.replace(/\/$/, '')];
      return;
    }
    if (listed.status !== 207 || !listed.isWhole) throw new Error(`PROPFIND ${folder}: ${listed.status}`);
    for (const { href, isFolder, length } of readRows(listed.text).slice(1)) {
      const path = href.replace(/\/$/, '');
      if (Object.hasOwn(found, path)) throw new Error(`${path} is listed twice`);
      found[path] = null;
      if (isFolder) {
        await walk(href);
        continue;
      }
      const { status, isWhole, body } = await ask(stack.url, path, { headers: STREAM });
      if (status === 404 && !fresh) {
        delete found[path];
        continue;
      }
      if (status !== 200 || !isWhole) throw new Error(`GET ${path}: ${status}`);
      // Between a lost answer and the look that finds out, the size that is remembered may be that of the old content.
      if (fresh && body.length !== length)
        throw new Error(`GET ${path}: ${body.length} bytes where ${length} are listed`);
      found[path] = body;
    }
  };
  await walk('/');
  return found;
}

export function isSame(one: Drive, other: Drive): boolean {
  const paths = Object.keys(one);
  return (
    paths.length === Object.keys(other).length &&
    paths.every((path) => {
      const [a, b] = [one[path], other[path]];
      return a === undefined || b == null || a === null ? a === b : Buffer.from(a).equals(Buffer.from(b));
    })
  );
}

export function describeDrive(drive: Drive): string {
  return Object.entries(drive)
    .map(([path, content]) => `${path}=${content === null ? 'folder' : String(content).slice(0, 40)}`)
    .sort()
    .join(', ');
}

/** What is recorded to be finished or undone. */
export async function readJournal({ app }: Stack): Promise<string[]> {
  const open: string[] = [];
  for await (const { key, value } of app.connection.store.range([USER_ID, 'v1', 'journal'])) {
    if ((value as { kind?: string }).kind !== 'spool') open.push(`${key.at(-2)}: ${JSON.stringify(value)}`);
  }
  return open;
}

/** What went to the bin, by id. */
export function readBin({ emulator: { store, drives } }: Stack): string[] {
  return store.binned(drives.backup).map(({ fileId }) => fileId);
}
