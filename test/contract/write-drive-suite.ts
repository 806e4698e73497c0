import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreateFileRequest, Drive, Fingerprint, Target, UploadSession } from '../../src/drive/drive.ts';
import { type Entry, type EntryKey, ROOT_ID } from '../../src/drive/entry.ts';
import { listAll, readBytes } from './read-drive-suite.ts';

const PART_BYTES = 100 * 1024;
/** For services whose listings lag behind. */
const VISIBLE_WITHIN_MS = 10_000;

export function sha1(content: Uint8Array): string {
  return createHash('sha1').update(content).digest('hex').toUpperCase();
}

/** @param proofContent what the proof is read from */
export function fingerprintOf(content: Buffer, proofContent = content): Fingerprint {
  return {
    kind: 'content-hash',
    contentHash: sha1(content),
    readProof: async ({ first, last }) => proofContent.subarray(first, last + 1),
  };
}

export function requestFor(target: Target, content: Buffer, fingerprint?: Fingerprint): CreateFileRequest {
  return { ...target, sizeBytes: content.length, partSizeBytes: PART_BYTES, fingerprint };
}

export async function createUpload(drive: Drive, request: CreateFileRequest): Promise<UploadSession> {
  const created = await drive.createFile(request);
  if (created.outcome !== 'upload') throw new Error(`the outcome is ${created.outcome}`);
  return created.session;
}

/** In chunks, as a caller would have them. */
export function openPart(content: Buffer, number: number, partSizeBytes = PART_BYTES): () => Readable {
  const part = content.subarray((number - 1) * partSizeBytes, number * partSizeBytes);
  return () =>
    Readable.from(
      Array.from({ length: Math.ceil(part.length / 65_536) }, (_, index) =>
        part.subarray(index * 65_536, (index + 1) * 65_536),
      ),
    );
}

export async function sendParts(drive: Drive, session: UploadSession, content: Buffer, from = 1): Promise<void> {
  const count = Math.max(1, Math.ceil(content.length / session.partSizeBytes));
  for (let number = from; number <= count; number++) {
    const sizeBytes = Math.min(session.partSizeBytes, content.length - (number - 1) * session.partSizeBytes);
    await drive.putPart(session, { number, sizeBytes }, openPart(content, number, session.partSizeBytes));
  }
}

/** By whatever way the service takes it. */
export async function writeFile(drive: Drive, target: Target, content: Buffer): Promise<Entry> {
  const created = await drive.createFile(requestFor(target, content));
  if (created.outcome === 'instant') return created.entry;
  if (created.outcome !== 'upload') throw new Error(`the outcome is ${created.outcome}`);
  await sendParts(drive, created.session, content);
  return drive.completeUpload(created.session);
}

export async function readFile(drive: Drive, entry: Entry): Promise<Buffer> {
  if (entry.sizeBytes === 0) return Buffer.alloc(0);
  const download = await drive.fetchDownload(await drive.fetchEntry(entry));
  if (download.kind !== 'file') throw new Error('no file');
  return readBytes(await drive.openRange(download.link, { first: 0, last: entry.sizeBytes - 1 }));
}

export async function createFolder(drive: Drive, parent: EntryKey, name: string): Promise<Entry> {
  const created = await drive.createFolder(parent, name);
  if (created.outcome !== 'created') throw new Error(`the outcome is ${created.outcome}`);
  return created.entry;
}

export const namesIn = async (drive: Drive, folder: EntryKey): Promise<string[]> =>
  (await listAll(drive, folder)).map(({ name }) => name).sort();

