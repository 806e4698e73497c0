import type { Fault, FaultAction } from '../../src/emulator/faults.ts';
import type { LoginKind } from './stack.ts';
import { callsOf, WRITE_OPERATIONS, type WriteOperation } from './write-operations.ts';

/** What happens to one of an operation's calls, and to those behind it. */
interface Trouble {
  readonly name: string;
  readonly strikes: FaultAction;
  /** Struck again whenever it is repeated. */
  readonly isLasting?: true;
  /** Nothing of the service answers behind it. */
  readonly isLastWord?: true;
  /** Where mistakes would show first. */
  readonly isHard?: true;
  /** Makes sense at parts as well; or only there. */
  readonly at?: 'both' | 'upload';
}

const TROUBLES: readonly Trouble[] = [
  { name: '429', strikes: { kind: 'throttle', retryAfterMs: 50 } },
  { name: '429 again and again', strikes: { kind: 'throttle', retryAfterMs: 50 }, isLasting: true },
  { name: '500', strikes: { kind: 'answer', status: 500 }, at: 'both' },
  { name: '500 again and again', strikes: { kind: 'answer', status: 500 }, isLasting: true, isHard: true, at: 'both' },
  { name: 'a reset', strikes: { kind: 'reset' }, at: 'both' },
  { name: 'a reset again and again', strikes: { kind: 'reset' }, isLasting: true, at: 'both' },
  { name: 'half an answer', strikes: { kind: 'half-json' } },
  { name: 'an answer lost by a reset', strikes: { kind: 'lost-answer', how: 'reset' }, isHard: true, at: 'both' },
  { name: 'an answer lost by a 500', strikes: { kind: 'lost-answer', how: '500' }, at: 'both' },
  {
    name: 'an answer lost again and again',
    strikes: { kind: 'lost-answer', how: 'reset' },
    isLasting: true,
    at: 'both',
  },
  { name: 'no right', strikes: { kind: 'error', code: 'ForbiddenNoPermission.File' }, isLasting: true },
  { name: 'a reset, and the service is away', strikes: { kind: 'reset' }, isLastWord: true, isHard: true, at: 'both' },
  {
    name: 'a lost answer, and the service is away',
    strikes: { kind: 'lost-answer', how: 'reset' },
    isLastWord: true,
    isHard: true,
    at: 'both',
  },
  { name: 'no answer', strikes: { kind: 'hang' } },
  { name: 'an answer lost in silence', strikes: { kind: 'lost-answer', how: 'hang' } },
  { name: 'a part cut off', strikes: { kind: 'reset-after', bytes: 5 }, at: 'upload' },
  { name: 'a session that is gone', strikes: { kind: 'oss-error', name: 'noSuchUpload' }, at: 'upload' },
  { name: 'URLs past their hour', strikes: { kind: 'oss-error', name: 'expired' }, at: 'upload' },
];

/** One of an operation's calls, and what it suffers. */
export interface Strike {
  readonly operation: WriteOperation;
  /** Of the call, from 0. */
  readonly index: number;
  readonly trouble: Trouble;
}

/** What every run of the tests lets the calls of every operation suffer; `WRITE_TROUBLES=all` takes hundreds more. */
export function chooseStrikes(kind: LoginKind): Strike[] {
  const strikes = WRITE_OPERATIONS.flatMap((operation) => strikesAt(operation, kind));
  if (process.env.WRITE_TROUBLES === 'all') return strikes;
  return strikes.filter(({ trouble }) => trouble.isHard);
}

function strikesAt(operation: WriteOperation, kind: LoginKind): Strike[] {
  return callsOf(operation, kind).flatMap((endpoint, index) =>
    TROUBLES.filter(({ at }) => at === 'both' || (at === 'upload') === (endpoint === 'upload')).map((trouble) => ({
      operation,
      index,
      trouble,
    })),
  );
}

/** Whether an upload has begun, or goes on, of which nobody can know any more: it dies by itself. */
export function leavesUpload({ operation, index, trouble: { strikes } }: Strike, kind: LoginKind): boolean {
  const endpoint = callsOf(operation, kind)[index] ?? '';
  if (endpoint === 'upload') return strikes.kind === 'oss-error' && strikes.name === 'noSuchUpload';
  return /create/.test(endpoint) && (strikes.kind === 'lost-answer' || strikes.kind === 'half-json');
}

export function nameOf({ operation, index, trouble }: Strike, kind: LoginKind): string {
  const endpoint = callsOf(operation, kind)[index]?.split('/').at(-1);
  return `${operation.name}, call ${index + 1} (${endpoint}): ${trouble.name}`;
}

export function toFaults({ operation, index, trouble }: Strike, kind: LoginKind): Fault[] {
  const before = callsOf(operation, kind).slice(0, index);
  const endpoint = callsOf(operation, kind)[index] ?? '';
  const skip = before.filter((one) => one === endpoint).length;
  const struck: Fault = { ...trouble.strikes, endpoint, skip, times: trouble.isLasting ? 'always' : 1 };
  if (!trouble.isLastWord) return [struck];
  const uploads = before.filter((one) => one === 'upload').length;
  return [
    struck,
    { kind: 'reset', endpoint: '*', skip: before.length - uploads, times: 'always' },
    { kind: 'reset', endpoint: 'upload', skip: uploads, times: 'always' },
  ];
}
