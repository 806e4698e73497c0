import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Outcome, run } from '../support/programs.ts';

const ALIDAV = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A machine that alidav was never run on: an empty home, an empty working folder, no variable of alidav's. */
export interface Machine {
  readonly home: string;
  readonly stateDir: string;
  /** Runs one command to its end. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>, input?: string): Promise<Outcome>;
  /** Starts a server on a free port; resolves when it told that it listens, or rejects with what it printed. */
  serve(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Served>;
  /** Ends what still runs and removes the folders. */
  close(): void;
}

/** A running server. */
export interface Served {
  /** Without a trailing slash. */
  readonly url: string;
  /** From the start of the process to the line that told of listening. */
  readonly startedWithinMs: number;
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Sends SIGTERM and waits. */
  stop(): Promise<{ code: number | null; withinMs: number }>;
}

const LISTEN_WITHIN_MS = 15_000;
const RUN_WITHIN_MS = 30_000;

export function makeMachine(): Machine {
  const home = mkdtempSync(path.join(tmpdir(), 'alidav-home-'));
  const stateDir = path.join(home, 'state');
  const children = new Set<ChildProcess>();
  const toEnv = (env: Readonly<Record<string, string>>) => ({
    PATH: process.env.PATH ?? '',
    HOME: home,
    ALIDAV_STATE_DIR: stateDir,
    ...env,
  });
  return {
    home,
    stateDir,
    run: (args, env = {}, input) =>
      run('env', ['-i', ...toAssignments(toEnv(env)), process.execPath, ALIDAV, ...args], {
        cwd: home,
        timeoutMs: RUN_WITHIN_MS,
        ...(input !== undefined && { input }),
      }),
    async serve(args, env = {}) {
      const startedAt = performance.now();
      const child = spawn(process.execPath, [ALIDAV, ...args], {
        cwd: home,
        env: toEnv({ ALIDAV_PORT: '0', ...env }),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      children.add(child);
      let [stdout, stderr] = ['', ''];
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      const url = await new Promise<string>((resolve, reject) => {
        const giveUp = setTimeout(
          () => reject(new Error(`no word of listening:\n${stdout}${stderr}`)),
          LISTEN_WITHIN_MS,
        );
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          stdout += text;
          const found = findListening(stdout);
          if (found === undefined) return;
          clearTimeout(giveUp);
          resolve(found);
        });
        child.once('exit', (code) => {
          clearTimeout(giveUp);
          reject(new Error(`ended with ${code}:\n${stdout}${stderr}`));
        });
      });
      return {
        url: url.replace(/\/$/, ''),
        startedWithinMs: performance.now() - startedAt,
        child,
        stdout: () => stdout,
        stderr: () => stderr,
        async stop() {
          const stoppedAt = performance.now();
          const exited = once(child, 'exit');
          child.kill('SIGTERM');
          const [code] = await exited;
          return { code, withinMs: performance.now() - stoppedAt };
        },
      };
    },
    close() {
      for (const child of children) child.kill('SIGKILL');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function toAssignments(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

/** What a script that waits for the server looks for, in either log format. */
function findListening(stdout: string): string | undefined {
  for (const line of stdout.split('\n').slice(0, -1)) {
    if (line.startsWith('{')) {
      const { msg, url } = JSON.parse(line);
      if (msg === 'listening') return url;
    } else if (line.includes('listening')) {
      return /https?:\/\/[^\s"]+/.exec(line)?.[0];
    }
  }
  return undefined;
}
