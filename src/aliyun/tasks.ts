import { DriveError, isDriveError } from '../drive/errors.ts';
import { sleep } from '../drive/sleep.ts';
import type { ApiClient, Endpoint } from './api-client.ts';
import { ApiError, isForPeople } from './errors.ts';
import { type JsonObject, readText, toObject } from './json.ts';

const FIRST_POLL_MS = 200;
const LONGEST_POLL_MS = 2_000;
/** Answers in a row that do not say how the task stands, before it counts as unknown. */
const MOST_SILENT_ANSWERS = 10;

/** Follows what the service does on its own time: mostly folders that are copied, binned or deleted. */
export class Tasks {
  readonly #api: ApiClient;
  readonly #endpoint: Endpoint;

  constructor(api: ApiClient, endpoint: Endpoint) {
    this.#api = api;
    this.#endpoint = endpoint;
  }

  /** Awaits the task that an answer speaks of, if it does. */
  async settle(answer: JsonObject, signal?: AbortSignal): Promise<void> {
    const taskId = readText(answer, 'async_task_id');
    if (taskId !== undefined) await this.await(taskId, signal);
  }

  /** See `WriteDrive.awaitTask`. */
  async await(taskId: string, signal?: AbortSignal): Promise<void> {
    let silent = 0;
    for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_POLL_MS)) {
      const answer = await this.#ask(taskId, signal);
      const state = answer && (readText(answer, 'state') ?? readText(answer, 'status'));
      if (answer === undefined || state === 'Succeed') return;
      if (state === 'Failed' || state === 'PartialSucceed') throw toTaskError(answer, state);
      silent = state === undefined ? silent + 1 : 0;
      if (silent === MOST_SILENT_ANSWERS) {
        throw new DriveError('unavailable', 'AliyunDrive does not tell how a task of its own stands.');
      }
      await sleep(pauseMs, signal);
    }
  }

  /** @returns undefined for a task that the service no longer knows: it has ended */
  async #ask(taskId: string, signal?: AbortSignal): Promise<JsonObject | undefined> {
    try {
      return toObject(await this.#api.call(this.#endpoint, { async_task_id: taskId }, signal));
    } catch (error) {
      if (isDriveError(error, 'not-found')) return undefined;
      if (error instanceof ApiError && error.status === 404 && error.apiCode?.startsWith('NotFound')) return undefined;
      throw error;
    }
  }
}

function toTaskError(answer: JsonObject, state: string): DriveError {
  const text = readText(answer, 'message') ?? '';
  const done = state === 'Failed' ? 'could not do this' : 'could do this only in part';
  const reason = isForPeople(text) ? `: ${text}` : '.';
  return new DriveError('task-failed', `AliyunDrive ${done}${reason}`, { cause: new Error(`task ${state}: ${text}`) });
}
