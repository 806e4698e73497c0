import { type Config, ConfigError } from '../config/load.ts';
import { hasHeldAccount } from '../state/credentials.ts';

/**
 * True only on a machine that never had an account and names none. Anything less than that is a lost variable or a lost file,
 * and a demo in the drive's place would have sync programs wipe their folders.
 * @throws ConfigError for the lost account
 */
export async function findsNoAccount({ settings, namesAccount }: Config): Promise<boolean> {
  if (settings.refresh_token !== undefined || (await hasHeldAccount(settings.state_dir))) return false;
  if (!namesAccount) return true;
  throw new ConfigError([
    {
      setting: 'ALIDAV_REFRESH_TOKEN',
      message:
        'is missing or empty, though other settings speak of an account: set it, or sign in with "alidav login" ("alidav demo" serves the demo)',
    },
  ]);
}
