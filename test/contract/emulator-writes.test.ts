import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Drive, UploadSession } from '../../src/drive/drive.ts';
import { type Entry, type EntryKey, ROOT_ID } from '../../src/drive/entry.ts';
import type { FaultAction } from '../../src/emulator/faults.ts';
import { listAll } from './read-drive-suite.ts';
import { type EmulatedSession, openEmulatedSession } from './session.ts';
import {
  createFolder,
  createUpload,
  fingerprintOf,
  namesIn,
  openPart,
  readFile,
  requestFor,
  sendParts,
  sha1,
  writeFile,
} from './write-drive-suite.ts';

const OPEN = '/adrive/v1.0/openFile';
const PATHS = {
  web: {
    create: '/adrive/v2/file/createWithFolders',
    uploadUrls: '/v2/file/get_upload_url',
    uploadedParts: '/v2/file/list_uploaded_parts',
    complete: '/v2/file/complete',
    update: '/v3/file/update',
    move: '/v3/file/move',
    copy: '/v2/file/copy',
    trash: '/v2/recyclebin/trash',
    delete: '/v3/file/delete',
    get: '/v2/file/get',
    list: '/adrive/v3/file/list',
    task: '/v2/async_task/get',
  },
  open: {
    create: `${OPEN}/create`,
    uploadUrls: `${OPEN}/getUploadUrl`,
    uploadedParts: `${OPEN}/listUploadedParts`,
    complete: `${OPEN}/complete`,
    update: `${OPEN}/update`,
    move: `${OPEN}/move`,
    copy: `${OPEN}/copy`,
    trash: `${OPEN}/recyclebin/trash`,
    delete: `${OPEN}/delete`,
    get: `${OPEN}/get`,
    list: `${OPEN}/list`,
    task: `${OPEN}/async_task/get`,
  },
} as const;

type PathName = keyof (typeof PATHS)['web'];

/** Each takes one try, whether it took effect or not. */
const MISHAPS: readonly (readonly [string, FaultAction])[] = [
  ['an answer lost to a reset', { kind: 'lost-answer', how: 'reset' }],
  ['an answer lost to silence', { kind: 'lost-answer', how: 'hang' }],
  ['an answer lost to a 500', { kind: 'lost-answer', how: '500' }],
  ['half an answer', { kind: 'half-json' }],
  ['a reset', { kind: 'reset' }],
  ['silence', { kind: 'hang' }],
  ['a bad gateway', { kind: 'answer', status: 502, body: 'Bad Gateway' }],
  ['a web page', { kind: 'answer', status: 200, body: '<html></html>' }],
  ['a throttle', { kind: 'throttle', retryAfterMs: 20 }],
];

const CALL_TIMEOUT_MS = 400;
const BACK_OFF_MS = 5;

