import { PassThrough, Readable, type Writable } from 'node:stream';
import { v2 } from 'webdav-server';
import type { Entry } from '../drive/entry.ts';
import { isDriveError } from '../drive/errors.ts';
import type { TreeNode } from '../tree/node.ts';
import type { Slot } from '../tree/slot.ts';
import { contentTypeOf } from './content-type.ts';
import { findContentLength, formatETag } from './etag.ts';
import type { IncomingBody, Tree, WriteOptions, Writer } from './ports.ts';

/** Opens the whole content of a file; rejects with a DriveError. */
export type OpenContent = (node: TreeNode) => Promise<Readable>;

/**
 * The drive as webdav-server's virtual filesystem, through which the library resolves types and paths. Our own methods
 * go past it, for it knows neither pages nor ranges nor clients that leave. It has no `_fastExistCheck`, so that the
 * library takes nothing for absent, or present, before a hook has looked.
 */
export class DriveFileSystem extends v2.FileSystem {
  readonly #tree: Tree;
  readonly #openContent: OpenContent;
  readonly #writer: Writer | undefined;

  /** @param writer absent: every write is refused */
  constructor(tree: Tree, openContent: OpenContent, writer?: Writer) {
    super(SERIALIZER);
    this.#tree = tree;
    this.#openContent = openContent;
    this.#writer = writer;
  }

  /**
   * The library asks before every request, only to fill a header, and the request waits for it. What may be asked was
   * settled at the front door, so its own walk through its privileges is left out.
   */
  override type(
    context: v2.RequestContext,
    path: v2.Path | string,
    callback: v2.ReturnCallback<v2.ResourceType>,
  ): void {
    const resolved = new v2.Path(path);
    const error = resolved.resolve();
    if (error) callback(error);
    else this._type(resolved, { context }, callback);
  }

  /** From memory alone. */
  protected override _type(path: v2.Path, _info: v2.TypeInfo, callback: v2.ReturnCallback<v2.ResourceType>): void {
    const kind = path.isRoot() ? 'folder' : this.#tree.peek(path.toString())?.entry.kind;
    if (kind === undefined) callback(v2.Errors.ResourceNotFound);
    else callback(undefined, kind === 'folder' ? v2.ResourceType.Directory : v2.ResourceType.File);
  }

  protected override _size(path: v2.Path, _info: v2.SizeInfo, callback: v2.ReturnCallback<number>): void {
    answer(
      this.#getFile(path, v2.Errors.NoSizeForAFolder).then(({ entry }) => findContentLength(entry)),
      callback,
    );
  }

  protected override _mimeType(path: v2.Path, _info: v2.MimeTypeInfo, callback: v2.ReturnCallback<string>): void {
    answer(this.#getFile(path, v2.Errors.NoMimeTypeForAFolder).then(contentTypeOf), callback);
  }

  protected override _etag(path: v2.Path, _info: v2.ETagInfo, callback: v2.ReturnCallback<string>): void {
    answer(
      this.#get(path).then(({ entry }) => formatETag(entry)),
      callback,
    );
  }

  protected override _displayName(path: v2.Path, _info: v2.DisplayNameInfo, callback: v2.ReturnCallback<string>): void {
    answer(
      this.#get(path).then(({ name }) => name),
      callback,
    );
  }

  protected override _creationDate(
    path: v2.Path,
    _info: v2.CreationDateInfo,
    callback: v2.ReturnCallback<number>,
  ): void {
    answer(
      this.#get(path).then(({ entry }) => entry.createdAt),
      callback,
    );
  }

  protected override _lastModifiedDate(
    path: v2.Path,
    _info: v2.LastModifiedDateInfo,
    callback: v2.ReturnCallback<number>,
  ): void {
    answer(
      this.#get(path).then(({ entry }) => entry.updatedAt),
      callback,
    );
  }

  protected override _readDir(path: v2.Path, _info: v2.ReadDirInfo, callback: v2.ReturnCallback<string[]>): void {
    answer(this.#readNames(path), callback);
  }

  protected override _openReadStream(
    path: v2.Path,
    _info: v2.OpenReadStreamInfo,
    callback: v2.ReturnCallback<Readable>,
  ): void {
    answer(this.#getFile(path, v2.Errors.ExpectedAFileResourceType).then(this.#openContent), callback);
  }

  protected override _create(path: v2.Path, { type }: v2.CreateInfo, callback: v2.SimpleCallback): void {
    const create = async (writer: Writer, slot: Slot): Promise<void> => {
      if (slot.node) throw v2.Errors.ResourceAlreadyExists;
      if (type.isDirectory) await writer.createFolder(slot);
      else await writer.write(slot, toBody(Readable.from([]), 0), AT_ONCE);
    };
    answerWrite(
      this.#write([path], (writer, [slot]) => create(writer, slot)),
      callback,
    );
  }

  protected override _delete(path: v2.Path, _info: v2.DeleteInfo, callback: v2.SimpleCallback): void {
    answerWrite(
      this.#write([path], (writer, [slot]) => writer.remove(slot)),
      callback,
    );
  }

  /** What is written to the stream is stored when it ends; its failure is the stream's. */
  protected override _openWriteStream(
    path: v2.Path,
    _info: v2.OpenWriteStreamInfo,
    callback: v2.ReturnCallback<Writable>,
  ): void {
    if (!this.#writer) {
      callback(v2.Errors.Forbidden);
      return;
    }
    const stream = new PassThrough();
    this.#write([path], (writer, [slot]) => writer.write(slot, toBody(stream, undefined), AT_ONCE)).catch(
      (error: Error) => stream.destroy(error),
    );
    callback(undefined, stream);
  }

  protected override _move(
    from: v2.Path,
    to: v2.Path,
    { overwrite }: v2.MoveInfo,
    callback: v2.ReturnCallback<boolean>,
  ): void {
    answer(
      this.#transfer(from, to, overwrite, (writer, source, target) => writer.move(source, target)),
      callback,
    );
  }

  protected override _copy(
    from: v2.Path,
    to: v2.Path,
    { overwrite, depth }: v2.CopyInfo,
    callback: v2.ReturnCallback<boolean>,
  ): void {
    const copyDepth = depth === 0 ? '0' : 'infinity';
    const copied = this.#transfer(from, to, overwrite, (writer, source, target) =>
      writer.copy(source, target, copyDepth),
    );
    answer(copied, callback);
  }

  protected override _rename(
    from: v2.Path,
    name: string,
    _info: v2.RenameInfo,
    callback: v2.ReturnCallback<boolean>,
  ): void {
    const to = from.getParent().getChildPath(name);
    answer(
      this.#transfer(from, to, false, (writer, source, target) => writer.move(source, target)),
      callback,
    );
  }

  protected override _lockManager(
    _path: v2.Path,
    _info: v2.LockManagerInfo,
    callback: v2.ReturnCallback<v2.ILockManager>,
  ): void {
    callback(undefined, NO_LOCKS);
  }

  protected override _propertyManager(
    _path: v2.Path,
    _info: v2.PropertyManagerInfo,
    callback: v2.ReturnCallback<v2.IPropertyManager>,
  ): void {
    callback(undefined, NO_PROPERTIES);
  }

  /** @returns whether something gave way */
  #transfer(
    from: v2.Path,
    to: v2.Path,
    mayReplace: boolean,
    run: (writer: Writer, source: Slot, target: Slot) => Promise<Entry>,
  ): Promise<boolean> {
    return this.#write([from, to], async (writer, [source, target = source]) => {
      if (target.node && !mayReplace) throw v2.Errors.ResourceAlreadyExists;
      await run(writer, source, target);
      return target.node !== undefined;
    });
  }

  /** Locks and conditions are the protocol's, which the library's own callers do not come through. */
  async #write<T>(
    paths: readonly v2.Path[],
    act: (writer: Writer, slots: [Slot, ...Slot[]]) => Promise<T>,
  ): Promise<T> {
    const writer = this.#writer;
    if (!writer) throw v2.Errors.Forbidden;
    const locate = async () =>
      (await Promise.all(paths.map((path) => this.#tree.locate(path.toString())))) as [Slot, ...Slot[]];
    const release = await writer.claim(await locate());
    try {
      return await act(writer, await locate());
    } finally {
      release();
    }
  }

  #get(path: v2.Path): Promise<TreeNode> {
    return this.#tree.get(path.toString(), {});
  }

  async #getFile(path: v2.Path, folderError: Error): Promise<TreeNode> {
    const node = await this.#get(path);
    if (node.entry.kind === 'folder') throw folderError;
    return node;
  }

  async #readNames(path: v2.Path): Promise<string[]> {
    const folder = await this.#get(path);
    const names: string[] = [];
    for await (const page of this.#tree.list(folder, {})) names.push(...page.map(({ name }) => name));
    return names;
  }
}

