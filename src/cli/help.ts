import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageDir } from '../config/sources.ts';
import { CLIENT_ADVICE } from './advice.ts';
import type { Command } from './arguments.ts';

export function readVersion(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(path.join(packageDir, 'package.json'), 'utf8'));
  return manifest.version;
}

const COMMAND_HELP: Readonly<Record<Command, string>> = {
  serve: `alidav serve [flags]
Serves the configured account over WebDAV. On a machine that never had an account it serves
the demo drive and says so.`,
  demo: `alidav demo [flags]
Serves the embedded demo drive, whatever is configured. Nothing leaves this machine.`,
  login: `alidav login [--refresh-token-file FILE]
Signs in with a refresh token, pasted at the prompt or piped in, and stores the account in the
state folder. Nothing of it is shown or logged.`,
  whoami: `alidav whoami
Prints one line a signed-in account: nick name, user id, drives, used and total space.
Exits with 1 when the stored login no longer works.`,
  doctor: `alidav doctor [--client ${Object.keys(CLIENT_ADVICE).join('|')}]
Checks configuration, state folder, clock, whether AliyunDrive can be reached and the login
works, and says what the named client needs. Exits with 1 when something is broken.`,
  link: `alidav link add [--label TEXT] [--folder /Films] [--expires 12h|30d|2027-01-31]
Prints a private address: it shows the drive, or the folder, for reading to whoever knows it,
without a password. mpv and ffmpeg are redirected there, and seek. It is shown only once.

alidav link list
One line a link: its id, when it was made, ends and was last used, its folder and its label.

alidav link remove ID
The address works no longer, at once. Exits with 1 where there is no such link.

None of them needs the network, nor the server to stop.`,
};

/** @param command undefined for the overview. */
export function formatHelp(command: Command | undefined): string {
  if (command !== undefined) return `${COMMAND_HELP[command]}\n\n${COMMON_FLAGS}`;
  return `alidav ${readVersion()}: an AliyunDrive account over WebDAV

  alidav [serve]   serve the account (the demo drive where there was never one)
  alidav demo      serve the embedded demo drive
  alidav login     store a refresh token
  alidav whoami    who is signed in, and how much space is used
  alidav doctor    what is wrong, and what to do about it
  alidav link      private addresses, for players that cannot keep a password

${COMMON_FLAGS}`;
}

const COMMON_FLAGS = `Every setting is a flag, a variable and a line of a settings file: --port 8081, ALIDAV_PORT=8081
or "port": 8081. The common ones:
  --host, --port            where to listen                     (127.0.0.1, 8080)
  --user, --password        the WebDAV credentials              (none: loopback only)
  --refresh-token           first refresh token of the account
  --drive, --root           which drive, which folder of it     (all, /)
  --delivery                redirect, stream or auto            (auto)
  --state-dir               where the login and the state are kept
  --config FILE             a settings file of your own
  --help, --version
The README lists them all.`;