describe.each(['page', 'open'] as const)('writing to the emulated service, token "%s"', (kind) => {
  const paths: Record<PathName, string> = kind === 'open' ? PATHS.open : PATHS.web;
  let session: EmulatedSession;
  let drive: Drive;
  let root: EntryKey;
  let parent: Entry;
  let source: Entry;
  let count = 0;
  let backOffMs = BACK_OFF_MS;

  beforeAll(async () => {
    session = await openEmulatedSession(kind, {}, { callTimeoutMs: CALL_TIMEOUT_MS, backOff: () => backOffMs });
    drive = session.drive;
    root = { driveId: session.emulator.drives.resource, id: ROOT_ID };
  });
  afterAll(() => session.close());
  beforeEach(async () => {
    parent = await createFolder(drive, root, `parent ${count}`);
    source = await createFolder(drive, root, `source ${count++}`);
    session.emulator.calls.reset();
  });
  afterEach(() => {
    session.emulator.faults.clear();
    backOffMs = BACK_OFF_MS;
  });

  const inject = (path: PathName | 'upload', fault: FaultAction, times?: 'always') =>
    session.emulator.faults.inject({
      endpoint: path === 'upload' ? path : paths[path],
      ...fault,
      ...(times && { times }),
    });
  const callsOf = (path: PathName | 'upload') => session.emulator.calls.count(path === 'upload' ? path : paths[path]);
  const newContent = (sizeBytes = 2000) => randomBytes(sizeBytes);
  const newFile = (folder: EntryKey, name: string, content = newContent()) =>
    writeFile(drive, { parent: folder, name }, content);
  /** Content that others have uploaded. */
  const knownContent = async () => {
    const content = newContent();
    await newFile(root, `known ${count++}`, content);
    return content;
  };
  /** Everything in a folder, as the service has it. */
  const stored = (folder: EntryKey) =>
    [...session.emulator.store.children({ driveId: folder.driveId, fileId: folder.id })].map(
      ({ name, fileId, content }) => ({ name, id: fileId, hash: content?.digests()?.sha1 }),
    );

  it('makes one call of what one call can do', async () => {
    const known = await knownContent();
    session.emulator.calls.reset();
    await createFolder(drive, parent, 'folder');
    await writeFile(drive, { parent, name: 'empty' }, Buffer.alloc(0));
    const instant = await drive.createFile(requestFor({ parent, name: 'instant' }, known, fingerprintOf(known)));
    expect(instant.outcome).toBe('instant');
    expect(callsOf('create')).toBe(3);
    await newFile(parent, 'sent');
    expect(callsOf('create') + callsOf('upload') + callsOf('complete')).toBe(6);
    expect(callsOf('uploadUrls') + callsOf('get') + callsOf('list')).toBe(0);
  });

  it('moves and renames in as few calls as the dialect allows', async () => {
    const file = await newFile(source, 'a');
    session.emulator.calls.reset();
    const renamed = await drive.move(file, { parent: source, name: 'b' });
    expect([callsOf('update'), callsOf('move')]).toEqual([1, 0]);
    const moved = await drive.move(renamed, { parent, name: 'b' });
    expect([callsOf('update'), callsOf('move')]).toEqual([1, 1]);
    await drive.move(moved, { parent: source, name: 'c' });
    expect([callsOf('update'), callsOf('move')]).toEqual(kind === 'open' ? [2, 2] : [1, 2]);
    expect(callsOf('get')).toBe(0);
  });

  describe.each(MISHAPS)('after %s', (_, fault) => {
    it('creates a folder once', async () => {
      inject('create', fault);
      const created = await drive.createFolder(parent, 'folder');
      expect(created).toMatchObject({ outcome: 'created', entry: { name: 'folder', parentId: parent.id } });
      expect(stored(parent)).toMatchObject([{ name: 'folder' }]);
    });

    it('uploads a file once', async () => {
      const content = newContent();
      inject('create', fault);
      inject('complete', fault);
      const entry = await newFile(parent, 'a', content);
      expect(entry).toMatchObject({ name: 'a', contentHash: sha1(content) });
      expect(stored(parent)).toEqual([{ name: 'a', id: entry.id, hash: sha1(content) }]);
    });

    it('replaces a file once', async () => {
      const old = await newFile(parent, 'a');
      const content = newContent();
      inject('create', fault);
      inject('complete', fault);
      inject('trash', fault);
      inject('get', fault);
      const entry = await writeFile(drive, { parent, name: 'a', replaces: old }, content);
      await drive.settleReplaced(old, entry);
      expect(stored(parent)).toEqual([{ name: 'a', id: entry.id, hash: sha1(content) }]);
    });

    it.each([false, true])('makes a file of known content once; replacing another: %s', async (isReplacing) => {
      const content = await knownContent();
      const replaces = isReplacing ? await newFile(parent, 'a') : undefined;
      inject('create', fault);
      const request = requestFor({ parent, name: 'a', replaces }, content, fingerprintOf(content));
      const created = await drive.createFile(request);
      if (created.outcome !== 'instant') throw new Error(`the outcome is ${created.outcome}`);
      if (replaces) await drive.settleReplaced(replaces, created.entry);
      expect(stored(parent)).toEqual([{ name: 'a', id: created.entry.id, hash: sha1(content) }]);
    });

    it.each([
      ['renames', true, 'b', ['update']],
      ['moves', false, 'a', ['move']],
      ['moves and renames', false, 'b', ['move', 'update']],
    ] as const)('%s once', async (_name, stays, name, struck) => {
      const target = { parent: stays ? source : parent, name };
      const file = await newFile(source, 'a');
      for (const path of struck) inject(path, fault);
      expect(await drive.move(file, target)).toMatchObject({ id: file.id, name, parentId: target.parent.id });
      expect(stored(target.parent)).toMatchObject([{ id: file.id, name }]);
      if (!stays) expect(stored(source)).toEqual([]);
    });

    it.each([
      ['renames', true, 'b'],
      ['moves', false, 'a'],
      ['moves and renames', false, 'b'],
    ] as const)('%s once into the place of another', async (_name, stays, name) => {
      const folder = stays ? source : parent;
      const file = await newFile(source, 'a');
      const replaces = await newFile(folder, name);
      inject('move', fault);
      inject('update', fault);
      const moved = await drive.move(file, { parent: folder, name, replaces });
      await drive.settleReplaced(replaces, moved);
      expect(stored(folder)).toMatchObject([{ id: file.id, name }]);
    });

    it.each(['trash', 'delete'] as const)('takes a file away: %s', async (path) => {
      const file = await newFile(parent, 'a');
      inject(path, fault);
      await (path === 'trash' ? drive.trash(file) : drive.deleteForGood(file));
      expect(stored(parent)).toEqual([]);
    });

    it('asks anew for what changes nothing', async () => {
      const content = newContent(150_000);
      const upload = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
      await sendParts(drive, upload, content);
      inject('uploadedParts', fault);
      expect(await drive.listUploadedParts(upload)).toHaveLength(2);
    });
  });

  it.each(MISHAPS.filter(([, { kind }]) => kind !== 'throttle'))('makes no copy twice after %s', async (_, fault) => {
    const file = await newFile(source, 'a');
    inject('copy', fault);
    await expect(drive.startCopy(file, parent, 'a')).rejects.toMatchObject({ code: 'unavailable' });
    expect(stored(parent).length).toBeLessThanOrEqual(1);
    expect(callsOf('copy')).toBe(1);
  });

  it.each([
    ['create', 'lost-answer'],
    ['complete', 'lost-answer'],
    ['create', 'reset'],
    ['complete', 'reset'],
  ] as const)(
    'says so when it cannot find out what became of %s, after %s for ever',
    async (path, how) => {
      const file = await newFile(parent, 'a');
      const content = newContent();
      const request = requestFor({ parent, name: 'a', replaces: file }, content);
      const upload = path === 'complete' ? await createUpload(drive, request) : undefined;
      if (upload) await sendParts(drive, upload, content);
      inject(path, how === 'reset' ? { kind: 'reset' } : { kind: 'lost-answer', how: 'reset' }, 'always');
      inject('get', { kind: 'reset' }, 'always');
      const write = upload ? drive.completeUpload(upload) : drive.createFile(request);
      await expect(write).rejects.toMatchObject({ code: 'unavailable' });
    },
    20_000,
  );

  it('adopts no other file for one that it made, whatever was lost', async () => {
    const content = await knownContent();
    const other = await newFile(parent, 'a');
    inject('create', { kind: 'reset' });
    const request = requestFor({ parent, name: 'a' }, content, fingerprintOf(content));
    expect(await drive.createFile(request)).toMatchObject({ outcome: 'exists', key: { id: other.id } });
  });

  it.each(['known', 'always'] as const)('asks for the whole hash after a hit on the first KiB: %s', async (preHash) => {
    session.emulator.settings.preHash = preHash;
    const content = preHash === 'known' ? await knownContent() : newContent();
    const probe = { kind: 'pre-hash', preHash: sha1(content.subarray(0, 1024)).toLowerCase() } as const;
    const asked = await drive.createFile(requestFor({ parent, name: 'a' }, content, probe));
    expect(asked).toEqual({ outcome: 'pre-hash-matched' });
    const created = await drive.createFile(requestFor({ parent, name: 'a' }, content, fingerprintOf(content)));
    expect(created.outcome).toBe(preHash === 'known' ? 'instant' : 'upload');
    session.emulator.settings.preHash = 'known';
  });

  it('proves content with the access token that goes with the call', async () => {
    const content = await knownContent();
    session.emulator.tokens.revokeAccessTokens(kind);
    const created = await drive.createFile(requestFor({ parent, name: 'a' }, content, fingerprintOf(content)));
    expect(created.outcome).toBe('instant');
  });

  it('computes a refused proof once more, and then sends the content', async () => {
    const content = await knownContent();
    inject('create', { kind: 'error', code: 'InvalidRapidProof' });
    const request = requestFor({ parent, name: 'a' }, content, fingerprintOf(content));
    expect((await drive.createFile(request)).outcome).toBe('instant');
    const unproven = requestFor({ parent, name: 'b' }, content, fingerprintOf(content, Buffer.alloc(2000)));
    session.emulator.calls.reset();
    expect((await drive.createFile(unproven)).outcome).toBe('upload');
    expect(callsOf('create')).toBe(3);
  });

  it('renews the URLs of parts, ahead of their end and after it', async () => {
    const content = newContent(250_000);
    session.emulator.settings.uploadUrlTtlMs = 1000;
    const upload = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
    session.emulator.settings.uploadUrlTtlMs = 3_600_000;
    inject('upload', { kind: 'oss-error', name: 'expired' });
    await sendParts(drive, upload, content);
    expect(await drive.completeUpload(upload)).toMatchObject({ contentHash: sha1(content) });
    expect(callsOf('uploadUrls')).toBe(2);
  });

  it('goes on with an upload of another process', async () => {
    const content = newContent(250_000);
    const upload = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
    await drive.putPart(upload, { number: 1, sizeBytes: 102_400 }, openPart(content, 1));
    const restored: UploadSession = JSON.parse(JSON.stringify(upload));
    const other = session.anew();
    expect(await other.listUploadedParts(restored)).toHaveLength(1);
    await sendParts(other, restored, content, 2);
    expect(await other.completeUpload(restored)).toMatchObject({ contentHash: sha1(content) });
    expect(callsOf('uploadUrls')).toBe(1);
  });

  describe('a part', () => {
    it.each([
      ['a lost answer', { kind: 'lost-answer', how: 'reset' }],
      ['a reset', { kind: 'reset' }],
      ['a 500', { kind: 'answer', status: 500 }],
      ['silence', { kind: 'hang' }],
    ] as const)('can be sent again after %s', async (_, fault) => {
      const content = newContent();
      const upload = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
      inject('upload', fault);
      // Where a kept connection dies, it is sent again by itself.
      await sendParts(drive, upload, content).catch((error: unknown) =>
        expect(error).toMatchObject({ name: 'DriveError', code: 'unavailable' }),
      );
      await sendParts(drive, upload, content);
      expect(await drive.completeUpload(upload)).toMatchObject({ contentHash: sha1(content) });
    });

    it('that is another length than announced does no harm', async () => {
      const content = newContent();
      const upload = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
      for (const sizeBytes of [1999, 2001]) {
        const put = drive.putPart(upload, { number: 1, sizeBytes }, () => Readable.from([content]));
        await expect(put).rejects.toMatchObject({ code: 'content-mismatch' });
      }
      await sendParts(drive, upload, content);
      expect(await drive.completeUpload(upload)).toMatchObject({ contentHash: sha1(content) });
    });
  });

  it('tells that the service has forgotten an upload', async () => {
    const content = newContent();
    const upload = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
    session.emulator.settings.uploadSessionTtlMs = 1;
    await new Promise((resolve) => setTimeout(resolve, 10));
    const gone = { code: 'upload-session-gone' };
    await expect(sendParts(drive, upload, content)).rejects.toMatchObject(gone);
    await expect(drive.listUploadedParts(upload)).rejects.toMatchObject(gone);
    await expect(drive.completeUpload(upload)).rejects.toMatchObject(gone);
    session.emulator.settings.uploadSessionTtlMs = null;
  });

  it.each(['InvalidParameter.PartInfoList', 'BadRequest'] as const)(
    'completes at the second try after a passing %s',
    async (code) => {
      const content = newContent();
      const upload = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
      await sendParts(drive, upload, content);
      inject('complete', { kind: 'error', code });
      expect(await drive.completeUpload(upload)).toMatchObject({ contentHash: sha1(content) });
      expect(callsOf('complete')).toBe(2);
    },
  );

  it('sees through an answer that tells less than it should', async () => {
    const content = newContent();
    const upload = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
    await sendParts(drive, upload, content);
    inject('complete', { kind: 'patch', remove: ['size', 'type', 'parent_file_id', 'drive_id'] });
    const entry = await drive.completeUpload(upload);
    expect(entry).toMatchObject({ sizeBytes: 2000, parentId: parent.id, driveId: parent.driveId });
    inject('update', { kind: 'patch', remove: ['file_id', 'type', 'name', 'updated_at'] });
    expect(await drive.move(entry, { parent, name: 'b' })).toMatchObject({ id: entry.id, name: 'b', sizeBytes: 2000 });
    inject('create', {
      kind: 'patch',
      remove: ['parent_file_id', 'file_name', 'type', 'part_info_list', 'rapid_upload'],
    });
    expect(await newFile(parent, 'c', newContent())).toMatchObject({ name: 'c', parentId: parent.id });
  });

  it('never takes other content for what was sent', async () => {
    const content = newContent();
    const upload = await createUpload(drive, requestFor({ parent, name: 'a' }, content));
    await sendParts(drive, upload, content);
    inject('complete', { kind: 'patch', set: { size: 1999 } });
    await expect(drive.completeUpload(upload)).rejects.toMatchObject({ code: 'content-mismatch' });
  });

  it('tells a full drive and a file that is too large', async () => {
    session.emulator.settings.maxFileBytes = 1000;
    const large = drive.createFile(requestFor({ parent, name: 'a' }, newContent()));
    await expect(large).rejects.toMatchObject({ code: 'too-large' });
    session.emulator.settings.maxFileBytes = 2 ** 40;
    session.emulator.settings.totalBytes = 1000;
    const full = drive.createFile(requestFor({ parent, name: 'a' }, newContent()));
    await expect(full).rejects.toMatchObject({ code: 'quota-exhausted' });
    session.emulator.settings.totalBytes = 2 ** 40;
  });

  describe('a move', () => {
    it.each(['move', 'update'] as const)('keeps both files where %s is refused', async (path) => {
      const before = newContent();
      const file = await newFile(source, 'a');
      const replaces = await newFile(parent, 'b', before);
      inject(path, { kind: 'error', code: 'Forbidden' }, 'always');
      const target = { parent, name: 'b', replaces };
      const outcome = await drive.move(file, target).then(
        () => 'moved',
        () => 'refused',
      );
      session.emulator.faults.clear();
      // The web API needs no second call.
      expect(outcome).toBe(kind !== 'open' && path === 'update' ? 'moved' : 'refused');
      if (outcome === 'moved') return;
      expect(await drive.fetchEntry(file)).toMatchObject({ parentId: source.id, name: 'a' });
      expect((await readFile(drive, replaces)).equals(before)).toBe(true);
      expect(stored(parent)).toMatchObject([{ id: replaces.id, name: 'b' }]);
    });

    it('is brought to its end when it stopped between its calls', async () => {
      const file = await newFile(source, 'a');
      const replaces = await newFile(parent, 'b');
      inject(kind === 'open' ? 'update' : 'move', { kind: 'reset' }, 'always');
      const target = { parent, name: 'b', replaces };
      await expect(drive.move(file, target)).rejects.toMatchObject({ code: 'unavailable' });
      session.emulator.faults.clear();
      const moved = await drive.move(file, target);
      await drive.settleReplaced(replaces, moved);
      expect(stored(parent)).toMatchObject([{ id: file.id, name: 'b' }]);
      expect(stored(source)).toEqual([]);
    }, 20_000);
  });

  describe('a task', () => {
    const newTree = async () => {
      for (let index = 0; index < 10; index++) await newFile(source, `${index}`, newContent(10));
      return source;
    };
    beforeEach(() => {
      session.emulator.settings.taskMs = 400;
    });
    afterEach(() => {
      session.emulator.settings.taskMs = 0;
    });

    it('is awaited to its end', async () => {
      const { key, taskId } = await drive.startCopy(await newTree(), parent, source.name);
      if (taskId === undefined) throw new Error('no task');
      await drive.awaitTask(taskId);
      expect(await namesIn(drive, key)).toHaveLength(10);
      await drive.trash(source);
      expect((await listAll(drive, root)).map(({ id }) => id)).not.toContain(source.id);
    });

    it.each(['Failed', 'PartialSucceed'] as const)('that ends as %s is a failure', async (state) => {
      inject('copy', { kind: 'task', state });
      const { taskId = '' } = await drive.startCopy(await newTree(), parent, source.name);
      await expect(drive.awaitTask(taskId)).rejects.toMatchObject({ code: 'task-failed' });
    });

    it('that is long forgotten has ended', async () => {
      await drive.awaitTask('00000000-0000-0000-0000-000000000000');
    });

    it('is asked for again where the answer was lost', async () => {
      const { taskId = '' } = await drive.startCopy(await newTree(), parent, source.name);
      inject('task', { kind: 'reset' });
      await drive.awaitTask(taskId);
    });
  });

  it('goes to another drive where the dialect can', async () => {
    const other = { driveId: session.emulator.drives.backup, id: ROOT_ID };
    const content = newContent();
    const file = await newFile(source, `across ${kind}`, content);
    if (kind === 'open') {
      await expect(drive.copyAcross(file, other)).rejects.toMatchObject({ code: 'unsupported' });
      await expect(drive.moveAcross(file, other)).rejects.toMatchObject({ code: 'unsupported' });
      return;
    }
    const copy = await drive.copyAcross(file, other);
    if (copy.taskId) await drive.awaitTask(copy.taskId);
    expect(await drive.fetchEntry(copy.key)).toMatchObject({ ...copy.key, contentHash: sha1(content) });
    const moved = await drive.moveAcross(file, other);
    if (moved.taskId) await drive.awaitTask(moved.taskId);
    expect(await drive.fetchEntry(moved.key)).toMatchObject({ driveId: other.driveId, contentHash: sha1(content) });
    expect(stored(source)).toEqual([]);
  });

  if (kind !== 'open') {
    it('swaps by hand where the service does not', async () => {
      const file = await newFile(source, 'a');
      const replaces = await newFile(parent, 'b');
      const refusal = { kind: 'error', code: 'AlreadyExist.File' } as const;
      session.emulator.faults.inject({ endpoint: paths.move, ...refusal, when: { overwrite: true }, times: 'always' });
      const target = { parent, name: 'b', replaces };
      const moved = await drive.move(file, target);
      expect(moved).toMatchObject({ id: file.id, parentId: parent.id, name: 'b' });
      expect(stored(parent)).toHaveLength(2);
      expect(await drive.move(file, target)).toMatchObject({ id: file.id, name: 'b' });
      await drive.settleReplaced(replaces, moved);
      expect(stored(parent)).toMatchObject([{ id: file.id, name: 'b' }]);
    });

    it('takes the replaced file back where its successor cannot come', async () => {
      const file = await newFile(source, 'a');
      const replaces = await newFile(parent, 'b');
      inject('move', { kind: 'error', code: 'AlreadyExist.File' }, 'always');
      await expect(drive.move(file, { parent, name: 'b', replaces })).rejects.toMatchObject({ code: 'already-exists' });
      expect(stored(parent)).toMatchObject([{ id: replaces.id, name: 'b' }]);
      expect(stored(source)).toMatchObject([{ id: file.id, name: 'a' }]);
    });

    it('leaves a replaced file alone that somebody has named otherwise meanwhile', async () => {
      const old = await newFile(parent, 'a');
      const successor = await newFile(parent, 'b');
      await drive.settleReplaced(old, successor);
      expect(stored(parent)).toHaveLength(2);
    });

    it('abandons no file of others that it was to overwrite unawares', async () => {
      const old = await newFile(parent, 'a');
      await drive.trash(old);
      const other = await newFile(parent, 'a');
      const upload = await createUpload(drive, requestFor({ parent, name: 'a', replaces: old }, newContent()));
      await drive.abandonUpload(upload);
      expect(stored(parent)).toMatchObject([{ id: other.id, name: 'a' }]);
    });
  } else {
    it('finds what it made even in a listing that lags', async () => {
      const content = await knownContent();
      const replaces = await newFile(parent, 'a');
      session.emulator.settings.listLagMs = 500;
      backOffMs = 300;
      inject('create', { kind: 'lost-answer', how: 'reset' });
      const request = requestFor({ parent, name: 'a', replaces }, content, fingerprintOf(content));
      const created = await drive.createFile(request);
      session.emulator.settings.listLagMs = 0;
      expect(created.outcome).toBe('instant');
      expect(stored(parent)).toHaveLength(2);
    });
  }
});
