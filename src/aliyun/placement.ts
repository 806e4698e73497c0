import type { Entry } from '../drive/entry.ts';
import { DriveError, isDriveError } from '../drive/errors.ts';
import { sleep } from '../drive/sleep.ts';
import type { ApiClient } from './api-client.ts';
import type { WriteDialect } from './dialect.ts';
import { ApiError } from './errors.ts';
import { type JsonObject, readText, readTime, toObject } from './json.ts';
import type { Lookup } from './lookup.ts';
import { checkName } from './names.ts';
import { type BackOff, settleWrite } from './settle-write.ts';
import type { Tasks } from './tasks.ts';
import { toWireKey, withLiveStreams } from './wire.ts';

export interface PlacementDeps {
  readonly api: ApiClient;
  readonly dialect: WriteDialect;
  readonly lookup: Lookup;
  readonly tasks: Tasks;
  readonly now: () => number;
  readonly backOff: BackOff;
}

/** What a native call is meant to change. */
interface Step {
  readonly call: () => Promise<JsonObject>;
  /** How the answer, which tells little, is to be understood. */
  toEntry(answer: JsonObject): Entry;
  /** Whether an entry as it was found is past this step. */
  isPast(found: Entry): boolean;
}

/**
 * The native calls that give an entry another name or folder. Each is made certain: a lost answer is followed by a look at the
 * entry, and so is a refusal, as the name may be taken by the entry itself, from a try before a crash.
 */
export class Placement {
  readonly #deps: PlacementDeps;

  constructor(deps: PlacementDeps) {
    this.#deps = deps;
  }

  /** @param mode `ignore` lets it stand beside another entry of that name */
  async rename(entry: Entry, name: string, mode: 'refuse' | 'ignore', signal?: AbortSignal): Promise<Entry> {
    checkName(name);
    const { api, dialect } = this.#deps;
    const body = { ...toWireKey(entry), name, check_name_mode: mode };
    const call = async () => toObject(await api.call(dialect.update, body, signal));
    const step: Step = {
      call: () => withoutBare400(call, this.#deps.backOff, signal),
      toEntry: (answer) => this.#relocated(entry, { name: readText(answer, 'name') ?? name }, answer),
      isPast: (found) => found.name === name && found.parentId === entry.parentId,
    };
    return this.#perform(entry, step, signal);
  }

  /**
   * @param place its name then; the one that it has where the dialect cannot change it in one call
   * @param fields what else the dialect wants to be asked
   */
  async move(
    entry: Entry,
    place: Pick<Entry, 'parentId' | 'name'>,
    fields: object,
    signal?: AbortSignal,
  ): Promise<Entry> {
    if (place.name !== entry.name) checkName(place.name);
    const { api, dialect, tasks } = this.#deps;
    const body = { ...toWireKey(entry), to_parent_file_id: place.parentId, ...fields };
    const step: Step = {
      call: async () => {
        const answer = toObject(await api.call(dialect.move, body, signal));
        if (answer.exist === true) {
          throw new DriveError('already-exists', 'AliyunDrive already has an entry of this name.');
        }
        await tasks.settle(answer, signal);
        return answer;
      },
      toEntry: (answer) => this.#relocated(entry, place, answer),
      isPast: (found) => found.parentId === place.parentId && (place.name === entry.name || found.name === place.name),
    };
    return this.#perform(entry, step, signal);
  }

  async #perform(entry: Entry, step: Step, signal?: AbortSignal): Promise<Entry> {
    const { lookup, backOff } = this.#deps;
    const lookUp = async () => {
      const found = await lookup.fetchEntry(entry, signal);
      return step.isPast(found) && !found.trashed ? found : undefined;
    };
    const attempt = async () => step.toEntry(await step.call());
    try {
      return await settleWrite({ attempt, lookUp }, { backOff, signal });
    } catch (error) {
      if (!isDriveError(error, 'already-exists', 'invalid-request')) throw error;
      const found = await lookUp();
      if (found) return found;
      throw error;
    }
  }

  #relocated(entry: Entry, place: Partial<Pick<Entry, 'parentId' | 'name'>>, answer: JsonObject): Entry {
    const relocated: Entry = {
      ...entry,
      ...place,
      updatedAt: readTime(answer, 'updated_at') ?? this.#deps.now(),
      mimeType: readText(answer, 'mime_type') ?? entry.mimeType,
    };
    return withLiveStreams(relocated, entry.liveStreams);
  }
}

/** Renaming to some names, one with `%` among them, was answered with a 400 and not a word: twice, and it is the name. */
async function withoutBare400(call: Step['call'], backOff: BackOff, signal?: AbortSignal): Promise<JsonObject> {
  try {
    return await call();
  } catch (error) {
    if (!isBare400(error)) throw error;
  }
  await sleep(backOff(1), signal);
  try {
    return await call();
  } catch (error) {
    if (!isBare400(error)) throw error;
    throw new DriveError('name-refused', 'AliyunDrive refuses this name.', { cause: error });
  }
}

function isBare400(error: unknown): boolean {
  return error instanceof ApiError && error.status === 400 && error.apiCode === undefined;
}
