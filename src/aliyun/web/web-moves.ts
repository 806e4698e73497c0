import type { Target } from '../../drive/drive.ts';
import type { Entry } from '../../drive/entry.ts';
import { isDriveError } from '../../drive/errors.ts';
import { halfDone, type Moves, type MovesDeps, standsAt } from '../moves.ts';
import { asideName } from '../names.ts';

/** The web API moves, renames and swaps in one call. */
export class WebMoves implements Moves {
  readonly #deps: MovesDeps;

  constructor(deps: MovesDeps) {
    this.#deps = deps;
  }

  async move(entry: Entry, target: Target, signal?: AbortSignal): Promise<Entry> {
    if (standsAt(entry, target)) return entry;
    const { replaces } = target;
    if (!replaces || replaces.id === entry.id) return this.#bring(entry, target, signal);
    // What becomes of a folder that is overwritten is told nowhere: the two might be merged.
    if (entry.kind === 'file' && replaces.kind === 'file') {
      const arrived = await this.#overwrite(entry, target, signal);
      if (arrived) return arrived;
    }
    return this.#bringPast(replaces, entry, target, signal);
  }

  async settleReplaced(replaced: Entry, successor: Entry, signal?: AbortSignal): Promise<void> {
    if (replaced.id === successor.id) return;
    const found = await this.#deps.lookup.findEntry(replaced, signal);
    if (!found || found.trashed || found.parentId !== successor.parentId) return;
    // Under another name it is somebody's again.
    if (found.name === successor.name || found.name === asideName(replaced)) await this.#deps.trash(replaced, signal);
  }

  #bring(entry: Entry, { parent, name }: Target, signal?: AbortSignal): Promise<Entry> {
    const { placement } = this.#deps;
    if (entry.parentId === parent.id) return placement.rename(entry, name, 'refuse', signal);
    const fields = { new_name: name, auto_rename: false, overwrite: false, check_name_mode: 'refuse' };
    return placement.move(entry, { parentId: parent.id, name }, fields, signal);
  }

  /** @returns undefined where the service did not swap */
  async #overwrite(entry: Entry, target: Target, signal?: AbortSignal): Promise<Entry | undefined> {
    const { placement, lookup } = this.#deps;
    const place = { parentId: target.parent.id, name: target.name };
    try {
      await placement.move(entry, place, { new_name: target.name, auto_rename: false, overwrite: true }, signal);
    } catch (error) {
      if (!isDriveError(error, 'already-exists', 'invalid-request')) throw error;
      return undefined;
    }
    const found = await lookup.findEntry(entry, signal);
    return found && standsAt(found, target) && !found.trashed ? found : undefined;
  }

  /** Swaps by hand: the one that gives way steps aside until `settleReplaced`, or comes back where the other cannot arrive. */
  async #bringPast(replaces: Entry, entry: Entry, target: Target, signal?: AbortSignal): Promise<Entry> {
    const { placement, lookup } = this.#deps;
    const present = await lookup.findEntry(replaces, signal);
    // Gone, or aside since a try before a crash.
    if (!present || present.trashed || !standsAt(present, target)) return this.#bring(entry, target, signal);
    const aside = await placement.rename(present, asideName(replaces), 'refuse', signal);
    try {
      return await this.#bring(entry, target, signal);
    } catch (error) {
      await this.#bringBack(aside, target.name);
      throw error;
    }
  }

  /** Even for a caller who has left. It is refused, and rightly so, if the other has arrived after all. */
  async #bringBack(aside: Entry, name: string): Promise<void> {
    try {
      await this.#deps.placement.rename(aside, name, 'refuse');
    } catch (error) {
      if (!isDriveError(error, 'already-exists')) throw halfDone(error);
    }
  }
}
