import type { Config } from '../config/load.ts';
import { hasHeldAccount } from '../state/credentials.ts';
import { describeAccount, printFromAccount } from './on-account.ts';

/** Prints who is signed in. A stored access token that lives is used as it is, so that nothing rotates. @returns the exit code */
export async function whoami({ settings }: Config): Promise<number> {
  if (settings.refresh_token === undefined && !(await hasHeldAccount(settings.state_dir))) {
    process.stderr.write('alidav: nobody is signed in; "alidav login" does that.\n');
    return 1;
  }
  return printFromAccount(settings, describeAccount);
}
