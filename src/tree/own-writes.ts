import type { Entry, EntryKey } from '../drive/entry.ts';
import { LISTING_LAG_MS } from '../drive/listing-lag.ts';
import { isLivePhoto } from '../drive/live-photo.ts';
import { folderOf, toFolderKey } from './folder-key.ts';

/** From then on a listing is believed where the service has no other way to tell: the open API does not say what is in the bin. */
const BELIEVE_LISTING_MS = 10 * 60_000;
/** Far beyond any lag; what no listing has confirmed by then is forgotten. */
const KEPT_MS = 24 * 60 * 60_000;
/** About half a KiB each. */
const MOST_KEPT = 20_000;

/** What a write of ours left of an entry in a folder. */
export interface OwnWrite {
  readonly state: 'present' | 'absent';
  /** As we left it, or as it was when it went; under the folder that this is about. */
  readonly entry: Entry;
  /** Epoch ms, by our clock. */
  readonly writtenAt: number;
  /** It gave way to an equally named one and may stand beside that for as long as the service refuses to bin it. */
  readonly isReplaced: boolean;
  /** Its place in the order of writes and page calls. */
  readonly turn: number;
}

export type OwnWriteRecord = Omit<OwnWrite, 'turn'>;

export class OwnWrites {
  readonly #folders = new Map<string, Map<string, OwnWrite>>();
  /** In the order in which they were written. */
  readonly #all = new Set<OwnWrite>();
  #turn = 0;

  /** Writes from here on are later than what is asked now. */
  get turn(): number {
    return this.#turn;
  }

  ofFolder(folder: EntryKey): ReadonlyMap<string, OwnWrite> | undefined {
    return this.#folders.get(toFolderKey(folder));
  }

  find(entry: Entry): OwnWrite | undefined {
    return this.ofFolder(folderOf(entry))?.get(entry.id);
  }

  note(record: OwnWriteRecord): OwnWrite {
    return this.#put({ ...record, turn: ++this.#turn });
  }

  /** What an earlier process has written, unless we know better by now. */
  restore(record: OwnWriteRecord): void {
    if (!this.find(record.entry)) this.#put({ ...record, turn: 0 });
  }

  /** The same write, with the entry as the service tells it. */
  confirm(write: OwnWrite, entry: Entry): void {
    if (this.find(write.entry) !== write) return;
    this.#all.delete(write);
    this.#put({ ...write, entry });
  }

  /** @returns false when a later write has taken its place */
  forget(write: OwnWrite): boolean {
    const key = toFolderKey(folderOf(write.entry));
    const writes = this.#folders.get(key);
    if (writes?.get(write.entry.id) !== write) return false;
    writes.delete(write.entry.id);
    if (writes.size === 0) this.#folders.delete(key);
    return this.#all.delete(write);
  }

  /** The oldest of those that are too many or too old. */
  overdue(now: number): OwnWrite[] {
    const overdue: OwnWrite[] = [];
    for (const write of this.#all) {
      if (this.#all.size - overdue.length <= MOST_KEPT && now - write.writtenAt <= KEPT_MS) break;
      overdue.push(write);
    }
    return overdue;
  }

  #put(write: OwnWrite): OwnWrite {
    const key = toFolderKey(folderOf(write.entry));
    const writes = this.#folders.get(key) ?? new Map<string, OwnWrite>();
    this.#folders.set(key, writes);
    const before = writes.get(write.entry.id);
    if (before) this.#all.delete(before);
    writes.set(write.entry.id, write);
    this.#all.add(write);
    return write;
  }
}

/** Whether a listing shows what we wrote; what it leaves out contradicts nothing. */
export function agrees(listed: Entry, { state, entry }: OwnWrite): boolean {
  if (state === 'absent' || listed.parentId !== entry.parentId || listed.name !== entry.name) return false;
  if (listed.kind === 'folder' || entry.kind === 'folder') return listed.kind === entry.kind;
  // Their length is known only to who has asked for their streams.
  if (isLivePhoto(listed) || isLivePhoto(entry)) return true;
  const isHashEqual = !listed.contentHash || !entry.contentHash || listed.contentHash === entry.contentHash;
  return listed.sizeBytes === entry.sizeBytes && isHashEqual;
}

export type Verdict =
  | { readonly holds: true; readonly entry: Entry }
  /** Something has changed elsewhere since; `shown` is what stands in the folder now. */
  | { readonly holds: false; readonly shown: Entry | undefined };

/**
 * Decides between a listing and the write that it contradicts or lacks, by the entry itself.
 * @param found undefined when it is proven to be no more
 */
export function judge(write: OwnWrite, found: Entry | undefined, isListed: boolean, now: number): Verdict {
  return write.state === 'present' ? judgePresent(write, found, isListed, now) : judgeAbsent(write, found, now);
}

function judgePresent(write: OwnWrite, found: Entry | undefined, isListed: boolean, now: number): Verdict {
  const { entry, writtenAt } = write;
  const age = now - writtenAt;
  if (!found || found.trashed) return { holds: false, shown: undefined };
  if (agrees(found, write)) {
    return isListed || age < BELIEVE_LISTING_MS ? { holds: true, entry: found } : { holds: false, shown: undefined };
  }
  // Times of the service alone are compared, but an entry may bear one of ours: past the lag the service's word is enough.
  const isNews = found.updatedAt > entry.updatedAt || age >= LISTING_LAG_MS;
  if (!isNews) return { holds: true, entry };
  return { holds: false, shown: found.parentId === entry.parentId ? found : undefined };
}

/** The folder's listing shows what we moved away, replaced or deleted. */
function judgeAbsent({ entry, writtenAt, isReplaced }: OwnWrite, found: Entry | undefined, now: number): Verdict {
  const age = now - writtenAt;
  if (!found || found.trashed || found.parentId !== entry.parentId) return { holds: true, entry };
  const isBack =
    age >= LISTING_LAG_MS && found.updatedAt > entry.updatedAt && (!isReplaced || found.name === entry.name);
  const isBelieved = !isReplaced && age >= BELIEVE_LISTING_MS;
  return isBack || isBelieved ? { holds: false, shown: found } : { holds: true, entry };
}
