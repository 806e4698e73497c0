import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { openEmbeddedStore } from '../../src/state/embedded.ts';
import { makeMachine, type Served } from '../e2e/alidav-process.ts';
import { ask, until } from '../e2e/requests.ts';
import { difference, FOLDER, isSame, type Model } from './model.ts';
import { createRandom } from './random.ts';
import { readServer } from './view.ts';
import { Worker } from './worker.ts';

export interface CrashOptions {
  readonly kills: number;
  readonly seed: number;
  readonly kind: 'page' | 'app' | 'open';
  readonly workers?: number;
}

export interface CrashReport {
  readonly kills: number;
  /** Changes that clients were told of. */
  readonly changes: number;
  /** Kills that struck while a change was under way. */
  readonly interrupted: number;
  /** Of the interrupted changes, how many had taken place. */
  readonly tookPlace: number;
  readonly problems: readonly string[];
}

interface Service {
  readonly child: ChildProcess;
  readonly facts: Readonly<Record<string, unknown>>;
  control(action: string, body?: unknown): Promise<Record<string, unknown>>;
}

/** Of everybody at the emulated service. */
const USER_ID = 'aaaaaaaabbbbccccddddeeeeeeeeeeee';

const EMULATOR = fileURLToPath(new URL('../../dist/emulator/main.js', import.meta.url));
/** Long enough for every step of a change to be struck, short enough for many kills. */
const LONGEST_LIFE_MS = 1_500;
const SHORTEST_LIFE_MS = 40;
const RECOVERS_WITHIN_MS = 60_000;

/**
 * Kills the server at random instants while it is written to, starts it again, and holds what it then shows, and what the
 * service has, against what its clients were told: each change that was confirmed took place, the one under way took place
 * or not, and nothing is lost, doubled, damaged or left over.
 */
export async function runCrashes({ kills, seed, kind, workers: count = 4 }: CrashOptions): Promise<CrashReport> {
  const random = createRandom(seed);
  const service = await startService();
  const machine = makeMachine();
  const problems: string[] = [];
  let [interrupted, tookPlace] = [0, 0];
  try {
    const env = await toEnv(service, kind);
    const workers = Array.from(
      { length: count },
      (_, index) => new Worker(`/w${index}`, createRandom(seed * 31 + index)),
    );
    let server = await machine.serve([], env);
    for (const { home } of workers) await ask(server.url, home, { method: 'MKCOL' });
    for (let kill = 1; kill <= kills && problems.length === 0; kill++) {
      const lifeMs = SHORTEST_LIFE_MS + random() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS);
      const working = workers.map((worker) => worker.work(server.url));
      await new Promise((resolve) => setTimeout(resolve, lifeMs));
      await killNow(server);
      await Promise.all(working);
      server = await machine.serve([], env);
      const unsure = workers.filter((worker) => worker.allowed().length > 1);
      interrupted += unsure.length;
      const after = unsure.map((worker) => worker.allowed().at(-1));
      problems.push(
        ...(await lookInto({ server, service, stateDir: machine.stateDir }, workers)).map(
          (what) => `kill ${kill}, ${what}`,
        ),
      );
      tookPlace += unsure.filter((worker, index) => worker.allowed()[0] === after[index]).length;
    }
    for (const worker of workers) problems.push(...worker.complaints);
    if (problems.length > 0) problems.push(server.stdout().slice(-4_000));
    return {
      kills,
      changes: workers.reduce((sum, { changes }) => sum + changes, 0),
      interrupted,
      tookPlace,
      problems,
    };
  } finally {
    machine.close();
    service.child.kill('SIGKILL');
  }
}

async function killNow({ child }: Served): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/**
 * What clients see must be right from the first answer on, whatever still has to be finished or undone behind it; and the
 * service has to come to have the same, without anything beside it. @returns what is wrong
 */
async function lookInto(
  { server, service, stateDir }: { server: Served; service: Service; stateDir: string },
  workers: readonly Worker[],
): Promise<string[]> {
  let wrong: string[] = [];
  let told = '';
  const isSettled = async () => {
    const seen = await Promise.all(workers.map((worker) => look(server, worker)));
    wrong = seen.flatMap(({ problem }) => problem ?? []);
    if (wrong.length > 0) return true;
    const { unfinished, heldBack } = await readJournal(stateDir);
    const expected = workers
      .flatMap((worker, index) =>
        [...(seen[index]?.model ?? [])].map(([at, what]) => [worker.home + at, what] as const),
      )
      .filter(([at]) => !heldBack.has(at));
    told = unfinished || (await compareService(service, new Map(expected)));
    if (told !== '') return false;
    for (const [index, worker] of workers.entries()) worker.settle(seen[index]?.model ?? new Map());
    return true;
  };
  try {
    await until(isSettled, RECOVERS_WITHIN_MS, 'the service has what clients see');
    return wrong;
  } catch (error) {
    return [`${String(error)}:\n${told}`];
  }
}

