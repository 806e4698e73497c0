import type { OnChanged, Origin } from '../drive/change.ts';
import type { Target } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { DriveError, isDriveError, toUnrecorded } from '../drive/errors.ts';
import { makeLocalEntry } from '../drive/local-entry.ts';
import type { Logger } from '../log.ts';
import type { Journal } from '../state/journal.ts';
import type { ClaimNames } from './upload-pending.ts';

/** What made an empty file: a PUT without a body, or a LOCK on a free name (RFC 4918 §7.3). */
export type HeldOrigin = 'put' | 'lock';

/** A free name in a folder. */
export interface HeldSlot {
  readonly parent: EntryKey;
  /** As the service is to have it. */
  readonly name: string;
  /** Where locks are looked for. */
  readonly path: string;
}

export interface HeldRecord {
  readonly slot: HeldSlot;
  readonly by: HeldOrigin;
  readonly entry: Entry;
}

export interface HeldFilesDeps {
  readonly journal: () => Promise<Journal<HeldRecord>>;
  /** `Uploads.createEmpty`, which calls `consumed` by itself. */
  readonly createEmpty: (target: Target, held: Entry, signal?: AbortSignal) => Promise<Entry>;
  readonly onChanged: OnChanged;
  readonly claim: ClaimNames;
  readonly isLocked: (path: string) => Promise<boolean>;
  readonly now: () => number;
  readonly log: Logger;
  readonly holdMs?: number;
}

interface HeldFile extends HeldRecord {
  slot: HeldSlot;
  readonly recordId: string;
  timer: NodeJS.Timeout | undefined;
  failures: number;
}

const HOLD_MS = 10_000;
/** How soon after a look that found it locked. */
const LOOK_AGAIN_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

/** The service has no place for the file any more, or will never take it. */
const HOPELESS = ['already-exists', 'not-found', 'not-a-folder', 'is-a-folder', 'name-refused'] as const;

/**
 * Empty files that live with us alone for a moment, because what is in them follows: WebDAVFS, the Windows client and Office
 * create a file empty before they send it, and in the drive every such file would be one more in the recycle bin.
 */
export class HeldFiles {
  readonly #deps: HeldFilesDeps;
  readonly #holdMs: number;
  readonly #files = new Map<string, HeldFile>();
  readonly #stopping = new AbortController();
  readonly #working = new Set<Promise<void>>();

  constructor(deps: HeldFilesDeps) {
    this.#deps = deps;
    this.#holdMs = deps.holdMs ?? HOLD_MS;
  }

  /** The caller has claimed the name. Resolves when the file would survive a crash and is seen. */
  async hold(slot: HeldSlot, by: HeldOrigin): Promise<Entry> {
    const { now, journal, onChanged } = this.#deps;
    const { parent, name, path } = slot;
    const key = { driveId: parent.driveId, id: parent.id };
    const entry = makeLocalEntry('held', key, name, { kind: 'file', at: now() });
    const record: HeldRecord = { slot: { parent: key, name, path }, by, entry };
    const recordId = await (await journal()).add(record).catch((error: unknown) => {
      throw toUnrecorded(error);
    });
    this.#keep(record, recordId);
    await onChanged({ removed: [], placed: [entry] });
    return entry;
  }

  /** undefined for an entry that is not held (any more). */
  originOf(entry: Pick<Entry, 'id'>): HeldOrigin | undefined {
    return this.#files.get(entry.id)?.by;
  }

  /** Its content has followed, as `real`, or it was deleted; the drive is not asked. Doing it again is harmless. */
  async consumed(entry: Entry, real?: Entry): Promise<void> {
    const file = this.#files.get(entry.id);
    if (!file) return;
    const { onChanged, journal } = this.#deps;
    clearTimeout(file.timer);
    this.#files.delete(entry.id);
    try {
      const origins: Origin[] = real ? [{ how: 'overwritten', from: entry, to: real }] : [];
      await onChanged({ removed: [entry], placed: [], origins });
      await (await journal()).remove(file.recordId);
    } catch (error) {
      this.#files.set(entry.id, file);
      this.#arm(file, LOOK_AGAIN_MS);
      throw error;
    }
  }

