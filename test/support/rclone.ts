import { type Outcome, run } from './programs.ts';
import type { Stack } from './stack.ts';

/** The drive under the name `drive:`, from the environment alone: no configuration of this machine is read. */
export function rcloneEnv(stack: Stack): Record<string, string> {
  return {
    RCLONE_CONFIG: '',
    RCLONE_CONFIG_DRIVE_TYPE: 'webdav',
    RCLONE_CONFIG_DRIVE_URL: `${stack.url}/`,
    RCLONE_CONFIG_DRIVE_VENDOR: 'other',
  };
}

export function rclone(stack: Stack, ...args: readonly string[]): Promise<Outcome> {
  return run('rclone', args, { env: rcloneEnv(stack), timeoutMs: 60_000 });
}
