import { expect } from 'vitest';
import { type Answer, ask, propfind, readRows, until } from '../e2e/requests.ts';
import type { Stack } from './stack.ts';
import { leavesUpload, nameOf, type Strike, toFaults } from './write-faults.ts';
import type { Drive } from './write-operations.ts';
import {
  describeDrive,
  isSame,
  readBin,
  readGateway,
  readJournal,
  readService,
  startWriteStack,
} from './write-stack.ts';

const SETTLES_WITHIN_MS = 75_000;
const LIST_LAG_MS = 2_000;
const LOOK_AGAIN_MS = 400;
const LONGEST_PAUSE_MS = 3_000;
export type Kind = 'app' | 'open';

/** What may be there after an answer: only who was told that nothing is known may find either. */
function allowedAfter({ status }: Answer, { before, after }: Strike['operation']): readonly Drive[] {
  if (status >= 200 && status < 300) return [after];
  return status === 503 ? [before, after] : [before];
}

function expectOneOf(found: Drive, allowed: readonly Drive[], what: string): void {
  if (allowed.some((drive) => isSame(drive, found))) return;
  throw new Error(`${what}: ${describeDrive(found)}\nwhere allowed: ${allowed.map(describeDrive).join('\n  or ')}`);
}

/**
 * What clients see at once, whatever is still to be found out: every file whole, in the one state or the other.
 */
async function expectSound(stack: Stack, allowed: readonly Drive[]): Promise<void> {
  const found = await readGateway(stack, false);
  const isSound = ([path, content]: [string, Drive[string]]) =>
    allowed.some((drive) => path in drive && isSame({ [path]: content }, { [path]: drive[path] ?? null }));
  const missing = Object.keys(allowed[0] ?? {}).filter(
    (path) => allowed.every((drive) => path in drive) && !(path in found),
  );
  if (missing.length > 0 || !Object.entries(found).every(isSound)) expectOneOf(found, allowed, 'then clients see');
}

/** Looks at a name that has content before and after, as long as something goes on. */
function watch(stack: Stack, { operation }: Strike): () => Promise<void> {
  const lengths = new Map<string, Set<number | undefined>>();
  for (const [path, content] of Object.entries(operation.before)) {
    const later = operation.after[path];
    if (content === null || later == null) continue;
    lengths.set(path, new Set([Buffer.byteLength(content), Buffer.byteLength(later)]));
  }
  let isOver = false;
  let pauseMs = 50;
  const work = (async () => {
    while (!isOver) {
      for (const [path, allowed] of lengths) {
        const seen = await propfind(stack.url, path, '0');
        const rows = readRows(seen.text);
        if (seen.status !== 207 || rows.length !== 1 || !allowed.has(rows[0]?.length)) {
          throw new Error(`meanwhile ${path} was seen as ${seen.status} ${rows.map(({ length }) => length)}`);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
    }
  })();
  work.catch(() => {});
  return () => {
    isOver = true;
    return work;
  };
}

/** The service comes to have what clients see, whole, and nothing is left to be done or over. */
async function expectSettled(stack: Stack, allowed: readonly Drive[]): Promise<void> {
  let left: string[] = [];
  await until(
    async () => {
      left = await readJournal(stack);
      if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      return left.length === 0;
    },
    SETTLES_WITHIN_MS,
    'an empty journal',
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${left.join('\n')}`);
  });
  const has = await readService(stack);
  expectOneOf(has, allowed, 'the service has');
  expectOneOf(await readGateway(stack, false), [has], 'clients remember');
  expectOneOf(await readGateway(stack, true), [has], 'clients see');
}

/** Lets an operation suffer it, and holds all that clients and the service have then against what was told. */
export async function strike(given: Strike, kind: Kind): Promise<void> {
  const { operation, trouble } = given;
  const env = { ALIDAV_UPLOAD_MEMORY: '8MiB' };
  const started = await startWriteStack({ kind, env, emulator: { taskMs: 150 } }, operation.before);
  let [stack] = started;
  const [, ids] = started;
  try {
    const { faults } = stack.emulator;
    // Where an answer is lost, the listing that is looked into may lag behind.
    // Nothing but such a listing tells what is in a folder that the service copied.
    const isFolderCopy = operation.method === 'COPY' && '/from' in operation.before;
    if (trouble.strikes.kind === 'lost-answer' && !isFolderCopy) stack.emulator.settings.listLagMs = LIST_LAG_MS;
    for (const fault of toFaults(given, kind)) faults.inject(fault);
    const endWatch = watch(stack, given);
    const send = () => ask(stack.url, operation.path, { method: operation.method, ...operation.options });
    const answer = await send();
    await endWatch();
    expect([200, 201, 204, 403, 502, 503]).toContain(answer.status);
    faults.clear();
    let allowed = allowedAfter(answer, operation);
    await expectSound(stack, allowed);
    const modes = ['wait', 'restart', 'again'] as const;
    const mode = modes[(given.index + [...nameOf(given, kind)].length) % 3];
    if (mode === 'restart') stack = await stack.restart();
    if (mode === 'again') {
      const { status } = await send();
      // That there is nothing to do any more tells that it was done.
      if (status < 300 || status === 404 || status === 405) allowed = [operation.after];
      else expect(status).toBe(503);
    }
    await expectSettled(stack, allowed);
    // The session of an overwriting upload of the web API has the id of the file itself: it can only be left to die.
    const isOverwritten = kind === 'app' && '/a.txt' in operation.before;
    if (!isOverwritten && !leavesUpload(given, kind)) expect(stack.emulator.uploads.openCount).toBe(0);
    if (mode !== 'again') for (const id of readBin(stack)) expect(ids).toContain(id);
  } finally {
    await stack.close();
  }
}
