import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { BlobsFullError, openBlobs } from '../../../src/state/blobs.ts';
import { temporaryFolder } from './temporary-folder.ts';

async function setUp(maxBytes = 1000) {
  const dir = path.join(await temporaryFolder(), 'spool', 'bodies');
  return { dir, blobs: await openBlobs({ dir, maxBytes }) };
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe('blobs', () => {
  it('hold what was written, for their owner alone', async () => {
    const { dir, blobs } = await setUp();
    const writer = await blobs.create();
    await writer.write(Buffer.from('hello '));
    await writer.write(Buffer.from('world'));
    const blob = await writer.finish();
    expect(blob).toEqual({ name: writer.name, sizeBytes: 11 });
    expect(await text(blobs.open(blob.name, 0, 11))).toBe('hello world');
    expect(await text(blobs.open(blob.name, 4, 7))).toBe('o w');
    expect(await text(blobs.open(blob.name, 3, 3))).toBe('');
    expect(await blobs.list()).toEqual([blob]);
    if (process.platform === 'win32') return;
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(dir, blob.name))).mode & 0o777).toBe(0o600);
  });

  it('can be read while they are written', async () => {
    const { blobs } = await setUp();
    const writer = await blobs.create();
    await writer.write(Buffer.from('begun'));
    expect(await text(blobs.open(writer.name, 0, 5))).toBe('begun');
    await writer.write(Buffer.from(' and done'));
    expect(await text(blobs.open(writer.name, 0, 14))).toBe('begun and done');
    await writer.discard();
  });

  it('keep to their budget together, and what they gave up is free again', async () => {
    const { blobs } = await setUp(10);
    const first = await blobs.create();
    await first.write(Buffer.alloc(6));
    const second = await blobs.create();
    await expect(second.write(Buffer.alloc(5))).rejects.toThrow(BlobsFullError);
    await second.write(Buffer.alloc(4));
    expect(blobs.usedBytes).toBe(10);
    await expect(first.write(Buffer.alloc(1))).rejects.toThrow(BlobsFullError);
    expect(await text(blobs.open(first.name, 0, 6))).toHaveLength(6);
    await first.discard();
    expect(blobs.usedBytes).toBe(4);
    await second.write(Buffer.alloc(6));
    const { name } = await second.finish();
    await blobs.remove(name);
    await blobs.remove(name);
    expect(blobs.usedBytes).toBe(0);
    expect(await blobs.list()).toEqual([]);
  });

  it('of earlier processes are found again, and count', async () => {
    const { dir, blobs } = await setUp(10);
    const writer = await blobs.create();
    await writer.write(Buffer.alloc(7));
    await writer.finish();
    const next = await openBlobs({ dir, maxBytes: 10 });
    expect(next.owner).not.toBe(blobs.owner);
    expect(writer.name.startsWith(blobs.owner)).toBe(true);
    expect(next.usedBytes).toBe(7);
    expect(await next.list()).toEqual([{ name: writer.name, sizeBytes: 7 }]);
    await expect((await next.create()).write(Buffer.alloc(4))).rejects.toThrow(BlobsFullError);
    await next.remove(writer.name);
    expect(next.usedBytes).toBe(0);
  });

  it('can be finished twice, and discarded after that', async () => {
    const { dir, blobs } = await setUp();
    const writer = await blobs.create();
    await writer.write(Buffer.alloc(3));
    expect(await writer.finish()).toEqual(await writer.finish());
    await writer.discard();
    expect(await readdir(dir)).toEqual([]);
  });

  it('are nothing but files of the folder', async () => {
    const { dir, blobs } = await setUp();
    await writeFile(path.join(dir, '.hidden'), 'x');
    await mkdir(path.join(dir, 'folder'));
    expect(await blobs.list()).toEqual([]);
    expect(() => blobs.open('../secret', 0, 1)).toThrow('names no blob');
    await expect(blobs.remove('../secret')).rejects.toThrow('names no blob');
  });

  it('tell an error of the disk that is not its end', async () => {
    const { dir, blobs } = await setUp();
    const writer = await blobs.create();
    await writer.finish();
    await expect(writer.write(Buffer.alloc(1))).rejects.not.toThrow(BlobsFullError);
    expect(blobs.usedBytes).toBe(0);
    expect(await readdir(dir)).toHaveLength(1);
  });
});
