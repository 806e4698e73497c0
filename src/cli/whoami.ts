import type { Config } from '../config/load.ts';
import { connect } from '../connection.ts';
import { isDriveError } from '../drive/errors.ts';
import { createLogger } from '../log.ts';
import { hasHeldAccount } from '../state/credentials.ts';
import { formatAccount } from './format.ts';
import { readVersion } from './help.ts';

/** Prints who is signed in. A stored access token that lives is used as it is, so that nothing rotates. @returns the exit code */
export async function whoami({ settings }: Config): Promise<number> {
  if (settings.refresh_token === undefined && !(await hasHeldAccount(settings.state_dir))) {
    process.stderr.write('alidav: nobody is signed in; "alidav login" does that.\n');
    return 1;
  }
  const log = createLogger({ ...settings, log_level: 'silent' });
  const connection = await connect({ settings, version: readVersion(), log });
  try {
    const account = await connection.drive.fetchAccount();
    const quota = await connection.drive.fetchQuota();
    process.stdout.write(`${formatAccount(account, quota)}\n`);
    return 0;
  } catch (error) {
    if (!isDriveError(error)) throw error;
    process.stderr.write(`alidav: ${error.message}\n`);
    return 1;
  } finally {
    await connection.close();
  }
}
