import { randomUUID } from 'node:crypto';

type TaskState = 'Running' | 'Succeed' | 'Failed' | 'PartialSucceed';

/** How a task is to end. */
export type TaskOutcome = Exclude<TaskState, 'Running'>;

export interface Task {
  readonly id: string;
  readonly state: TaskState;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
}

interface RunningTask {
  readonly id: string;
  readonly total: number;
  state: TaskState;
  done: number;
  failed: number;
}

/** What the service does to a folder after it has answered. */
export class Tasks {
  readonly #durationMs: () => number;
  readonly #tasks = new Map<string, RunningTask>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(durationMs: () => number) {
    this.#durationMs = durationMs;
  }

  /**
   * Takes the steps one after another over the set time, at once where that is 0. One that is to fail stops half way;
   * one that succeeds in part leaves the last step out.
   */
  start(steps: readonly (() => void)[], outcome: TaskOutcome): Task {
    const total = Math.max(1, steps.length);
    const task: RunningTask = { id: randomUUID(), total, state: 'Running', done: 0, failed: 0 };
    this.#tasks.set(task.id, task);
    const left = outcome === 'Succeed' ? 0 : outcome === 'Failed' ? Math.ceil(steps.length / 2) : 1;
    const toTake = steps.slice(0, Math.max(0, steps.length - left));
    const durationMs = this.#durationMs();
    if (durationMs === 0) {
      for (const step of toTake) step();
      finish(task, outcome);
      return task;
    }
    const startedAt = performance.now();
    let taken = 0;
    const timer = setInterval(
      () => {
        const share = Math.min(1, (performance.now() - startedAt) / durationMs);
        for (; taken < Math.floor(toTake.length * share); taken++) toTake[taken]?.();
        task.done = taken;
        if (share < 1) return;
        clearInterval(timer);
        this.#timers.delete(timer);
        finish(task, outcome);
      },
      Math.max(5, durationMs / (toTake.length + 1)),
    ).unref();
    this.#timers.add(timer);
    return task;
  }

  find(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  get runningCount(): number {
    return this.#timers.size;
  }

  /** Leaves what runs undone. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers.clear();
  }
}

function finish(task: RunningTask, outcome: TaskOutcome): void {
  task.state = outcome;
  task.failed = outcome === 'Succeed' ? 0 : 1;
  task.done = task.total - task.failed;
}
