import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Daemon {
  /** Kills it, if it has not ended by itself, and waits until it is gone. */
  stop(): Promise<void>;
}

/** Starts a program that runs until it is stopped. */
export function startDaemon(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Daemon {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
  const gone = Promise.race([once(child, 'exit'), once(child, 'error')]).catch(() => undefined);
  return {
    async stop() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