  /**
   * Creates it in the drive now, for a MOVE or COPY that needs it there. The caller has claimed the name.
   * @throws DriveError `not-found` when it is not held; what the drive refuses with
   */
  async flush(entry: Entry, signal?: AbortSignal): Promise<Entry> {
    const file = this.#files.get(entry.id);
    if (!file) throw new DriveError('not-found', 'The file is gone.');
    const { parent, name } = file.slot;
    try {
      const real = await this.#deps.createEmpty({ parent, name }, file.entry, signal);
      await this.consumed(file.entry, real);
      return real;
    } catch (error) {
      // Whoever was faster has a file there: ours was empty.
      if (isDriveError(error, ...HOPELESS)) await this.consumed(file.entry);
      throw error;
    }
  }

  /** Creates all that are held below a folder, as the service has to know of them when it copies the folder. */
  async flushBelow(path: string, signal?: AbortSignal): Promise<void> {
    for (const file of this.#below(path)) {
      const { parent, name } = file.slot;
      const release = await this.#deps.claim([{ folder: parent, name }], signal);
      try {
        if (this.#files.get(file.entry.id) === file) await this.flush(file.entry, signal);
      } catch (error) {
        if (!isDriveError(error, ...HOPELESS)) throw error;
      } finally {
        release();
      }
    }
  }

  /** A folder has a new place, and with it what is held below. */
  async moved(from: string, to: string): Promise<void> {
    const journal = await this.#deps.journal();
    for (const file of this.#below(from)) {
      file.slot = { ...file.slot, path: to + file.slot.path.slice(from.length) };
      const { slot, by, entry } = file;
      await journal.update(file.recordId, { slot, by, entry });
    }
  }

  /** A lock has gone: what was held for as long as it stood has its time now. */
  unlocked(path: string): void {
    for (const file of this.#files.values()) if (file.slot.path === path) this.#arm(file, this.#dueInMs(file));
  }

  /** After a start: all are seen again, and go on to wait. To be called before uploads are recovered. */
  async load(): Promise<void> {
    const records = await (await this.#deps.journal()).list();
    const fresh = records.filter(({ value }) => !this.#files.has(value.entry.id));
    for (const { id, value } of fresh) this.#keep(value, id);
    if (fresh.length > 0) await this.#deps.onChanged({ removed: [], placed: fresh.map(({ value }) => value.entry) });
  }

  /** What is still held stays in the journal. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const file of this.#files.values()) clearTimeout(file.timer);
    await Promise.allSettled(this.#working);
  }

  #below(path: string): HeldFile[] {
    return [...this.#files.values()].filter(({ slot }) => slot.path.startsWith(`${path}/`));
  }

  #keep(record: HeldRecord, recordId: string): void {
    const file: HeldFile = { ...record, recordId, timer: undefined, failures: 0 };
    this.#files.set(record.entry.id, file);
    this.#arm(file, this.#dueInMs(file));
  }

  #dueInMs({ entry }: HeldRecord): number {
    return Math.min(this.#holdMs, Math.max(0, entry.createdAt + this.#holdMs - this.#deps.now()));
  }

  #arm(file: HeldFile, delayMs: number): void {
    clearTimeout(file.timer);
    if (this.#stopping.signal.aborted) return;
    file.timer = setTimeout(() => {
      const work = this.#attend(file).catch((error: unknown) => this.#putOff(file, error));
      this.#working.add(work);
      void work.finally(() => this.#working.delete(work));
    }, delayMs).unref();
  }

  async #attend(file: HeldFile): Promise<void> {
    const { isLocked, claim } = this.#deps;
    const { parent, name, path } = file.slot;
    if (await isLocked(path)) return this.#arm(file, LOOK_AGAIN_MS);
    const release = await claim([{ folder: parent, name }], this.#stopping.signal);
    try {
      // Its content may have come while we waited for the name, or a lock.
      if (this.#files.get(file.entry.id) !== file) return;
      if (await isLocked(path)) return this.#arm(file, LOOK_AGAIN_MS);
      await this.flush(file.entry, this.#stopping.signal);
    } finally {
      release();
    }
  }

  #putOff(file: HeldFile, error: unknown): void {
    if (isDriveError(error, ...HOPELESS)) {
      this.#deps.log.info({ err: error }, 'an empty file was given up: its place is taken or gone');
      return;
    }
    if (this.#files.get(file.entry.id) !== file) return;
    this.#deps.log.warn({ err: error }, 'an empty file could not be created yet');
    this.#arm(file, Math.min(LONGEST_RETRY_MS, LOOK_AGAIN_MS * 2 ** file.failures++));
  }
}