const MOST_READS = 5;

async function look(server: Served, worker: Worker): Promise<{ readonly model?: Model; readonly problem?: string }> {
  const allowed = worker.allowed();
  try {
    // A change that is finished between two folders' listings is in one of them alone; what is seen twice is what there is.
    let found = await readServer(server.url, worker.home);
    for (let reads = 1; ; reads++) {
      const model = allowed.find((one) => isSame(one, found));
      if (model) return { model };
      const again = await readServer(server.url, worker.home);
      if (reads === MOST_READS || isSame(found, again)) break;
      found = again;
    }
    const differences = allowed.map((one) => difference(one, found));
    return { problem: `${worker.home}:\n${differences.join('\n  or\n')}` };
  } catch (error) {
    return { problem: `${worker.home}: ${String(error)}` };
  }
}

interface JournalView {
  /** What is still to be finished or undone, for people; empty when nothing is. */
  readonly unfinished: string;
  /** Paths of empty files that wait for their content and are not at the service yet. */
  readonly heldBack: ReadonlySet<string>;
}

async function readJournal(stateDir: string): Promise<JournalView> {
  const store = await openEmbeddedStore(stateDir);
  try {
    const unfinished: string[] = [];
    const heldBack = new Set<string>();
    for await (const { key, value } of store.range([USER_ID, 'v1', 'journal'])) {
      const { kind, slot } = value as { kind?: string; slot?: { path: string } };
      if (slot) heldBack.add(slot.path);
      else if (key.includes('operation') || kind === 'upload') unfinished.push(JSON.stringify(value).slice(0, 300));
    }
    return { unfinished: unfinished.join('\n'), heldBack };
  } finally {
    await store.close();
  }
}

async function compareService(service: Service, expected: Model): Promise<string> {
  const { drives } = service.facts as { drives: { backup: string } };
  // Uploads that nobody has heard of are not looked at: of one that was begun just when the server was killed only the service
  // knows the id, shows it to nobody, and forgets it by itself.
  const { entries } = (await service.control('tree', { drive_id: drives.backup })) as {
    entries: { path: string; type: string; sha1: string | null }[];
  };
  const below = entries.filter(({ path }) => /^\/w\d+\//.test(path));
  const found = new Map(below.map(({ path, type, sha1 }) => [path, type === 'folder' ? FOLDER : String(sha1)]));
  const faults = [difference(expected, found)];
  if (found.size !== below.length) faults.push(`${below.length - found.size} entries are doubled`);
  const others = entries.filter(({ path }) => !/^\/w\d+(\/|$)/.test(path));
  if (others.length > 0) faults.push(`left over: ${others.map(({ path }) => path).join(', ')}`);
  return faults.filter(Boolean).join('\n');
}

async function toEnv(service: Service, kind: CrashOptions['kind']): Promise<Record<string, string>> {
  const { facts } = service;
  const client = facts.client as { id: string; secret: string };
  const { refresh_token } = await service.control('login', { kind });
  return {
    ALIDAV_API_URL: String(facts.apiUrl),
    ALIDAV_AUTH_URL: String(facts.authUrl),
    ALIDAV_OPEN_URL: String(facts.openUrl),
    ALIDAV_REFRESH_TOKEN: String(refresh_token),
    ALIDAV_DRIVE: 'backup',
    ALIDAV_LOG_FORMAT: 'json',
    ALIDAV_LOG_LEVEL: 'warn',
    ...(kind === 'open' && { ALIDAV_CLIENT_ID: client.id, ALIDAV_CLIENT_SECRET: client.secret }),
  };
}

/** With delays, so that a kill finds calls under way. */
async function startService(): Promise<Service> {
  const settings = ['latencyMs=4', 'storageLatencyMs=3', 'taskMs=30'].flatMap((setting) => ['--set', setting]);
  const child = spawn(process.execPath, [EMULATOR, '--content', 'empty', ...settings], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the emulated service ended')));
    child.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text));
  });
  const facts = JSON.parse(line);
  return {
    child,
    facts,
    async control(action, body = {}) {
      const answer = await fetch(`${facts.controlUrl}/_emulator/${action}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      const json = (await answer.json()) as Record<string, unknown>;
      if (!answer.ok) throw new Error(`${action}: ${JSON.stringify(json)}`);
      return json;
    },
  };
}
