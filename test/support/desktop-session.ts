import { mkdir } from 'node:fs/promises';
import { run } from './programs.ts';
import { makeScratch } from './scratch.ts';

/**
 * Runs a shell script as a desktop's programs run, in a session bus of its own, whose daemons end with it.
 * @returns the folder it ran in, with what it left there; the caller removes it
 */
export async function runInDesktopSession(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const home = await makeScratch();
  await mkdir(`${home}/run`, { mode: 0o700 });
  const session = ['dbus-run-session', '--', 'sh', '-c', script, 'sh', ...args];
  // Daemons outlive a client that is killed and would hold its output open: into a file with it, and kill all of the group.
  await run('sh', ['-c', 'exec timeout -k 5 45 "$@" >output 2>&1', 'sh', ...session], {
    cwd: home,
    env: { HOME: home, XDG_RUNTIME_DIR: `${home}/run`, LC_ALL: 'C.UTF-8', ...env },
  });
  return home;
}