/** Settles the library's callback; what the callback itself throws ends there and takes no process down. */
function answer<T>(result: Promise<T>, callback: v2.ReturnCallback<NonNullable<T>>): void {
  result
    .then(
      (value) => callback(undefined, value ?? undefined),
      (error: unknown) => callback(toLibraryError(error)),
    )
    .catch(() => undefined);
}

function answerWrite(result: Promise<unknown>, callback: v2.SimpleCallback): void {
  result
    .then(
      () => callback(),
      (error: unknown) => callback(toLibraryError(error)),
    )
    .catch(() => undefined);
}

function toBody(stream: Readable, sizeBytes: number | undefined): IncomingBody {
  return { stream, sizeBytes, contentHash: undefined };
}

const AT_ONCE: WriteOptions = { mayHold: false, mustBeNew: false };

/** The library tells its errors by identity; what it does not know becomes a 500, never a 404. */
function toLibraryError(error: unknown): Error {
  if (isDriveError(error, 'not-found', 'not-a-folder')) return v2.Errors.ResourceNotFound;
  if (isDriveError(error, 'forbidden', 'blocked')) return v2.Errors.Forbidden;
  if (isDriveError(error, 'drive-locked')) return v2.Errors.Locked;
  if (isDriveError(error, 'already-exists')) return v2.Errors.ResourceAlreadyExists;
  return error instanceof Error ? error : new Error(String(error));
}

/** Those of the library belong to users and not to tokens: ours are kept where its callers do not look. */
const NO_LOCKS: v2.ILockManager = {
  getLocks: (callback) => callback(undefined, []),
  getLock: (_uuid, callback) => callback(v2.Errors.ResourceNotFound),
  setLock: (_lock, callback) => callback(v2.Errors.Forbidden),
  removeLock: (_uuid, callback) => callback(v2.Errors.Forbidden),
  refresh: (_uuid, _timeoutS, callback) => callback(v2.Errors.Forbidden),
};

const NO_PROPERTIES: v2.IPropertyManager = {
  getProperties: (callback) => callback(undefined, {}),
  getProperty: (_name, callback) => callback(v2.Errors.PropertyNotFound),
  setProperty: (_name, _value, _attributes, callback) => callback(v2.Errors.Forbidden),
  removeProperty: (_name, callback) => callback(v2.Errors.Forbidden),
};

/** The library can save its filesystems; of this one there is nothing to save. */
const SERIALIZER: v2.FileSystemSerializer = {
  uid: () => 'alidav',
  serialize: (_fileSystem, callback) => callback(undefined, {}),
  unserialize: (_data, callback) => callback(v2.Errors.InvalidOperation),
};
