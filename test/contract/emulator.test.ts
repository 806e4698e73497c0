import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Drive } from '../../src/drive/drive.ts';
import { type Entry, ROOT_ID } from '../../src/drive/entry.ts';
import { livePhotoZipSize } from '../../src/drive/live-photo.ts';
import { describeReadDrive, listAll, readBytes } from './read-drive-suite.ts';
import { type EmulatedSession, openEmulatedSession } from './session.ts';
import { describeWriteDrive } from './write-drive-suite.ts';

const PATHS = {
  web: { list: '/adrive/v3/file/list', get: '/v2/file/get', link: '/v2/file/get_download_url' },
  open: {
    list: '/adrive/v1.0/openFile/list',
    get: '/adrive/v1.0/openFile/get',
    link: '/adrive/v1.0/openFile/getDownloadUrl',
  },
};

describe.each(['page', 'app', 'open'] as const)('the emulated service with a token of the kind "%s"', (kind) => {
  const paths = kind === 'open' ? PATHS.open : PATHS.web;
  let session: EmulatedSession;
  let drive: Drive;
  let root: { driveId: string; id: string; fileId: string };

  beforeAll(async () => {
    session = await openEmulatedSession(kind, {});
    drive = session.drive;
    const { store, drives } = session.emulator;
    root = { driveId: drives.resource, id: ROOT_ID, fileId: ROOT_ID };
    store.addFolder(root, '文件夹');
    store.addFile(root, 'a.txt', 'Hello, world!');
    store.addFile(root, '空.txt', '');
  });
  afterAll(() => session.close());
  afterEach(() => {
    session.emulator.faults.clear();
    session.emulator.calls.reset();
  });

  describeReadDrive(() => drive);
  describeWriteDrive(() => drive);

  const addFolder = (name: string) => {
    const folder = session.emulator.store.addFolder(root, name);
    return { ...folder, id: folder.fileId };
  };
  const findFile = async (): Promise<Entry> => {
    const file = (await listAll(drive, root)).find(({ name }) => name === 'a.txt');
    if (!file) throw new Error('a.txt is gone');
    return file;
  };
  const fetchLink = async (entry: Entry) => {
    const download = await drive.fetchDownload(entry);
    if (download.kind !== 'file') throw new Error('no file');
    return download.link;
  };

  it('lists a folder in as few pages as it has hundreds or two', async () => {
    const folder = addFolder('many');
    for (let index = 0; index < 450; index++) session.emulator.store.addFile(folder, `${index}`, '');
    const names = (await listAll(drive, folder)).map(({ name }) => Number(name));
    expect(names.sort((a, b) => a - b)).toEqual(Array.from({ length: 450 }, (_, index) => index));
    expect(session.emulator.calls.count(paths.list)).toBe(3);
  });

  it('lists equal and odd names as they are', async () => {
    const folder = addFolder('names');
    const names = ['a', 'a', 'a/b', ' blank ', '\u0001', '😀 emoji', '..'];
    for (const name of names) session.emulator.store.addFile(folder, name, '');
    expect((await listAll(drive, folder)).map(({ name }) => name).sort()).toEqual([...names].sort());
  });

  it('makes one call for all who ask the same at the same time', async () => {
    await Promise.all(Array.from({ length: 20 }, () => drive.listPage(root, '')));
    expect(session.emulator.calls.count(paths.list)).toBe(1);
  });

  it('knows the streams of a live photo and delivers each', async () => {
    const folder = addFolder('photos');
    session.emulator.store.addLivePhoto(folder, 'IMG_1.livp', { heic: 'still', mov: 'moving' });
    const [photo] = await listAll(drive, folder);
    const liveStreams = [
      { extension: 'heic', sizeBytes: 5 },
      { extension: 'mov', sizeBytes: 6 },
    ];
    expect(photo).toMatchObject({ liveStreams, sizeBytes: livePhotoZipSize('IMG_1.livp', liveStreams) });
    const download = photo && (await drive.fetchDownload(photo));
    if (download?.kind !== 'live-photo') throw new Error('no live photo');
    const parts = await Promise.all(
      download.streams.map(async ({ link, sizeBytes }) =>
        readBytes(await drive.openRange(link, { first: 0, last: sizeBytes - 1 })),
      ),
    );
    expect(parts.map(String)).toEqual(['still', 'moving']);
  });

  it.each(['no-link', 'placeholder', 'substitute'] as const)(
    'never hands out a punished file: %s',
    async (punishment) => {
      const folder = addFolder(punishment);
      session.emulator.store.addFile(folder, 'film.mp4', 'a film', { punishment });
      const [film] = await listAll(drive, folder);
      if (!film) throw new Error('the film is not listed');
      await expect(drive.fetchDownload(film)).rejects.toMatchObject({ code: 'blocked' });
      await expect(drive.fetchDownload({ ...film, blockedReason: undefined })).rejects.toMatchObject({
        code: 'blocked',
      });
    },
  );

  it('finds in the bin by id what is listed nowhere', async () => {
    const folder = addFolder('bin');
    const { store } = session.emulator;
    const { driveId, fileId } = store.trash(store.addFile(folder, 'old.txt', 'old'));
    expect(await listAll(drive, folder)).toEqual([]);
    // The open API shows no entry's place in the bin.
    expect(await drive.fetchEntry({ driveId, id: fileId })).toMatchObject({
      name: 'old.txt',
      trashed: kind !== 'open',
    });
  });

  it('says that a file has changed since it was listed', async () => {
    const folder = addFolder('changes');
    const { store } = session.emulator;
    const stored = store.addFile(folder, 'a', 'before');
    const [entry] = await listAll(drive, folder);
    store.replaceContent(stored, 'afterwards');
    if (!entry) throw new Error('not listed');
    await expect(drive.fetchDownload(entry)).rejects.toMatchObject({ code: 'content-mismatch' });
  });

  it('links demand a Referer with tokens of the page alone', async () => {
    expect((await fetchLink(await findFile())).refererRequired).toBe(kind === 'page');
  });

  it.each(['OSS2', 'OSS4'] as const)('reads the life of a link signed by %s', async (linkSignature) => {
    session.emulator.settings.linkSignature = linkSignature;
    const { expiresAt } = await fetchLink(await findFile());
    session.emulator.settings.linkSignature = 'OSS2';
    const lifeMs = kind === 'open' ? 900_000 : 14_400_000;
    expect(Math.abs(expiresAt - Date.now() - lifeMs)).toBeLessThan(3000);
  });

  it('says that a link has expired', async () => {
    session.emulator.settings.linkTtlMs = 0;
    const link = await fetchLink(await findFile());
    session.emulator.settings.linkTtlMs = null;
    await expect(drive.openRange(link, { first: 0, last: 0 })).rejects.toMatchObject({ code: 'link-expired' });
  });

  it('replaces an access token that stopped working', async () => {
    session.emulator.tokens.revokeAccessTokens(kind);
    expect((await drive.listPage(root, '')).entries.length).toBeGreaterThan(0);
  });

  describe.each([
    ['a reset', { kind: 'reset' }],
    ['a 500', { kind: 'answer', status: 500, body: 'Oops' }],
    ['a bad gateway', { kind: 'answer', status: 502, body: 'Bad Gateway' }],
    ['a web page', { kind: 'answer', status: 200, body: '<html></html>' }],
    ['an empty answer', { kind: 'answer', status: 200 }],
    ['half a JSON', { kind: 'half-json' }],
    ['a cut answer', { kind: 'cut', bytes: 30 }],
    ['a throttle', { kind: 'throttle', retryAfterMs: 50 }],
  ] as const)('after %s', (_, fault) => {
    it('lists the folder whole', async () => {
      const expected = await listAll(drive, root);
      session.emulator.faults.inject({ endpoint: paths.list, ...fault });
      expect(await listAll(drive, root)).toEqual(expected);
    });
  });

  it.each([
    ['items', 'unavailable'],
    ['file_id', 'unavailable'],
  ])('takes a listing without %s for no listing', async (field, code) => {
    session.emulator.faults.inject({ endpoint: paths.list, kind: 'patch', remove: [field], times: 'always' });
    await expect(drive.listPage(root, '')).rejects.toMatchObject({ code });
  });

  it('a listing whose later page fails is no shorter listing', async () => {
    const folder = addFolder('broken');
    for (let index = 0; index < 250; index++) session.emulator.store.addFile(folder, `${index}`, '');
    const { nextMarker } = await drive.listPage(folder, '');
    session.emulator.faults.inject({ endpoint: paths.list, kind: 'error', code: 'InvalidParameter.Marker' });
    await expect(drive.listPage(folder, nextMarker)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([
    ['a cut body', { kind: 'cut', bytes: 5 }],
    ['a reset body', { kind: 'reset-after', bytes: 5 }],
    ['a body that stalls', { kind: 'stall', bytes: 5 }],
  ] as const)('takes %s for an error, not an end', async (_, fault) => {
    const file = await findFile();
    const link = await fetchLink(file);
    session.emulator.faults.inject({ endpoint: 'storage', ...fault });
    const reading = (async () => readBytes(await drive.openRange(link, { first: 0, last: file.sizeBytes - 1 })))();
    await expect(reading).rejects.toMatchObject({ name: 'DriveError', code: 'unavailable' });
  });

  if (kind === 'open') {
    it('tells one download too many, and the link stays good', async () => {
      session.emulator.settings.downloads = 3;
      const sparse = session.emulator.store.addSparseFile(addFolder('big'), 'big.bin', 2 ** 30);
      const link = await fetchLink(await drive.fetchEntry({ driveId: sparse.driveId, id: sparse.fileId }));
      const open = () => drive.openRange(link, { first: 0, last: 2 ** 30 - 1 });
      const bodies = await Promise.all([open(), open(), open()]);
      await expect(open()).rejects.toMatchObject({ code: 'too-many-downloads' });
      for (const body of bodies) body.destroy();
      await expect.poll(() => session.emulator.calls.bodies.open, { timeout: 500 }).toBe(0);
      (await open()).destroy();
    });
  } else {
    it('creates the device session anew when the service forgot it', async () => {
      session.emulator.faults.inject({ endpoint: paths.list, kind: 'error', code: 'DeviceSessionSignatureInvalid' });
      expect((await drive.listPage(root, '')).entries.length).toBeGreaterThan(0);
    });
  }
});

describe.each(['page', 'open'] as const)('a service with real limits, token "%s"', (kind) => {
  it('is never called faster than it allows', async () => {
    const session = await openEmulatedSession(kind, { limits: 'real' });
    const { store, drives, calls } = session.emulator;
    const folders = Array.from({ length: 12 }, (_, index) =>
      store.addFolder({ driveId: drives.resource, fileId: ROOT_ID }, `${index}`),
    );
    await Promise.all(
      folders.flatMap(({ driveId, fileId }) => [
        session.drive.listPage({ driveId, id: fileId }, ''),
        session.drive.fetchEntry({ driveId, id: fileId }),
      ]),
    );
    expect(calls.snapshot()).toMatchObject({ overLimit: 0 });
    await session.close();
  });
});
