import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { v2 } from 'webdav-server';
import { DriveError } from '../../../src/drive/errors.ts';
import { DriveFileSystem } from '../../../src/webdav/file-system.ts';
import { CREATED_AT, file, MemoryTree, UPDATED_AT } from './memory-tree.ts';

function setUp() {
  const tree = new MemoryTree({
    文档: { 'a.txt': file({ sizeBytes: 7, contentHash: 'AB' }), deep: {} },
    'IMG.livp': file(),
  });
  const fileSystem = new DriveFileSystem(tree, async ({ name }) => Readable.from([`content of ${name}`]));
  const server = new v2.WebDAVServer({ rootFileSystem: fileSystem, version: '1' });
  return { tree, fileSystem, context: server.createExternalContext() };
}

describe('DriveFileSystem', () => {
  it.each([
    ['/', v2.ResourceType.Directory],
    ['/文档', v2.ResourceType.Directory],
    ['/文档/a.txt', v2.ResourceType.File],
  ])('tells the type of %s from memory', async (path, type) => {
    const { tree, fileSystem, context } = setUp();
    expect(await fileSystem.typeAsync(context, path)).toBe(type);
    expect(tree.asked).toEqual([]);
  });

  it('tells the type of the root while the drive is out of reach', () => {
    const { tree, fileSystem, context } = setUp();
    tree.peek = () => undefined;
    let answer: unknown;
    fileSystem.type(context, '/', (_error, type) => {
      answer = type;
    });
    expect(answer).toBe(v2.ResourceType.Directory);
  });

  it('knows no type of what is not in memory', async () => {
    const { fileSystem, context } = setUp();
    await expect(fileSystem.typeAsync(context, '/none')).rejects.toBe(v2.Errors.ResourceNotFound);
  });

  it('reads every attribute', async () => {
    const { fileSystem, context } = setUp();
    const path = '/文档/a.txt';
    expect(await fileSystem.sizeAsync(context, path)).toBe(7);
    expect(await fileSystem.etagAsync(context, path)).toBe('"ab"');
    expect(await fileSystem.mimeTypeAsync(context, path)).toBe('text/plain');
    expect(await fileSystem.displayNameAsync(context, path)).toBe('a.txt');
    expect(await fileSystem.creationDateAsync(context, path)).toBe(CREATED_AT);
    expect(await fileSystem.lastModifiedDateAsync(context, path)).toBe(UPDATED_AT);
    expect(await fileSystem.sizeAsync(context, '/IMG.livp')).toBeUndefined();
  });

  it('reads a folder, over all its pages', async () => {
    const { tree, fileSystem, context } = setUp();
    tree.pageSize = 1;
    expect(await fileSystem.readDirAsync(context, '/文档')).toEqual(['a.txt', 'deep']);
    expect(await fileSystem.readDirAsync(context, '/')).toEqual(['文档', 'IMG.livp']);
    expect(await fileSystem.readDirAsync(context, '/文档/deep')).toEqual([]);
  });

  it('reads a file', async () => {
    const { fileSystem, context } = setUp();
    const stream = await fileSystem.openReadStreamAsync(context, '/文档/a.txt', true);
    expect(await text(stream)).toBe('content of a.txt');
  });

  it.each<[string, (fs: DriveFileSystem, context: v2.RequestContext) => Promise<unknown>, Error]>([
    ['a size', (fs, context) => fs.sizeAsync(context, '/文档'), v2.Errors.NoSizeForAFolder],
    ['a media type', (fs, context) => fs.mimeTypeAsync(context, '/文档'), v2.Errors.NoMimeTypeForAFolder],
    ['content', (fs, context) => fs.openReadStreamAsync(context, '/文档', true), v2.Errors.ExpectedAFileResourceType],
  ])('gives no %s of a folder', async (_what, ask, error) => {
    const { fileSystem, context } = setUp();
    await expect(ask(fileSystem, context)).rejects.toBe(error);
  });

  it.each([
    ['not-found', v2.Errors.ResourceNotFound],
    ['not-a-folder', v2.Errors.ResourceNotFound],
    ['forbidden', v2.Errors.Forbidden],
    ['blocked', v2.Errors.Forbidden],
    ['drive-locked', v2.Errors.Locked],
  ] as const)('tells "%s" in the words of the library', async (code, expected) => {
    const { tree, fileSystem, context } = setUp();
    tree.getError = new DriveError(code, 'no');
    await expect(fileSystem.sizeAsync(context, '/x')).rejects.toBe(expected);
  });

  it('never calls absent what it could not ask for', async () => {
    const { tree, fileSystem, context } = setUp();
    const error = new DriveError('unavailable', 'no');
    tree.getError = error;
    await expect(fileSystem.readDirAsync(context, '/x')).rejects.toBe(error);
    tree.getError = undefined;
    tree.listError = { afterPages: 1, error };
    await expect(fileSystem.readDirAsync(context, '/文档')).rejects.toBe(error);
  });

  it.each<[string, (fs: DriveFileSystem, context: v2.RequestContext) => Promise<unknown>]>([
    ['create', (fs, context) => fs.createAsync(context, '/new', v2.ResourceType.File)],
    ['delete', (fs, context) => fs.deleteAsync(context, '/文档')],
    ['write', (fs, context) => fs.openWriteStreamAsync(context, '/文档/a.txt', 'mustExist', true)],
    ['move', (fs, context) => fs.moveAsync(context, '/文档', '/new', false)],
    ['copy', (fs, context) => promisify(fs.copy.bind(fs, context, '/文档', '/new', false, -1))()],
    ['rename', (fs, context) => fs.renameAsync(context, '/文档', 'new', false)],
  ])('refuses to %s', async (_what, act) => {
    const { fileSystem, context } = setUp();
    await expect(act(fileSystem, context)).rejects.toBe(v2.Errors.Forbidden);
  });

  it('holds no lock and no dead property, and takes none', async () => {
    const { fileSystem, context } = setUp();
    expect(await fileSystem.listDeepLocksAsync(context, '/文档')).toEqual({});
    const locks = await fileSystem.lockManagerAsync(context, '/文档');
    const lock = new v2.Lock(new v2.LockKind(v2.LockScope.Exclusive, v2.LockType.Write), 'me', 'me', 0);
    await expect(locks.setLockAsync(lock)).rejects.toBe(v2.Errors.Forbidden);
    await expect(locks.getLockAsync('x')).rejects.toBe(v2.Errors.ResourceNotFound);
    await expect(locks.removeLockAsync('x')).rejects.toBe(v2.Errors.Forbidden);
    await expect(locks.refreshAsync('x', 9)).rejects.toBe(v2.Errors.Forbidden);
    const properties = await fileSystem.propertyManagerAsync(context, '/文档');
    const errors: unknown[] = [];
    const note = (error?: Error) => {
      errors.push(error);
    };
    properties.getProperty('x', note);
    properties.setProperty('x', 'y', {}, note);
    properties.removeProperty('x', note);
    expect(errors).toEqual([v2.Errors.PropertyNotFound, v2.Errors.Forbidden, v2.Errors.Forbidden]);
    expect(fileSystem.serializer().uid()).toBe('alidav');
  });

  it('answers a stock method of the library', async () => {
    const { tree, fileSystem, context } = setUp();
    const resource = fileSystem.resource(context, new v2.Path('/文档'));
    expect(await resource.readDirAsync(false)).toEqual(['a.txt', 'deep']);
    expect(await resource.lastModifiedDateAsync()).toBe(UPDATED_AT);
    expect(tree.asked).toContain('list 文档');
  });
});
