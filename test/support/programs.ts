import { execFile, spawnSync } from 'node:child_process';
import { describe, it } from 'vitest';

/** What a program printed and how it ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** The program is killed after this; its code is then null. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end; never rejects for a failing one. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
        timeout: options.timeoutMs ?? 60_000,
        killSignal: 'SIGKILL',
        maxBuffer: 64 * 2 ** 20,
      },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input);
  });
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;
}

/**
 * A suite that drives real programs. Where one is absent the suite is skipped, with the program's name in its title; in CI
 * an absent program is a failure.
 */
export function describeWith(programs: readonly string[], title: string, body: () => void): void {
  const absent = programs.filter((program) => !isInstalled(program));
  if (absent.length === 0) {
    describe(title, body);
  } else if (process.env.CI) {
    it(`${title}: ${absent.join(', ')} must be installed`, () => {
      throw new Error(`${absent.join(', ')} cannot be found`);
    });
  } else {
    describe.skip(`${title} (skipped: ${absent.join(', ')} is not installed)`, body);
  }
}
