import { Readable } from 'node:stream';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import { localKindOf } from '../drive/local-entry.ts';
import type { ClaimedName, NameClaims } from './name-claims.ts';
import type { TreeNode } from './node.ts';
import type { Paths } from './operation-record.ts';
import type { Slot } from './slot.ts';

/** A body as it comes, and what is known of it beforehand. */
export interface WriterBody {
  readonly stream: Readable;
  readonly sizeBytes: number | undefined;
  /** SHA-1, upper-case hex, as the client announced it. */
  readonly contentHash: string | undefined;
}

/** Where something of the drive goes, and what gives way to it. */
interface Target {
  readonly parent: EntryKey;
  readonly name: string;
  readonly replaces: Entry | undefined;
}

interface WriteConditions {
  /** Rejects with `already-exists` rather than replace what nobody knew of. */
  readonly mustBeNew?: boolean;
  /** Asked when the body is whole and before it is seen; what it rejects with ends the upload. */
  readonly mayAppear?: (() => Promise<void>) | undefined;
  /** What the body is a copy of. */
  readonly copyOf?: Entry;
}

/** Bytes into the drive. */
interface UploadPort {
  upload(
    request: WriteConditions & {
      readonly target: Target;
      readonly sizeBytes: number | undefined;
      readonly contentHash: string | undefined;
      /** The empty file that waits for this content; it goes as the content comes. */
      readonly held: Entry | undefined;
    },
    body: Readable,
    signal?: AbortSignal,
  ): Promise<Entry>;
  /** Brings what an interrupted upload left at these names to its end. */
  settleAt(names: readonly ClaimedName[]): Promise<void>;
}

/** Empty files that wait for their content. */
interface HeldFilesPort {
  hold(
    place: { readonly parent: EntryKey; readonly name: string; readonly path: string },
    by: 'put' | 'lock',
  ): Promise<Entry>;
  originOf(entry: Entry): 'put' | 'lock' | undefined;
  /** Another entry has taken its place, or it was deleted. */
  consumed(entry: Entry, real?: Entry): Promise<void>;
  /** Makes it a file of the drive now. */
  flush(entry: Entry): Promise<Entry>;
  /** The same for all below a folder, by path. */
  flushBelow(path: string): Promise<void>;
  /** A folder has a new path. */
  moved(from: string, to: string): Promise<void>;
}

interface OperationsPort {
  createFolder(slot: Slot): Promise<Entry>;
  remove(entry: Entry, path: string): Promise<void>;
  move(entry: Entry, target: Target, paths: Paths): Promise<Entry>;
  copy(entry: Entry, target: Target, depth: '0' | 'infinity', targetPath: string): Promise<Entry>;
  /** Brings what an interrupted operation left at these names to its end. */
  settleAt(names: readonly ClaimedName[]): Promise<void>;
}

/** What is kept with us and never sent to the drive. */
interface JunkPort {
  /** Whether what is put there is junk: by its name, where the drive has no entry of it, or because its folder is. */
  takes(slot: Slot): boolean;
  /** @returns undefined, with nothing read, for a body that is too large to be kept */
  write(parent: EntryKey, name: string, body: Readable, sizeBytes: number | undefined): Promise<Entry | undefined>;
  makeFolder(parent: EntryKey, name: string): Promise<Entry>;
  open(entry: Entry, start: number, end: number): Readable;
  move(entry: Entry, parent: EntryKey, name: string): Promise<Entry>;
  copy(entry: Entry, parent: EntryKey, name: string): Promise<Entry>;
  remove(entry: Entry): Promise<void>;
  /** Forgets what was kept in a folder of the drive that is no more. */
  purgeFolder(folder: EntryKey): Promise<void>;
  /** A folder of the drive is another one now, with what is kept in it. */
  moveFolder(from: EntryKey, to: EntryKey): Promise<void>;
  /** Copies what is kept in a folder of the drive into another one, as far as there is room. */
  copyWithin(from: EntryKey, to: EntryKey): Promise<void>;
}

export interface DriveWriterDeps {
  readonly claims: Pick<NameClaims, 'claim'>;
  readonly uploads: UploadPort;
  readonly held: HeldFilesPort;
  readonly operations: OperationsPort;
  readonly junk: JunkPort;
  /** Counts what was written until the service is asked again. */
  readonly noteWritten: (bytes: number) => void;
}

