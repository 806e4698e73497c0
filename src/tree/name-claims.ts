import { throwIfAborted, untilAborted } from '../drive/abortable.ts';
import type { EntryKey } from '../drive/entry.ts';
import { DriveError } from '../drive/errors.ts';
import { toFolderKey } from './folder-key.ts';

/** A name of a folder, as the service has it. */
export interface ClaimedName {
  readonly folder: EntryKey;
  readonly name: string;
}

/** A writer's place in the queue for a name; the first one has it. */
interface Place {
  readonly turn: Promise<void>;
  readonly call: () => void;
}

const PATIENCE_MS = 60_000;
const RETRY_AFTER_MS = 5_000;

/**
 * One writer at a time for each name of a folder: the service itself would let several make equal names. Names are taken in
 * one order by all, so that no two writers wait for each other.
 */
export class NameClaims {
  readonly #queues = new Map<string, Place[]>();

  /**
   * First come, first served.
   * @returns the release, which may be called again without effect
   * @throws DriveError `unavailable` after a minute of waiting, `aborted`
   */
  async claim(names: readonly ClaimedName[], signal?: AbortSignal): Promise<() => void> {
    const keys = new Set(names.map(({ folder, name }) => JSON.stringify([toFolderKey(folder), name])));
    const leaves: (() => void)[] = [];
    const release = (): void => {
      for (const leave of leaves.splice(0)) leave();
    };
    const patience = startPatience();
    try {
      for (const key of [...keys].toSorted()) {
        throwIfAborted(signal);
        const { turn, leave } = this.#enter(key);
        leaves.push(leave);
        await untilAborted(Promise.race([turn, patience.over]), signal);
      }
    } catch (error) {
      release();
      throw error;
    } finally {
      patience.stop();
    }
    return release;
  }

  #enter(key: string): { readonly turn: Promise<void>; readonly leave: () => void } {
    const queue = this.#queues.get(key) ?? [];
    this.#queues.set(key, queue);
    const place = makePlace();
    if (queue.push(place) === 1) place.call();
    const leave = (): void => {
      queue.splice(queue.indexOf(place), 1);
      if (queue.length === 0) this.#queues.delete(key);
      else queue[0]?.call();
    };
    return { turn: place.turn, leave };
  }
}

function makePlace(): Place {
  let call = (): void => {};
  const turn = new Promise<void>((resolve) => {
    call = resolve;
  });
  return { turn, call };
}

function startPatience(): { readonly over: Promise<never>; readonly stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    const message = 'Somebody else is still writing to this name: try again in a moment.';
    const giveUp = () => reject(new DriveError('unavailable', message, { retryAfterMs: RETRY_AFTER_MS }));
    timer = setTimeout(giveUp, PATIENCE_MS).unref();
  });
  return { over, stop: () => clearTimeout(timer) };
}
