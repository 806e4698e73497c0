import type { Readable } from 'node:stream';
import type { Quota } from '../drive/drive.ts';
import type { Entry } from '../drive/entry.ts';
import type { ReadOptions, TreeNode } from '../tree/node.ts';
import type { Slot } from '../tree/slot.ts';

/** The drive by path, as the protocol reads it. */
export interface Tree {
  /** @throws DriveError `not-found` or `not-a-folder` when that is proven, another when it is not. */
  get(path: string, options: ReadOptions, signal?: AbortSignal): Promise<TreeNode>;
  /** What `get` would give, where nothing has to be waited for; undefined says nothing. */
  getAtOnce(path: string, options: ReadOptions): TreeNode | undefined;
  /** From memory alone, at once; undefined says nothing about whether it exists. */
  peek(path: string): TreeNode | undefined;
  /** Of a drive's folders, as far as they are remembered: the id of the folder that each is in, by its own. */
  findParents(driveId: string): ReadonlyMap<string, string>;
  /** Pages as they arrive; a listing in memory comes as one. */
  list(folder: TreeNode, options: ReadOptions, signal?: AbortSignal): AsyncIterable<readonly TreeNode[]>;
  /** undefined when it is not known; rejects only when aborted. */
  getQuota(signal?: AbortSignal): Promise<Quota | undefined>;
  /** The same for whoever would refuse something because of it: of this moment, at the cost of a call. */
  getFreshQuota(signal?: AbortSignal): Promise<Quota | undefined>;
  /**
   * The place that a path names, whether or not something is there; never that of the root.
   * @throws DriveError `not-found` or `not-a-folder` for the parent, `name-refused`
   */
  locate(path: string, signal?: AbortSignal): Promise<Slot>;
}

/** A request's body and what is known of it beforehand. */
export interface IncomingBody {
  readonly stream: Readable;
  readonly sizeBytes: number | undefined;
  /** SHA-1, upper-case hex. */
  readonly contentHash: string | undefined;
}

export interface WriteOptions {
  /** An empty body is the beginning of more, as some clients send it: it need not reach the drive at once. */
  readonly mayHold: boolean;
  /** Whoever asks wants nothing replaced, not even what nobody here knew of: `already-exists` then. */
  readonly mustBeNew: boolean;
  /** Asked when the body is whole, which may be hours later, and before it is seen; rejects where it must not be any more. */
  readonly mayAppear?: (() => Promise<void>) | undefined;
}

/** The drive by place, as the protocol writes it. Whoever calls has claimed the places; all but `write` go on to their end. */
export interface Writer {
  /** Keeps other writers off these places until the result is called. */
  claim(slots: readonly Slot[], signal?: AbortSignal): Promise<() => void>;
  write(slot: Slot, body: IncomingBody, options: WriteOptions, signal?: AbortSignal): Promise<Entry>;
  /** An empty file that waits for its content. */
  hold(slot: Slot): Promise<Entry>;
  createFolder(slot: Slot): Promise<Entry>;
  remove(slot: Slot): Promise<void>;
  move(source: Slot, target: Slot): Promise<Entry>;
  copy(source: Slot, target: Slot, depth: '0' | 'infinity'): Promise<Entry>;
  /** Whether an entry is an empty file that a LOCK may have made, and that nobody has put anything into yet. */
  isLockPlaceholder(entry: Entry): boolean;
}
