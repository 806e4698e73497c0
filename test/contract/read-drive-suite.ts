import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ByteRange, DownloadLink, ReadDrive } from '../../src/drive/drive.ts';
import { type Entry, type EntryKey, ROOT_ID } from '../../src/drive/entry.ts';

/** An id of the right form that names nothing. */
const NOBODY = '0'.repeat(40);
const SMALL_BYTES = 2 ** 20;
const MOST_PAGES = 20;

export async function listAll(drive: ReadDrive, folder: EntryKey): Promise<Entry[]> {
  const entries: Entry[] = [];
  let marker = '';
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const page = await drive.listPage(folder, marker);
    entries.push(...page.entries);
    marker = page.nextMarker;
    if (marker === '') break;
  }
  return entries;
}

export async function readBytes(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What any drive keeps, whatever is in it; nothing is changed. It wants a folder and a file under 1 MiB in some root. */
export function describeReadDrive(getDrive: () => ReadDrive): void {
  describe('any drive', () => {
    let drive: ReadDrive;
    let roots: EntryKey[];
    let entries: Entry[];
    let file: Entry;
    let link: DownloadLink;

    beforeAll(async () => {
      drive = getDrive();
      const account = await drive.fetchAccount();
      roots = account.drives.map(({ driveId }) => ({ driveId, id: ROOT_ID }));
      entries = (await Promise.all(roots.map((root) => listAll(drive, root)))).flat();
      const found = entries.find(
        ({ kind, sizeBytes, contentHash }) =>
          kind === 'file' && sizeBytes > 2 && sizeBytes < SMALL_BYTES && contentHash,
      );
      if (!found) throw new Error('There is no small file in any root.');
      file = found;
      const download = await drive.fetchDownload(file);
      if (download.kind !== 'file') throw new Error('A file with a content hash is no live photo.');
      link = download.link;
    });

    const read = async (range: ByteRange) => readBytes(await drive.openRange(link, range));

    it('tells who is signed in, and every drive once', async () => {
      const account = await drive.fetchAccount();
      expect(account.userId).not.toBe('');
      expect(account.nickName).not.toBe('');
      const ids = account.drives.map(({ driveId }) => driveId);
      expect(ids.length).toBeGreaterThan(0);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('tells the space', async () => {
      const { usedBytes, totalBytes } = await drive.fetchQuota();
      expect(usedBytes).toBeGreaterThanOrEqual(0);
      expect(totalBytes ?? Number.POSITIVE_INFINITY).toBeGreaterThan(0);
    });

    it('lists every entry once, under the folder that was asked for', () => {
      const keys = entries.map(({ driveId, id }) => `${driveId}/${id}`);
      expect(new Set(keys).size).toBe(keys.length);
      for (const entry of entries) {
        expect(entry).toMatchObject({ parentId: ROOT_ID, trashed: false, name: expect.stringMatching(/./s) });
        expect(entry.createdAt).toBeGreaterThan(0);
      }
    });

    it('lists the files of a root by their creation, oldest first', () => {
      for (const { driveId } of roots) {
        const files = entries.filter((entry) => entry.driveId === driveId && entry.kind === 'file');
        const times = files.map(({ createdAt }) => createdAt);
        expect(times).toEqual([...times].sort((a, b) => a - b));
      }
    });

    it('finds by id what it listed', async () => {
      for (const entry of entries.slice(0, 3)) expect(await drive.fetchEntry(entry)).toEqual(entry);
    });

    it('finds a root', async () => {
      for (const root of roots) expect(await drive.fetchEntry(root)).toMatchObject({ ...root, kind: 'folder' });
    });

    it('proves absence', async () => {
      const nobody = { ...file, id: NOBODY };
      await expect(drive.fetchEntry(nobody)).rejects.toMatchObject({ code: 'not-found' });
      await expect(drive.listPage(nobody, '')).rejects.toMatchObject({ code: 'not-found' });
      await expect(drive.fetchDownload(nobody)).rejects.toMatchObject({ code: 'not-found' });
    });

    it('has no content for a folder', async () => {
      const folder = entries.find(({ kind }) => kind === 'folder');
      if (!folder) throw new Error('There is no folder in any root.');
      await expect(drive.fetchDownload(folder)).rejects.toMatchObject({ code: 'is-a-folder' });
    });

    it('gives a link that lives a while', () => {
      expect(link.expiresAt).toBeGreaterThan(Date.now() + 60_000);
    });

    it('delivers the content that it hashed', async () => {
      const content = await read({ first: 0, last: file.sizeBytes - 1 });
      expect(createHash('sha1').update(content).digest('hex').toUpperCase()).toBe(file.contentHash);
    });

    it('delivers ranges, both ends included', async () => {
      const content = await read({ first: 0, last: file.sizeBytes - 1 });
      const last = file.sizeBytes - 1;
      expect(await read({ first: 1, last: last - 1 })).toEqual(content.subarray(1, last));
      expect(await read({ first: last, last })).toEqual(content.subarray(last));
    });

    it('delivers nothing from beyond the end', async () => {
      await expect(read({ first: file.sizeBytes, last: file.sizeBytes + 9 })).rejects.toMatchObject({
        name: 'DriveError',
      });
    });

    it('leaves everything at once when the caller does', async () => {
      const gone = AbortSignal.abort();
      const root = { driveId: file.driveId, id: ROOT_ID };
      const calls = [
        drive.listPage(root, '', gone),
        drive.fetchEntry(file, gone),
        drive.fetchAccount(gone),
        drive.fetchQuota(gone),
        drive.fetchDownload(file, gone),
        drive.openRange(link, { first: 0, last: 0 }, gone),
      ];
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'aborted' });
    });
  });
}
