import type { Target } from '../../drive/drive.ts';
import type { Entry } from '../../drive/entry.ts';
import { isDriveError } from '../../drive/errors.ts';
import { halfDone, isPassing, type Moves, type MovesDeps, standsAt } from '../moves.ts';

/** The open API moves and renames by one call each, and never swaps; equal names may stand beside each other meanwhile. */
export class OpenMoves implements Moves {
  readonly #deps: MovesDeps;

  constructor(deps: MovesDeps) {
    this.#deps = deps;
  }

  async move(entry: Entry, target: Target, signal?: AbortSignal): Promise<Entry> {
    const { placement } = this.#deps;
    const mode = target.replaces ? 'ignore' : 'refuse';
    let placed = entry;
    if (placed.parentId !== target.parent.id) {
      const place = { parentId: target.parent.id, name: entry.name };
      // On its way to another name it disturbs nobody under its own.
      const check_name_mode = entry.name === target.name ? mode : 'ignore';
      placed = await placement.move(entry, place, { check_name_mode }, signal);
    }
    if (standsAt(placed, target)) return placed;
    try {
      return await placement.rename(placed, target.name, mode, signal);
    } catch (error) {
      if (entry.parentId === target.parent.id || !isDriveError(error) || error.code === 'aborted') throw error;
      if (isPassing(error)) throw halfDone(error);
      await this.#moveBack(placed, entry, signal);
      throw error;
    }
  }

  async settleReplaced(replaced: Entry, successor: Entry, signal?: AbortSignal): Promise<void> {
    if (replaced.id !== successor.id) await this.#deps.trash(replaced, signal);
  }

  async #moveBack(placed: Entry, { parentId, name }: Entry, signal?: AbortSignal): Promise<void> {
    try {
      await this.#deps.placement.move(placed, { parentId, name }, { check_name_mode: 'ignore' }, signal);
    } catch (error) {
      throw halfDone(error);
    }
  }
}
