import type { ErrorCode } from './errors.ts';
import type { OssErrorName } from './storage/oss-error.ts';
import type { TaskOutcome } from './store/tasks.ts';

/** By a reset, by silence until the client gives up, or by a 500 in its place. */
export type LostAnswer = 'reset' | 'hang' | '500';

/** What goes wrong. The `bytes` of a body are counted from its first one; at `upload` they are those of the request. */
export type FaultAction =
  /** Any answer: an object goes out as JSON, a string as it is, nothing as an empty body. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** An error of the contract's section 3, with the status and the text of the dialect that was asked. */
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message?: string }
  /** 429 in the words of the dialect; the web API sends no body and no hint unless `retryAfterMs` is given. */
  | { readonly kind: 'throttle'; readonly retryAfterMs?: number }
  /** The storage host's XML. */
  | { readonly kind: 'oss-error'; readonly name: OssErrorName }
  | { readonly kind: 'reset' }
  /** No answer, until the client gives up. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** A whole answer whose JSON ends in the middle. */
  | { readonly kind: 'half-json' }
  /** The call takes effect and its answer does not arrive. */
  | { readonly kind: 'lost-answer'; readonly how: LostAnswer }
  /** The task that the call starts ends in this way; nothing else is changed. */
  | { readonly kind: 'task'; readonly state: Exclude<TaskOutcome, 'Succeed'> }
  /** The right status and headers, but the connection ends after so many bytes. */
  | { readonly kind: 'cut'; readonly bytes: number }
  | { readonly kind: 'reset-after'; readonly bytes: number }
  /** The right beginning, then silence with the connection open. */
  | { readonly kind: 'stall'; readonly bytes: number }
  /** Changes a successful answer's fields, in its top level and in every item; null makes a field null. */
  | {
      readonly kind: 'patch';
      readonly set?: Readonly<Record<string, unknown>>;
      readonly remove?: readonly string[];
    };

interface FaultRule {
  /** A path such as `/adrive/v3/file/list`, a beginning such as `/v2/*`, `*` for every API call; `storage` for bodies, `upload` for parts. */
  readonly endpoint: string;
  /** How many calls it strikes; 1 where absent. */
  readonly times?: number | 'always';
  /** How many matching calls it lets pass first. */
  readonly skip?: number;
  /** Fields that the request must have, in its body or (storage) in its query. */
  readonly when?: Readonly<Record<string, unknown>>;
}

export type Fault = FaultRule & FaultAction;

/** What a call has to suffer: at most one of all kinds but `delay` and `patch`, which add up, and `task`. */
export interface Suffering {
  readonly delayMs: number;
  readonly patches: readonly Extract<FaultAction, { kind: 'patch' }>[];
  readonly task: TaskOutcome;
  readonly end: Exclude<FaultAction, { kind: 'patch' | 'delay' | 'task' }> | undefined;
}

interface Injected {
  readonly id: number;
  readonly fault: Fault;
  left: number;
  toSkip: number;
}

const API_KINDS: readonly FaultAction['kind'][] = ['error', 'throttle', 'half-json', 'patch', 'task'];

/** What an endpoint cannot suffer. */
function foreignKinds(endpoint: string): readonly FaultAction['kind'][] {
  if (endpoint === 'storage') return [...API_KINDS, 'lost-answer'];
  return endpoint === 'upload' ? API_KINDS : ['oss-error'];
}

/** The faults waiting for their calls. */
export class Faults {
  #injected: Injected[] = [];
  #lastId = 0;

  /**
   * @returns the id by which `clear` takes it back.
   * @throws Error for a kind that the endpoint cannot suffer.
   */
  inject(fault: Fault): number {
    if (foreignKinds(fault.endpoint).includes(fault.kind))
      throw new Error(`${fault.endpoint} cannot suffer a fault of kind ${fault.kind}.`);
    this.#lastId += 1;
    const left = fault.times === 'always' ? Number.POSITIVE_INFINITY : (fault.times ?? 1);
    this.#injected.push({ id: this.#lastId, fault, left, toSkip: fault.skip ?? 0 });
    return this.#lastId;
  }

  /** Takes one fault back, or all. */
  clear(id?: number): void {
    this.#injected = id === undefined ? [] : this.#injected.filter((item) => item.id !== id);
  }

  list(): readonly (Fault & { readonly id: number; readonly left: number | 'always' })[] {
    return this.#injected.map(({ id, fault, left }) => ({
      ...fault,
      id,
      left: Number.isFinite(left) ? left : 'always',
    }));
  }

  /** Uses up what strikes one call. */
  take(endpoint: string, fields: Readonly<Record<string, unknown>>): Suffering {
    let delayMs = 0;
    const patches = [];
    let task: TaskOutcome = 'Succeed';
    let end: Suffering['end'];
    for (const item of this.#injected) {
      const { fault } = item;
      const ends = fault.kind !== 'delay' && fault.kind !== 'patch' && fault.kind !== 'task';
      if ((ends && end) || !strikes(fault, endpoint, fields)) continue;
      if (item.toSkip > 0) {
        item.toSkip -= 1;
        continue;
      }
      item.left -= 1;
      if (fault.kind === 'delay') delayMs += fault.ms;
      else if (fault.kind === 'patch') patches.push(fault);
      else if (fault.kind === 'task') task = fault.state;
      else end = fault;
    }
    this.#injected = this.#injected.filter((item) => item.left > 0);
    return { delayMs, patches, task, end };
  }
}

function strikes(rule: FaultRule, endpoint: string, fields: Readonly<Record<string, unknown>>): boolean {
  return (
    matches(rule.endpoint, endpoint) &&
    Object.entries(rule.when ?? {}).every(([name, value]) => String(fields[name]) === String(value))
  );
}

function matches(pattern: string, endpoint: string): boolean {
  if (pattern === '*') return endpoint.startsWith('/');
  return pattern.endsWith('*') ? endpoint.startsWith(pattern.slice(0, -1)) : endpoint === pattern;
}
