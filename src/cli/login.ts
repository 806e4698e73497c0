import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Config } from '../config/load.ts';
import { describeAccount, printFromAccount } from './on-account.ts';

/** Stores the account of a refresh token that is pasted, piped in, or set. @returns the exit code */
export async function login({ settings }: Config): Promise<number> {
  const token = (await readToken(settings.refresh_token)).trim();
  if (token === '') {
    process.stderr.write('alidav: no refresh token was given.\n');
    return 2;
  }
  return printFromAccount(settings, async (connection) => {
    await connection.account.signIn(token);
    return `Signed in: ${await describeAccount(connection)}`;
  });
}

/**
 * A person is always asked, for the token that is set may be the one that died. A script means the one that is set, and
 * pipes one in where none is.
 */
async function readToken(configured: string | undefined): Promise<string> {
  if (!process.stdin.isTTY) return configured ?? text(process.stdin);
  const alternative = configured === undefined ? '' : ' (Enter alone takes the one in ALIDAV_REFRESH_TOKEN)';
  process.stderr.write(
    `Paste the refresh token of the web page, the app or the open platform${alternative}.\nIt is not shown. Then press Enter: `,
  );
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return (await lines.question('')) || (configured ?? '');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