/**
 * Writes by place, whatever is there and wherever it lives: in the drive, in the junk sink, or held back with us. Whoever
 * calls has claimed the places and decided that what is there may go.
 */
export class DriveWriter {
  readonly #deps: DriveWriterDeps;

  constructor(deps: DriveWriterDeps) {
    this.#deps = deps;
  }

  /** Nobody builds on what is not settled: what was interrupted at one of the places is brought to its end first. */
  async claim(slots: readonly Slot[], signal?: AbortSignal): Promise<() => void> {
    const { claims, uploads, operations } = this.#deps;
    const names = slots.map(({ parent, serviceName }) => ({ folder: keyOf(parent), name: serviceName }));
    const release = await claims.claim(names, signal);
    try {
      await uploads.settleAt(names);
      await operations.settleAt(names);
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** @throws DriveError what the upload fails with; `forbidden` beside the drives' own folders */
  async write(
    slot: Slot,
    body: WriterBody,
    { mayHold, ...conditions }: Omit<WriteConditions, 'copyOf'> & { readonly mayHold: boolean },
    signal?: AbortSignal,
  ): Promise<Entry> {
    const { junk, held } = this.#deps;
    if (junk.takes(slot)) {
      const kept = await junk.write(keyOf(slot.parent), slot.serviceName, body.stream, body.sizeBytes);
      if (kept) return kept;
    }
    requireDrive(slot);
    const there = slot.node?.entry;
    if (mayHold && body.sizeBytes === 0 && (!there || isHeld(there))) {
      return there ?? held.hold(toPlace(slot), 'put');
    }
    return this.#upload(slot, body, conditions, signal);
  }

  /** An empty file that waits for its content, at a free place. */
  async hold(slot: Slot): Promise<Entry> {
    const { junk, held } = this.#deps;
    const kept = junk.takes(slot)
      ? await junk.write(keyOf(slot.parent), slot.serviceName, Readable.from([]), 0)
      : undefined;
    if (kept) return kept;
    requireDrive(slot);
    return held.hold(toPlace(slot), 'lock');
  }

  createFolder(slot: Slot): Promise<Entry> {
    const { junk, operations } = this.#deps;
    if (junk.takes(slot)) return junk.makeFolder(keyOf(slot.parent), slot.serviceName);
    requireDrive(slot);
    return operations.createFolder(slot);
  }

  async remove(slot: Slot): Promise<void> {
    const { junk, held, operations } = this.#deps;
    const entry = entryOf(slot);
    switch (localKindOf(entry)) {
      case 'junk':
        return junk.remove(entry);
      case 'held':
        return held.consumed(entry);
    }
    requireDrive(slot);
    await operations.remove(entry, slot.path);
    if (entry.kind === 'folder') await junk.purgeFolder(entry);
  }

  async move(source: Slot, target: Slot): Promise<Entry> {
    const { junk, held, operations } = this.#deps;
    const entry = entryOf(source);
    if (localKindOf(entry) === 'junk') return this.#moveJunk(entry, target);
    requireDrive(source);
    requireDrive(target);
    // Into another drive, what is in a folder is copied.
    if (entry.driveId !== target.parent.entry.driveId) await held.flushBelow(source.path);
    const paths = { path: source.path, targetPath: target.path };
    const moved = await operations.move(await this.#toDrive(entry), toTarget(target), paths);
    if (entry.kind === 'folder') await held.moved(source.path, target.path);
    await this.#clear(target, moved);
    if (entry.kind === 'folder' && moved.id !== entry.id) await junk.moveFolder(entry, moved);
    return moved;
  }

  async copy(source: Slot, target: Slot, depth: '0' | 'infinity'): Promise<Entry> {
    const { junk, held, operations, noteWritten } = this.#deps;
    const entry = entryOf(source);
    if (localKindOf(entry) === 'junk') return this.#copyJunk(entry, target);
    requireDrive(source);
    requireDrive(target);
    if (entry.kind === 'folder' && depth === 'infinity') await held.flushBelow(source.path);
    const copy = await operations.copy(await this.#toDrive(entry), toTarget(target), depth, target.path);
    noteWritten(copy.sizeBytes);
    if (entry.kind === 'folder' && depth === 'infinity') await junk.copyWithin(entry, copy);
    await this.#clear(target, copy);
    return copy;
  }

  /** Of junk nobody remembers who made it empty. */
  isLockPlaceholder(entry: Entry): boolean {
    const isEmptyJunk = localKindOf(entry) === 'junk' && entry.kind === 'file' && entry.sizeBytes === 0;
    return isEmptyJunk || this.#deps.held.originOf(entry) === 'lock';
  }

  async #upload(
    slot: Slot,
    { stream, sizeBytes, contentHash }: WriterBody,
    conditions: WriteConditions,
    signal?: AbortSignal,
  ): Promise<Entry> {
    const { uploads, noteWritten } = this.#deps;
    const there = slot.node?.entry;
    const held = there && isHeld(there) ? there : undefined;
    const request = { target: toTarget(slot), sizeBytes, contentHash, held, ...conditions };
    const entry = await uploads.upload(request, stream, signal);
    noteWritten(entry.sizeBytes);
    await this.#clear(slot, entry);
    return entry;
  }

  /** What lived with us at a place that something of the drive has taken. */
  async #clear({ node }: Slot, successor: Entry): Promise<void> {
    if (!node) return;
    const { junk, held } = this.#deps;
    const kind = localKindOf(node.entry);
    if (kind === 'held') await held.consumed(node.entry, successor);
    if (kind === 'junk') await junk.remove(node.entry);
  }

  async #toDrive(entry: Entry): Promise<Entry> {
    return isHeld(entry) ? this.#deps.held.flush(entry) : entry;
  }

  /** Office saves under a name that is junk and then gives it the document's. */
  async #moveJunk(entry: Entry, target: Slot): Promise<Entry> {
    const { junk } = this.#deps;
    if (junk.takes(target)) return junk.move(entry, keyOf(target.parent), target.serviceName);
    const uploaded = await this.#uploadJunk(entry, target);
    await junk.remove(entry);
    return uploaded;
  }