/** What any drive keeps when it is written to. All happens in a folder of its own, which is deleted for good at the end. */
export function describeWriteDrive(getDrive: () => Drive): void {
  describe('any drive that is written to', () => {
    let drive: Drive;
    let scratch: Entry;
    let count = 0;

    beforeAll(async () => {
      drive = getDrive();
      const { drives } = await drive.fetchAccount();
      const driveId = drives.at(-1)?.driveId ?? '';
      scratch = await createFolder(drive, { driveId, id: ROOT_ID }, `alidav contract ${randomUUID()}`);
    });
    afterAll(() => scratch && drive.deleteForGood(scratch));

    const newFolder = () => createFolder(drive, scratch, `folder ${count++}`);
    const newContent = (sizeBytes = 300) => randomBytes(sizeBytes);
    const expectVisible = (folder: EntryKey, names: readonly string[]) =>
      expect.poll(() => namesIn(drive, folder), { timeout: VISIBLE_WITHIN_MS }).toEqual([...names].sort());
    const newFile = async (parent: EntryKey, name: string, content = newContent()) =>
      writeFile(drive, { parent, name }, content);

    it('creates a folder once, and tells what has the name', async () => {
      const parent = await newFolder();
      const folder = await createFolder(drive, parent, '文 件 夹');
      expect(folder).toMatchObject({ driveId: parent.driveId, parentId: parent.id, name: '文 件 夹', kind: 'folder' });
      const { driveId, id } = folder;
      expect(await drive.createFolder(parent, '文 件 夹')).toEqual({
        outcome: 'exists',
        key: { driveId, id },
        kind: 'folder',
      });
      const file = await newFile(parent, 'file');
      expect(await drive.createFolder(parent, 'file')).toMatchObject({ outcome: 'exists', key: { id: file.id } });
      expect(await drive.fetchEntry(folder)).toMatchObject({ name: '文 件 夹', parentId: parent.id });
    });

    it('uploads a file in parts that nobody sees before it is complete', async () => {
      const parent = await newFolder();
      const content = newContent(2 * PART_BYTES + 1);
      const session = await createUpload(drive, requestFor({ parent, name: 'parts.bin' }, content));
      expect(session).toMatchObject({ parentId: parent.id, name: 'parts.bin', sizeBytes: content.length });
      await drive.putPart(session, { number: 1, sizeBytes: PART_BYTES }, openPart(content, 1));
      await expect(drive.fetchEntry(session)).rejects.toMatchObject({ code: 'not-found' });
      expect(await namesIn(drive, parent)).toEqual([]);
      expect(await drive.listUploadedParts(session)).toMatchObject([{ number: 1, sizeBytes: PART_BYTES }]);
      await sendParts(drive, session, content, 2);
      const entry = await drive.completeUpload(session);
      expect(entry).toMatchObject({
        driveId: parent.driveId,
        id: session.id,
        parentId: parent.id,
        name: 'parts.bin',
        kind: 'file',
        sizeBytes: content.length,
        contentHash: sha1(content),
      });
      expect((await readFile(drive, entry)).equals(content)).toBe(true);
      await expectVisible(parent, ['parts.bin']);
    });

    it('completes twice what was completed once', async () => {
      const parent = await newFolder();
      const content = newContent();
      const session = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
      await sendParts(drive, session, content);
      const entry = await drive.completeUpload(session);
      expect(await drive.completeUpload(session)).toMatchObject({ id: entry.id, contentHash: sha1(content) });
      await expectVisible(parent, ['a']);
    });

    it('takes a part that is there already for sent', async () => {
      const parent = await newFolder();
      const content = newContent();
      const session = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
      await sendParts(drive, session, content);
      await sendParts(drive, session, content);
      expect(await drive.completeUpload(session)).toMatchObject({ contentHash: sha1(content) });
    });

    it('says that parts go in their order', async () => {
      const parent = await newFolder();
      const content = newContent(2 * PART_BYTES);
      const session = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
      const second = drive.putPart(session, { number: 2, sizeBytes: PART_BYTES }, openPart(content, 2));
      await expect(second).rejects.toMatchObject({ code: 'part-out-of-order' });
      await drive.abandonUpload(session);
    });

    it('completes nothing that lacks a part', async () => {
      const parent = await newFolder();
      const content = newContent(2 * PART_BYTES);
      const session = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
      await drive.putPart(session, { number: 1, sizeBytes: PART_BYTES }, openPart(content, 1));
      await expect(drive.completeUpload(session)).rejects.toMatchObject({ name: 'DriveError' });
      await drive.abandonUpload(session);
      expect(await namesIn(drive, parent)).toEqual([]);
    });

    it('forgets an upload that is abandoned', async () => {
      const parent = await newFolder();
      const session = await createUpload(drive, requestFor({ parent, name: 'a' }, newContent()));
      await drive.abandonUpload(session);
      await drive.abandonUpload(session);
      await expect(drive.listUploadedParts(session)).rejects.toMatchObject({ code: 'upload-session-gone' });
      await expect(drive.completeUpload(session)).rejects.toMatchObject({ code: 'upload-session-gone' });
    });

    it('creates no second file of a name', async () => {
      const parent = await newFolder();
      const file = await newFile(parent, 'a');
      const created = await drive.createFile(requestFor({ parent, name: 'a' }, newContent()));
      expect(created).toEqual({ outcome: 'exists', key: { driveId: file.driveId, id: file.id } });
    });

    it('makes an empty file at once', async () => {
      const parent = await newFolder();
      const entry = await writeFile(drive, { parent, name: 'empty' }, Buffer.alloc(0));
      expect(entry).toMatchObject({ sizeBytes: 0, name: 'empty', contentHash: sha1(Buffer.alloc(0)) });
      expect(await drive.fetchEntry(entry)).toMatchObject({ id: entry.id, sizeBytes: 0, parentId: parent.id });
      await expectVisible(parent, ['empty']);
    });

    it('needs no bytes for content that the service has, and refuses no file for a wrong proof', async () => {
      const parent = await newFolder();
      const content = newContent(2000);
      await newFile(parent, 'first', content);
      const again = await drive.createFile(requestFor({ parent, name: 'instant' }, content, fingerprintOf(content)));
      if (again.outcome !== 'instant') throw new Error(`the outcome is ${again.outcome}`);
      expect(again.entry).toMatchObject({ name: 'instant', sizeBytes: 2000, contentHash: sha1(content) });
      expect(await drive.fetchEntry(again.entry)).toMatchObject({ id: again.entry.id, parentId: parent.id });
      const unproven = fingerprintOf(content, Buffer.alloc(2000));
      const session = await createUpload(drive, requestFor({ parent, name: 'sent' }, content, unproven));
      await sendParts(drive, session, content);
      expect(await drive.completeUpload(session)).toMatchObject({ contentHash: sha1(content) });
      await expectVisible(parent, ['first', 'instant', 'sent']);
    });

    it('begins an upload where neither the first KiB nor the whole is known', async () => {
      const parent = await newFolder();
      const content = newContent(2000);
      const preHash = sha1(content.subarray(0, 1024));
      const probed = await createUpload(
        drive,
        requestFor({ parent, name: 'a' }, content, { kind: 'pre-hash', preHash }),
      );
      await sendParts(drive, probed, content);
      expect(await drive.completeUpload(probed)).toMatchObject({ contentHash: sha1(content) });
      const other = newContent(2000);
      const hashed = await createUpload(drive, requestFor({ parent, name: 'b' }, other, fingerprintOf(other)));
      await sendParts(drive, hashed, other);
      expect(await drive.completeUpload(hashed)).toMatchObject({ contentHash: sha1(other) });
    });

    describe.each(['sent', 'instant', 'empty'] as const)('replacing a file, the new content %s', (way) => {
      it('leaves one file with the new content', async () => {
        const parent = await newFolder();
        const content = way === 'empty' ? Buffer.alloc(0) : newContent();
        if (way === 'instant') await newFile(scratch, `known ${count++}`, content);
        const before = newContent();
        const old = await newFile(parent, 'a', before);
        const target: Target = { parent, name: 'a', replaces: old };
        const request = requestFor(target, content, way === 'instant' ? fingerprintOf(content) : undefined);
        const created = await drive.createFile(request);
        expect(created.outcome).toBe(way === 'sent' ? 'upload' : 'instant');
        let entry = created.outcome === 'instant' ? created.entry : undefined;
        if (created.outcome === 'upload') {
          await sendParts(drive, created.session, content);
          expect(await namesIn(drive, parent)).toEqual(['a']);
          expect((await readFile(drive, old)).equals(before)).toBe(true);
          entry = await drive.completeUpload(created.session);
        }
        if (!entry) throw new Error('nothing came of it');
        expect(entry).toMatchObject({ name: 'a', parentId: parent.id, contentHash: sha1(content) });
        await drive.settleReplaced(old, entry);
        await drive.settleReplaced(old, entry);
        await expectVisible(parent, ['a']);
        expect((await readFile(drive, entry)).equals(content)).toBe(true);
      });
    });

    it('keeps the old file when the new one is abandoned', async () => {
      const parent = await newFolder();
      const before = newContent();
      const old = await newFile(parent, 'a', before);
      const session = await createUpload(drive, requestFor({ parent, name: 'a', replaces: old }, newContent()));
      await drive.abandonUpload(session);
      expect((await readFile(drive, old)).equals(before)).toBe(true);
      await expectVisible(parent, ['a']);
    });

    describe.each(['file', 'folder'] as const)('moving a %s', (kind) => {
      const newEntry = (parent: EntryKey, name: string) =>
        kind === 'file' ? newFile(parent, name) : createFolder(drive, parent, name);

      it.each([
        ['renames', true, 'b'],
        ['moves', false, 'a'],
        ['moves and renames', false, 'b'],
      ])('%s', async (_, stays, name) => {
        const source = await newFolder();
        const parent = stays ? source : await newFolder();
        const entry = await newEntry(source, 'a');
        const moved = await drive.move(entry, { parent, name });
        const place = { id: entry.id, parentId: parent.id, name, kind, sizeBytes: entry.sizeBytes };
        expect(moved).toMatchObject({ ...place, contentHash: entry.contentHash });
        expect(await drive.fetchEntry(entry)).toMatchObject(place);
        await expectVisible(parent, [name]);
        if (!stays) await expectVisible(source, []);
        // Once more, as after a crash that nobody had told the first time.
        expect(await drive.move(entry, { parent, name })).toMatchObject(place);
      });

      it.each([
        ['renames', true, 'b'],
        ['moves', false, 'a'],
        ['moves and renames', false, 'b'],
      ])('%s into the place of another', async (_, stays, name) => {
        const source = await newFolder();
        const parent = stays ? source : await newFolder();
        const entry = await newEntry(source, 'a');
        const replaces = await newEntry(parent, name);
        const target = { parent, name, replaces };
        const moved = await drive.move(entry, target);
        expect(moved).toMatchObject({ id: entry.id, parentId: parent.id, name });
        expect(await drive.move(entry, target)).toMatchObject({ id: entry.id, parentId: parent.id, name });
        await drive.settleReplaced(replaces, moved);
        await drive.settleReplaced(replaces, moved);
        await expectVisible(parent, [name]);
        expect(await drive.fetchEntry(entry)).toMatchObject({ parentId: parent.id, name });
      });

      it.each([
        ['renames', true, 'b'],
        ['moves', false, 'a'],
        ['moves and renames', false, 'b'],
      ])('%s onto nobody who need not give way', async (_, stays, name) => {
        const source = await newFolder();
        const parent = stays ? source : await newFolder();
        const entry = await newEntry(source, 'a');
        const other = await newEntry(parent, name);
        await expect(drive.move(entry, { parent, name })).rejects.toMatchObject({ code: 'already-exists' });
        expect(await drive.fetchEntry(entry)).toMatchObject({ parentId: source.id, name: 'a' });
        expect(await drive.fetchEntry(other)).toMatchObject({ parentId: parent.id, name });
      });
    });

    it('replaces a folder by a file, and a file by a folder', async () => {
      const parent = await newFolder();
      const file = await newFile(parent, 'file');
      const folder = await createFolder(drive, parent, 'folder');
      await newFile(folder, 'below');
      const moved = await drive.move(file, { parent, name: 'folder', replaces: folder });
      await drive.settleReplaced(folder, moved);
      expect(await drive.fetchEntry(file)).toMatchObject({ parentId: parent.id, name: 'folder', kind: 'file' });
      await expectVisible(parent, ['folder']);
      const successor = await createFolder(drive, parent, 'other');
      const swapped = await drive.move(successor, { parent, name: 'folder', replaces: moved });
      await drive.settleReplaced(moved, swapped);
      expect(await drive.fetchEntry(successor)).toMatchObject({ name: 'folder', kind: 'folder' });
      await expectVisible(parent, ['folder']);
    });

    it('never takes for replaced what stands elsewhere by now', async () => {
      const parent = await newFolder();
      const successor = await newFile(parent, 'a');
      await drive.settleReplaced(successor, successor);
      expect(await drive.fetchEntry(successor)).toMatchObject({ trashed: false });
      await expectVisible(parent, ['a']);
    });

    it('copies a file', async () => {
      const source = await newFolder();
      const parent = await newFolder();
      const content = newContent();
      const entry = await newFile(source, 'a', content);
      const { key, taskId } = await drive.startCopy(entry, parent, 'b');
      if (taskId) await drive.awaitTask(taskId);
      expect(key.id).not.toBe(entry.id);
      const copy = await drive.fetchEntry(key);
      expect(copy).toMatchObject({ parentId: parent.id, sizeBytes: content.length, contentHash: sha1(content) });
      expect(['a', 'b']).toContain(copy.name);
      expect((await readFile(drive, copy)).equals(content)).toBe(true);
      await expectVisible(source, ['a']);
    });

    it('copies a folder with all that is below it', async () => {
      const source = await createFolder(drive, scratch, `source ${count++}`);
      const parent = await newFolder();
      const content = newContent();
      await newFile(await createFolder(drive, source, 'below'), 'deep', content);
      const { key, taskId } = await drive.startCopy(source, parent, source.name);
      if (taskId) await drive.awaitTask(taskId);
      await expectVisible(key, ['below']);
      const [below] = await listAll(drive, key);
      const [deep] = below ? await listAll(drive, below) : [];
      expect(deep).toMatchObject({ name: 'deep', contentHash: sha1(content) });
      await expectVisible(source, ['below']);
    });

    it.each(['file', 'folder'] as const)('bins a %s, and deletes it for good', async (kind) => {
      const parent = await newFolder();
      const make = (name: string) => (kind === 'file' ? newFile(parent, name) : createFolder(drive, parent, name));
      const binned = await make('binned');
      const deleted = await make('deleted');
      await drive.trash(binned);
      await drive.deleteForGood(deleted);
      await expectVisible(parent, []);
      await expect(drive.fetchEntry(deleted)).rejects.toMatchObject({ code: 'not-found' });
      await drive.trash(binned);
      await drive.trash(deleted);
      await drive.deleteForGood(deleted);
    });

    it.each([
      ['nothing', ''],
      ['a slash', 'a/b'],
      ['more than 1024 bytes', '长'.repeat(342)],
    ])('takes no name of %s', async (_, name) => {
      const parent = await newFolder();
      const file = await newFile(parent, 'a');
      const refusal = { code: 'name-refused' };
      await expect(drive.createFolder(parent, name)).rejects.toMatchObject(refusal);
      await expect(drive.createFile(requestFor({ parent, name }, newContent()))).rejects.toMatchObject(refusal);
      await expect(drive.move(file, { parent, name })).rejects.toMatchObject(refusal);
      await expect(drive.move(file, { parent: scratch, name })).rejects.toMatchObject(refusal);
      await expect(drive.startCopy(file, scratch, name)).rejects.toMatchObject(refusal);
      await expectVisible(parent, ['a']);
    });

    it.each(['😀 emoji', ' blank ', '100% & #?', '长'.repeat(341)])('takes the name %j', async (name) => {
      const parent = await newFolder();
      const file = await newFile(parent, 'a');
      await drive.move(file, { parent, name });
      await newFile(parent, `b${name}`.slice(0, 341));
      expect(await drive.fetchEntry(file)).toMatchObject({ name });
    });

    it('says that a parent is no more, or no folder', async () => {
      const parent = await newFolder();
      const file = await newFile(parent, 'a');
      await drive.deleteForGood(parent);
      await expect(drive.createFolder(parent, 'x')).rejects.toMatchObject({ code: 'not-found' });
      await expect(drive.createFile(requestFor({ parent, name: 'x' }, newContent()))).rejects.toMatchObject({
        code: 'not-found',
      });
      await expect(drive.move(file, { parent: scratch, name: 'x' })).rejects.toMatchObject({ code: 'not-found' });
      const other = await newFile(scratch, `file ${count++}`);
      const request = requestFor({ parent: other, name: 'x' }, newContent());
      await expect(drive.createFile(request)).rejects.toMatchObject({ code: 'not-a-folder' });
      await expect(drive.createFolder(other, 'x')).rejects.toMatchObject({ code: 'not-a-folder' });
    });

    it('leaves everything at once when the caller does', async () => {
      const gone = AbortSignal.abort();
      const parent = await newFolder();
      const file = await newFile(parent, 'a');
      const session = await createUpload(drive, requestFor({ parent, name: 'b' }, newContent()));
      const calls = [
        drive.createFolder(parent, 'x', gone),
        drive.createFile(requestFor({ parent, name: 'x' }, newContent()), gone),
        drive.putPart(session, { number: 1, sizeBytes: 300 }, openPart(newContent(), 1), gone),
        drive.listUploadedParts(session, gone),
        drive.completeUpload(session, gone),
        drive.abandonUpload(session, gone),
        drive.move(file, { parent, name: 'x' }, gone),
        drive.startCopy(file, scratch, 'x', gone),
        drive.awaitTask('x', gone),
        drive.trash(file, gone),
        drive.deleteForGood(file, gone),
      ];
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'aborted' });
      await expectVisible(parent, ['a']);
      await drive.abandonUpload(session);
    });
  });
}
