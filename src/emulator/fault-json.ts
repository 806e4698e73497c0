import { isRecord } from './api-request.ts';
import { isErrorCode } from './errors.ts';
import type { Fault, FaultAction } from './faults.ts';
import { isOssErrorName } from './storage/oss-error.ts';

type Kind = FaultAction['kind'];
type Check = (value: unknown) => boolean;

const isAmount: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isText: Check = (value) => typeof value === 'string';
const isTextList: Check = (value) => Array.isArray(value) && value.every(isText);
const isOneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);
const isHeaders: Check = (value) => isRecord(value) && Object.values(value).every(isText);

interface Field {
  readonly check: Check;
  readonly optional?: true;
}

const RULE_FIELDS: Readonly<Record<string, Field>> = {
  endpoint: { check: isText },
  times: { check: (value) => value === 'always' || isAmount(value), optional: true },
  skip: { check: isAmount, optional: true },
  when: { check: isRecord, optional: true },
};

const BYTES = { bytes: { check: isAmount } };

const ACTION_FIELDS: Readonly<Record<Kind, Readonly<Record<string, Field>>>> = {
  answer: {
    status: { check: (value) => isAmount(value) && Number(value) >= 200 && Number(value) <= 599 },
    body: { check: () => true, optional: true },
    headers: { check: isHeaders, optional: true },
  },
  error: {
    code: { check: (value) => typeof value === 'string' && isErrorCode(value) },
    message: { check: isText, optional: true },
  },
  throttle: { retryAfterMs: { check: isAmount, optional: true } },
  'oss-error': { name: { check: (value) => typeof value === 'string' && isOssErrorName(value) } },
  reset: {},
  hang: {},
  delay: { ms: { check: isAmount } },
  'half-json': {},
  'lost-answer': { how: { check: isOneOf('reset', 'hang', '500') } },
  task: { state: { check: isOneOf('Failed', 'PartialSucceed') } },
  cut: BYTES,
  'reset-after': BYTES,
  stall: BYTES,
  patch: { set: { check: isRecord, optional: true }, remove: { check: isTextList, optional: true } },
};

/**
 * Reads a fault that came over HTTP.
 * @throws Error that names the first field that is missing, unknown or of the wrong form.
 */
export function parseFault(json: Readonly<Record<string, unknown>>): Fault {
  const { kind } = json;
  if (typeof kind !== 'string' || !isKind(kind)) {
    throw new Error(`kind must be one of ${Object.keys(ACTION_FIELDS).join(', ')}.`);
  }
  const fields = { ...RULE_FIELDS, ...ACTION_FIELDS[kind] };
  for (const name of Object.keys(json)) {
    if (name !== 'kind' && !Object.hasOwn(fields, name)) throw new Error(`A fault of kind ${kind} has no ${name}.`);
  }
  for (const [name, { check, optional }] of Object.entries(fields)) {
    const value = json[name];
    if (value === undefined ? !optional : !check(value)) throw new Error(`${name} has no value that a fault can take.`);
  }
  // Every field has been checked against the table above.
  return json as unknown as Fault;
}

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(ACTION_FIELDS, kind);
}
