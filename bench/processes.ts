import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A process of the bench and the JSON line by which it said that it is ready. */
export interface Running {
  readonly ready: Readonly<Record<string, unknown>>;
  /** Resident memory now and at its highest, bytes. */
  memory(): { rss: number; peak: number };
  stop(): Promise<void>;
}

/**
 * Starts a node program and waits for the first line of its stdout that is a JSON object `isReady` takes.
 * @throws when it ends before, with what it wrote to stderr.
 */
export async function startProgram(
  args: readonly string[],
  isReady: (line: Record<string, unknown>) => boolean,
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000);
  });
  const ready = await firstLine(child, isReady).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw new Error(`${args.join(' ')}: ${String(error)}\n${complaints}`);
  });
  return runningOf(child, ready);
}

function runningOf(child: ChildProcess, ready: Readonly<Record<string, unknown>>): Running {
  return {
    ready,
    memory: () => readMemory(child),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(kill);
    },
  };
}

function firstLine(child: ChildProcess, isReady: (line: Record<string, unknown>) => boolean) {
  return new Promise<Record<string, unknown>>((resolve, reject) => {
    if (!child.stdout) throw new Error('no stdout');
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (text) => {
      if (!text.startsWith('{')) return;
      const line: Record<string, unknown> = JSON.parse(text);
      if (isReady(line)) resolve(line);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it was ready`)));
    setTimeout(() => reject(new Error('was not ready within 20 s')), 20_000).unref();
  });
}

function readMemory(child: ChildProcess): { rss: number; peak: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);
  return { rss: kibibytes('VmRSS') * 1024, peak: kibibytes('VmHWM') * 1024 };
}

/** `rclone serve webdav` over a local folder, which says on stderr where it listens. */
export async function startRclone(folder: string): Promise<Running & { readonly url: string }> {
  const args = ['serve', 'webdav', folder, '--addr', '127.0.0.1:0', '--config', '/dev/null', '--dir-cache-time', '1h'];
  const child = spawn('rclone', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const said = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
      if (said) resolve(said[0]);
    });
    child.once('exit', (code) => reject(new Error(`rclone ended with ${code} before it listened`)));
    child.once('error', reject);
  });
  return { ...runningOf(child, { url }), url };
}