  #copyJunk(entry: Entry, target: Slot): Promise<Entry> {
    const { junk } = this.#deps;
    if (junk.takes(target)) return junk.copy(entry, keyOf(target.parent), target.serviceName);
    return this.#uploadJunk(entry, target);
  }

  async #uploadJunk(entry: Entry, target: Slot): Promise<Entry> {
    requireDrive(target);
    if (entry.kind === 'folder') {
      throw new DriveError(
        'forbidden',
        'This folder is kept by alidav, not by the drive: its files can be moved one by one.',
      );
    }
    const { sizeBytes, contentHash } = entry;
    const stream = this.#deps.junk.open(entry, 0, sizeBytes);
    try {
      return await this.#upload(target, { stream, sizeBytes, contentHash }, { copyOf: entry });
    } finally {
      stream.destroy();
    }
  }
}

function entryOf({ node, path }: Slot): Entry {
  if (!node) throw new DriveError('not-found', `There is nothing at ${path}.`);
  return node.entry;
}

function keyOf({ entry: { driveId, id } }: TreeNode): EntryKey {
  return { driveId, id };
}

function toPlace({ parent, serviceName, path }: Slot) {
  return { parent: keyOf(parent), name: serviceName, path };
}

function toTarget(slot: Slot): Target {
  const there = slot.node?.entry;
  const replaces = there && localKindOf(there) === undefined ? there : undefined;
  return { parent: keyOf(slot.parent), name: slot.serviceName, replaces };
}

function isHeld(entry: Entry): boolean {
  return localKindOf(entry) === 'held';
}

/** Above several drives there is no drive that could hold anything, and the drives' own folders stay. */
function requireDrive({ parent }: Slot): void {
  if (parent.entry.driveId === '') {
    throw new DriveError('forbidden', 'The drives’ own folders cannot be changed, and nothing can be put beside them.');
  }
  // The oldest of it makes room: that is no place for what is in the drive.
  if (localKindOf(parent.entry) === 'junk') {
    throw new DriveError('forbidden', 'This folder is kept by alidav, not by the drive, and takes small files alone.');
  }
}
