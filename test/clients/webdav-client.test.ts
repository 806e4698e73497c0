import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type WebDAVClient } from 'webdav';
import { pathsOf, readOnly } from '../support/drive-view.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';

/** The library that Obsidian's and other programs' synchronisation is made with. */
describe.each(LOGIN_KINDS)('the npm client webdav over a login of kind %s', (kind) => {
  let stack: Stack;
  let client: WebDAVClient;
  let scratch: string;

  beforeAll(async () => {
    stack = await startStack({ kind, env: { ALIDAV_USER: 'mimi', ALIDAV_PASSWORD: 'secret' } });
    // By name: the storage host is the same machine by number, and to it the client would carry the credentials.
    const url = stack.url.replace('127.0.0.1', 'localhost');
    client = createClient(url, { username: 'mimi', password: 'secret' });
    scratch = await makeScratch();
  });
  afterAll(async () => {
    await stack?.close();
    if (scratch) await removeScratch(scratch);
  });

  it('makes folders and files, and reads them back', async () => {
    await client.createDirectory('/笔记/日记', { recursive: true });
    expect(await client.putFileContents('/笔记/日记/a.md', '# 一')).toBe(true);
    expect(await client.getFileContents('/笔记/日记/a.md', { format: 'text' })).toBe('# 一');
    expect(await client.putFileContents('/笔记/日记/a.md', '# 二', { overwrite: true })).toBe(true);
    expect(await client.putFileContents('/笔记/日记/a.md', '# 三', { overwrite: false })).toBe(false);
    expect((await readOnly(stack, '/笔记/日记/a.md')).toString()).toBe('# 二');
    expect(await client.stat('/笔记/日记/a.md')).toMatchObject({ basename: 'a.md', size: 5, type: 'file' });
    expect(await client.exists('/笔记/nichts')).toBe(false);
  });

  it('streams a file of unknown length', async () => {
    const file = `${scratch}/big.bin`;
    const content = Buffer.alloc(11 * 2 ** 20 + 3, `stream ${kind}`);
    await writeFile(file, content);
    await new Promise<void>((resolve, reject) => {
      const target = client.createWriteStream('/big.bin', {}, () => resolve());
      createReadStream(file)
        .once('error', reject)
        .pipe(target as Writable);
    });
    expect((await readOnly(stack, '/big.bin')).equals(content)).toBe(true);
  });

  it('copies, moves and deletes', async () => {
    await client.putFileContents('/one.txt', 'one');
    await client.copyFile('/one.txt', '/two.txt');
    await client.moveFile('/two.txt', '/笔记/three.txt');
    await client.deleteFile('/one.txt');
    await client.deleteFile('/笔记/日记');
    expect(pathsOf(stack)).toEqual(['/big.bin', '/笔记', '/笔记/three.txt']);
    const names = await client.getDirectoryContents('/笔记');
    expect(names).toMatchObject([{ filename: '/笔记/three.txt' }]);
  });

  it('locks and unlocks, with a token that it sends back bare', async () => {
    const { token } = await client.lock('/笔记/three.txt');
    await expect(client.putFileContents('/笔记/three.txt', 'stolen')).rejects.toMatchObject({ status: 423 });
    await client.unlock('/笔记/three.txt', token);
    expect(await client.putFileContents('/笔记/three.txt', 'mine again')).toBe(true);
  });

  it('learns the quota', async () => {
    // Costly properties are given to those who name them (RFC 4331 §2).
    const data = '<propfind xmlns="DAV:"><prop><quota-used-bytes/><quota-available-bytes/></prop></propfind>';
    const quota = await client.getQuota({ data });
    if (!quota || 'data' in quota) throw new Error('There is no quota.');
    // What is in the bin counts, too.
    expect(quota.used).toBeGreaterThanOrEqual(11 * 2 ** 20 + 3 + 'mine again'.length);
    expect(quota.used + Number(quota.available)).toBe(100 * 2 ** 30);
  });
});
