import { tallyLike } from '../drive/call-signal.ts';
import type { ReadDrive } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { isDriveError } from '../drive/errors.ts';
import { LISTING_LAG_MS } from '../drive/listing-lag.ts';
import type { FolderGuards } from './guards.ts';
import type { Listing } from './listing.ts';
import { agrees, judge, type OwnWrite, type OwnWrites } from './own-writes.ts';

/** What a fetch of a folder's listing needs to know of our writes there. */
export interface FetchOverlayDeps {
  readonly drive: Pick<ReadDrive, 'fetchEntry'>;
  readonly folder: EntryKey;
  readonly writes: OwnWrites;
  readonly findGuards: () => FolderGuards | undefined;
  readonly findLocal: () => Iterable<Entry>;
  /** A write that proved to be overtaken by a change elsewhere; `shown` is what stands in the folder now. */
  readonly onOvertaken: (write: OwnWrite, shown: Entry | undefined) => void;
  /** A write that the service's listing shows by itself. */
  readonly onConfirmed: (write: OwnWrite) => void;
  readonly now: () => number;
}

/** A listing that lags behind thousands of our writes must not cost thousands of calls: the others are believed until the next. */
const MOST_QUESTIONS = 50;
const QUESTIONS_AT_A_TIME = 4;
/** Longer than this no listing waits for all of its questions. */
const PATIENCE_MS = 10_000;

/**
 * Lays our own writes over one fetch of a folder's listing, page by page. Asking and applying are apart: what is applied takes
 * effect at once, so that a write in between is not lost. A folder without writes of ours costs nothing.
 */
export class FetchOverlay {
  readonly #deps: FetchOverlayDeps;
  readonly #begunAt: number;
  readonly #begunTurn: number;
  /** What stands in the folder instead of a write that did not hold, by id. */
  readonly #overtaken = new Map<string, Entry | undefined>();
  readonly #asked = new Set<string>();
  /** What pages have told of our writes. */
  readonly #agreeing = new Set<OwnWrite>();
  readonly #contradicted = new Set<string>();
  /** What pages have of entries that readers may be to see under the name that they had. */
  readonly #renamed: Entry[] = [];
  #questionsLeft = MOST_QUESTIONS;
  #patience: AbortSignal | undefined;
  #cannotAsk = false;

  constructor(deps: FetchOverlayDeps) {
    this.#deps = deps;
    this.#begunAt = deps.now();
    this.#begunTurn = deps.writes.turn;
  }

  /** To be taken before a page is asked for: writes after it are newer than what the page tells. */
  get turn(): number {
    return this.#deps.writes.turn;
  }

  /** Whether readers were told of something else than the service's listing and our writes have: its pages say too little. */
  get isCorrected(): boolean {
    return this.#renamed.length > 0 || this.#overtaken.size > 0;
  }

  /** Epoch ms. */
  get begunAt(): number {
    return this.#begunAt;
  }

  /** Looks up what a page contradicts; never fails. */
  async settle(page: readonly Entry[], turn: number, signal: AbortSignal): Promise<void> {
    const writes = this.#deps.writes.ofFolder(this.#deps.folder);
    if (!writes) return;
    const doubtful = page.flatMap((listed) => {
      const write = writes.get(listed.id);
      return write && write.turn <= turn && !agrees(listed, write) ? write : [];
    });
    await this.#ask(doubtful, true, signal);
  }

