import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Config } from '../config/load.ts';
import { connect } from '../connection.ts';
import { isDriveError } from '../drive/errors.ts';
import { createLogger } from '../log.ts';
import { formatAccount } from './format.ts';
import { readVersion } from './help.ts';

/** Stores the account of a refresh token that is set, pasted, or piped in. @returns the exit code */
export async function login({ settings }: Config): Promise<number> {
  const token = (settings.refresh_token ?? (await readToken())).trim();
  if (token === '') {
    process.stderr.write('alidav: no refresh token was given.\n');
    return 2;
  }
  const log = createLogger({ ...settings, log_level: 'silent' });
  const connection = await connect({ settings, version: readVersion(), log });
  try {
    await connection.account.signIn(token);
    const account = await connection.drive.fetchAccount();
    const quota = await connection.drive.fetchQuota();
    process.stdout.write(`Signed in: ${formatAccount(account, quota)}\n`);
    return 0;
  } catch (error) {
    if (!isDriveError(error)) throw error;
    process.stderr.write(`alidav: ${error.message}\n`);
    return 1;
  } finally {
    await connection.close();
  }
}

/** From a terminal without showing it, from a pipe whole. */
async function readToken(): Promise<string> {
  if (!process.stdin.isTTY) return text(process.stdin);
  process.stderr.write(
    'Paste the refresh token: of the web page, of the app, or of the open platform (the README tells where to find it).\nIt is not shown. Then press Enter: ',
  );
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
