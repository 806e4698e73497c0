import type { Settings } from '../config/schema.ts';
import { type Connection, connect } from '../connection.ts';
import { isDriveError } from '../drive/errors.ts';
import { createLogger } from '../log.ts';
import { formatAccount } from './format.ts';
import { readVersion } from './help.ts';

/** Opens the account for one command, which prints for people and so logs nothing. */
export function connectQuietly(settings: Settings): Promise<Connection> {
  return connect({ settings, version: readVersion(), log: createLogger({ ...settings, log_level: 'silent' }) });
}

/** One line on who is signed in; costs two calls. @throws DriveError */
export async function describeAccount({ drive }: Connection): Promise<string> {
  return formatAccount(await drive.fetchAccount(), await drive.fetchQuota());
}

/**
 * Runs a command on the account and prints the line that it returns, or why there is none.
 * @returns the exit code
 */
export async function printFromAccount(
  settings: Settings,
  ask: (connection: Connection) => Promise<string>,
): Promise<number> {
  const connection = await connectQuietly(settings);
  try {
    process.stdout.write(`${await ask(connection)}\n`);
    return 0;
  } catch (error) {
    if (!isDriveError(error)) throw error;
    process.stderr.write(`alidav: ${error.message}\n`);
    return 1;
  } finally {
    await connection.close();
  }
}
