import { Background } from '../drive/call-signal.ts';
import type { Target } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import type { Journal, JournalRecord } from '../state/journal.ts';
import { Placement } from './upload-placement.ts';
import { KeptRecord, type PendingUpload, type UploadRecord } from './upload-record.ts';
import { type RecoveryDeps, recoverUpload } from './upload-recovery.ts';

/** Keeps other writers off these names until the result is called. */
export type ClaimNames = (
  names: readonly { readonly folder: EntryKey; readonly name: string }[],
  signal?: AbortSignal,
) => Promise<() => void>;

export interface PendingDeps {
  readonly journal: () => Promise<Journal<UploadRecord>>;
  readonly claim: ClaimNames;
}

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;
/** After so many in a row the service is taken to be away, and names are not kept from their writers by asking on. */
const MAX_FAILURES = 3;

/** Uploads whose end is not known or not reached: of an earlier process, or of this one when the service failed it. */
export class PendingUploads {
  readonly #deps: RecoveryDeps;
  readonly #journal: PendingDeps['journal'];
  readonly #claim: ClaimNames;
  /** With what their recovery does in the background, until somebody waits for it. */
  readonly #placements = new Map<Placement, Background>();
  #restored: Promise<void> | undefined;
  #deadOwners: readonly JournalRecord<UploadRecord>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #rounds = 0;
  #isStopped = false;

  constructor(deps: RecoveryDeps, { journal, claim }: PendingDeps) {
    this.#deps = deps;
    this.#journal = journal;
    this.#claim = claim;
  }

  add(placement: Placement): void {
    this.#placements.set(placement, this.#newWork());
    this.#schedule();
  }

  /** Reads the journal, once. */
  restore(): Promise<void> {
    this.#restored ??= this.reload().catch((error: unknown) => {
      this.#restored = undefined;
      throw error;
    });
    return this.#restored;
  }

  /** Reads the journal again, which may have been given records of a process that is no more. */
  async reload(): Promise<void> {
    const records = await (await this.#journal()).list();
    const owner = this.#deps.spool.blobs.owner;
    this.#deadOwners = records.filter(({ value }) => value.kind === 'spool' && value.owner !== owner);
    for (const { id, value, isOwn } of records) {
      if (isOwn || value.kind !== 'upload' || this.#has(id)) continue;
      const work = this.#newWork();
      const placement = new Placement(this.#depsOf(work), new KeptRecord(this.#journal, value, id));
      placement.guard();
      this.#placements.set(placement, work);
    }
  }

  async recover(): Promise<void> {
    await this.restore();
    await this.#attend();
  }

  /**
   * Brings to its end what is pending under a name that its caller has claimed.
   * @param isUrgent what is not to be seen yet is taken for absent
   * @returns the entry that came of it, which the caller cannot know of
   * @throws DriveError when it is still not known what stands there
   */
  async settleNamed({ parent, name }: Pick<Target, 'parent' | 'name'>, isUrgent: boolean): Promise<Entry | undefined> {
    let made: Entry | undefined;
    for (const placement of [...this.#placements.keys()]) {
      const { target, isShown } = placement.record.value;
      if (target.name !== name || target.parent.id !== parent.id || target.parent.driveId !== parent.driveId) continue;
      try {
        this.#placements.get(placement)?.raise();
        const entry = await this.#settle(placement, isUrgent);
        if (!isShown) made = entry ?? made;
      } catch (error) {
        // What was replaced stands in nobody's way.
        if (!placement.record.value.isShown) throw error;
        if (!isShown) made = placement.record.value.made ?? made;
      }
    }
    return made;
  }

  /** Waits for what is under way; the rest stays in the journal. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#working?.catch(() => {});
  }

  #has(id: string): boolean {
    return [...this.#placements.keys()].some(({ record }) => record.id === id);
  }

  async #attend(): Promise<void> {
    const round = (this.#working ?? Promise.resolve()).then(() => this.#work());
    this.#working = round;
    await round;
  }

  async #work(): Promise<void> {
    let failures = 0;
    for (const [placement, work] of [...this.#placements]) {
      if (this.#isStopped) return;
      if (failures === MAX_FAILURES) break;
      const { parent, name } = placement.record.value.target;
      try {
        const release = await this.#claim([{ folder: parent, name }], this.#deps.stopping);
        try {
          if (this.#placements.has(placement)) await this.#settle(placement, false);
        } finally {
          release();
        }
        failures = 0;
      } catch (error) {
        failures++;
        // The next round begins with others.
        if (this.#placements.delete(placement)) this.#placements.set(placement, work);
        this.#deps.log.warn({ err: error }, 'an interrupted upload has to wait');
      }
    }
    await this.#sweep().catch((error: unknown) =>
      this.#deps.log.warn({ err: error }, 'old bodies could not be removed'),
    );
    this.#rounds++;
    if (this.#placements.size === 0) this.#rounds = 0;
    this.#schedule();
  }

  async #settle(placement: Placement, isUrgent: boolean): Promise<Entry | undefined> {
    const work = this.#placements.get(placement) ?? this.#newWork();
    const entry = await recoverUpload(this.#depsOf(work), placement, isUrgent);
    // What still has a record has something left to do.
    if (placement.record.id === undefined) this.#placements.delete(placement);
    return entry;
  }

  #newWork(): Background {
    return new Background(AbortSignal.any([this.#deps.stopping]));
  }

  #depsOf({ signal }: Background): RecoveryDeps {
    return { ...this.#deps, stopping: signal };
  }

  /** Bodies of processes that are no more, and that no record speaks of. */
  async #sweep(): Promise<void> {
    if (this.#deadOwners.length === 0) return;
    const { blobs } = this.#deps.spool;
    const journal = await this.#journal();
    const wanted = new Set([...this.#placements.keys()].flatMap(({ record }) => namesOf(record.value)));
    for (const { id, value } of this.#deadOwners) {
      if (value.kind !== 'spool') continue;
      const left = (await blobs.list()).filter(({ name }) => name.startsWith(value.owner));
      for (const { name } of left) if (!wanted.has(name)) await blobs.remove(name);
      if (left.some(({ name }) => wanted.has(name))) continue;
      await journal.remove(id);
      this.#deadOwners = this.#deadOwners.filter((other) => other.id !== id);
    }
  }

  #schedule(): void {
    if (this.#isStopped || this.#placements.size === 0) return;
    clearTimeout(this.#timer);
    const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#rounds);
    this.#timer = setTimeout(() => void this.#attend(), delayMs).unref();
  }
}

function namesOf({ rest }: PendingUpload): string[] {
  return rest?.blobs.map(({ name }) => name) ?? [];
}