  /** The page as it is with our writes. */
  apply(page: readonly Entry[], turn: number): readonly Entry[] {
    const writes = this.#deps.writes.ofFolder(this.#deps.folder);
    const guards = this.#deps.findGuards();
    if (!writes && !guards && this.#overtaken.size === 0) return page;
    return page.flatMap((listed) => {
      const pinned = guards?.findPinned(listed.id);
      if (pinned && pinned.name !== listed.name) {
        // Which of its names readers are to see depends on what other pages have.
        this.#renamed.push(listed);
        return [];
      }
      const write = writes?.get(listed.id);
      if (write) return this.#applyWrite(listed, write, turn);
      return (this.#overtaken.has(listed.id) ? this.#overtaken.get(listed.id) : listed) ?? [];
    });
  }

  /** After the last page: looks up what no page had. */
  async settleMissing(listing: Listing, signal: AbortSignal): Promise<void> {
    const writes = this.#deps.writes.ofFolder(this.#deps.folder);
    if (writes) await this.#ask(this.#missing(writes, listing), false, signal);
    for (const { name, visibleId, pinned } of this.#deps.findGuards()?.watched() ?? []) {
      if (listing.has(visibleId) || this.#renamed.some(({ id }) => id === visibleId)) continue;
      // A listing that has what came later would have what was there before: it is gone, and this stands in its place, whether
      // or not its writer knows already.
      const successor = this.#renamed.find((entry) => entry.name === name) ?? listing.findHidden(name);
      if (!successor && (!pinned || this.#cannotAsk || !(await this.#isGone(pinned, signal)))) continue;
      this.#overtaken.set(visibleId, undefined);
      if (successor) listing.put(successor);
    }
  }

  /** What is there and was on no page: our own writes, and what lives with us. */
  missing(listing: Listing): readonly Entry[] {
    const { writes, folder, findGuards, findLocal } = this.#deps;
    const entries = new Map<string, Entry>();
    const add = (entry: Entry): void => {
      if (!listing.has(entry.id) && !this.#overtaken.has(entry.id)) entries.set(entry.id, entry);
    };
    for (const entry of findLocal()) add(entry);
    for (const entry of findGuards()?.pinned() ?? []) add(entry);
    for (const { state, entry } of writes.ofFolder(folder)?.values() ?? []) {
      if (state === 'present') add(entry);
    }
    return [...entries.values()];
  }

  /**
   * The listing is complete, and a restart would bring back none that is older: what it tells by itself, and not merely since a
   * moment ago, needs no memory of ours.
   */
  confirm(): void {
    const { writes, folder, onConfirmed } = this.#deps;
    for (const write of [...(writes.ofFolder(folder)?.values() ?? [])]) {
      if (this.#begunAt - write.writtenAt < LISTING_LAG_MS) continue;
      const isTold = write.state === 'present' ? this.#agreeing.has(write) : !this.#contradicted.has(write.entry.id);
      if (isTold) onConfirmed(write);
    }
  }

  #applyWrite(listed: Entry, write: OwnWrite, turn: number): Entry | readonly Entry[] {
    if (write.state === 'absent') {
      this.#contradicted.add(listed.id);
      return [];
    }
    if (write.turn > turn || !agrees(listed, write)) return write.entry;
    this.#agreeing.add(write);
    return listed;
  }

  #missing(writes: ReadonlyMap<string, OwnWrite>, listing: Listing): OwnWrite[] {
    return [...writes.values()].filter(
      ({ state, turn, entry }) => state === 'present' && turn <= this.#begunTurn && !listing.has(entry.id),
    );
  }

  async #ask(doubtful: readonly OwnWrite[], isListed: boolean, signal: AbortSignal): Promise<void> {
    const guards = this.#deps.findGuards();
    const questions = doubtful
      .filter(({ entry }) => !this.#asked.has(entry.id) && !guards?.isBusy(entry.id))
      .slice(0, this.#questionsLeft);
    this.#questionsLeft -= questions.length;
    for (const { entry } of questions) this.#asked.add(entry.id);
    const waiting = questions.values();
    const askInTurn = async (): Promise<void> => {
      for (const write of waiting) {
        if (!this.#cannotAsk) await this.#askAbout(write, isListed, signal);
      }
    };
    await Promise.all(Array.from({ length: Math.min(QUESTIONS_AT_A_TIME, questions.length) }, askInTurn));
  }

  async #askAbout(write: OwnWrite, isListed: boolean, signal: AbortSignal): Promise<void> {
    const { writes, onOvertaken, now } = this.#deps;
    const found = await this.#fetch(write.entry, signal);
    if (found === 'unknown' || writes.find(write.entry) !== write) return;
    const verdict = judge(write, found, isListed, now());
    if (verdict.holds) {
      if (write.state === 'present') writes.confirm(write, verdict.entry);
      return;
    }
    this.#overtaken.set(write.entry.id, verdict.shown);
    onOvertaken(write, verdict.shown);
  }

  /** What a writer works on may have left its folder for good in the meantime, also by the writer's doing. */
  async #isGone(entry: Entry, signal: AbortSignal): Promise<boolean> {
    const found = await this.#fetch(entry, signal);
    return !found || (found !== 'unknown' && found.trashed);
  }

  async #fetch(entry: Entry, signal: AbortSignal): Promise<Entry | undefined | 'unknown'> {
    this.#patience ??= tallyLike(AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]), signal);
    try {
      return await this.#deps.drive.fetchEntry(entry, this.#patience);
    } catch (error) {
      if (isDriveError(error, 'not-found')) return undefined;
      // Whatever kept us from asking says nothing about the entry, and would keep us from asking for the others.
      this.#cannotAsk = true;
      return 'unknown';
    }
  }
}
