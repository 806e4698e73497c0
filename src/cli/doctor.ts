import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Config, ConfigError } from '../config/load.ts';
import type { Settings } from '../config/schema.ts';
import type { Connection } from '../connection.ts';
import type { TokenKind } from '../state/account-status.ts';
import { CLIENT_ADVICE } from './advice.ts';
import { UsageError } from './arguments.ts';
import { findsNoAccount } from './finds-no-account.ts';
import { connectQuietly, describeAccount } from './on-account.ts';

/** One thing looked at: what was found, or what is wrong and what to do about it. */
interface Finding {
  readonly subject: string;
  readonly isFine: boolean;
  readonly text: string;
}

/** More than this makes signed links look expired. */
const CLOCK_TOLERANCE_MS = 60_000;
const REACH_WITHIN_MS = 10_000;

/** Looks at everything that can be broken, and prints it. @returns the exit code: 1 if anything is */
export async function doctor(readConfig: () => Config, client: string | undefined): Promise<number> {
  const advice = client === undefined ? undefined : CLIENT_ADVICE[client];
  if (client !== undefined && advice === undefined) {
    throw new UsageError(`--client knows ${Object.keys(CLIENT_ADVICE).join(', ')}.`);
  }
  let isFine = true;
  const print = ({ subject, isFine: fine, text }: Finding) => {
    isFine &&= fine;
    process.stdout.write(`${fine ? 'ok    ' : 'BROKEN'} ${subject.padEnd(14)}${text}\n`);
  };
  const config = examineConfig(readConfig, print);
  if (config) {
    print(await examineStateDir(config.settings.state_dir));
    for (const finding of await examineHosts(config.settings)) print(finding);
    for (const finding of await examineLogin(config)) print(finding);
  }
  if (advice) process.stdout.write(`\n${client}:\n${advice.map((line) => `  ${line}\n`).join('')}`);
  return isFine ? 0 : 1;
}

function examineConfig(readConfig: () => Config, print: (finding: Finding) => void): Config | undefined {
  try {
    const config = readConfig();
    print({ subject: 'configuration', isFine: true, text: 'every setting is understood' });
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const finding of toFindings('configuration', error)) print(finding);
    return undefined;
  }
}

function toFindings(subject: string, { problems }: ConfigError): Finding[] {
  return problems.map(({ setting, message }) => ({ subject, isFine: false, text: `${setting} ${message}` }));
}

async function examineStateDir(dir: string): Promise<Finding> {
  const subject = 'state folder';
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const probe = path.join(dir, `.doctor-${process.pid}`);
    await writeFile(probe, 'x', { mode: 0o600 });
    await rm(probe);
    const { mode } = await stat(dir);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      return { subject, isFine: false, text: `${dir} can be read by others: chmod 700 ${dir}` };
    }
    return { subject, isFine: true, text: `${dir} can be written, and read by you alone` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return { subject, isFine: false, text: `${dir} cannot be written (${code}): set ALIDAV_STATE_DIR to one that can` };
  }
}

/** Any answer will do: it shows the way is open, and its Date shows whether our clock is right. */
async function examineHosts({ api, api_url, auth_url, open_url }: Settings): Promise<Finding[]> {
  const web = [api_url, auth_url];
  const urls = api === 'open' ? [open_url] : api === 'auto' ? [...web, open_url] : web;
  const findings: Finding[] = [];
  let skewMs: number | undefined;
  for (const url of urls) {
    try {
      const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(REACH_WITHIN_MS) });
      const date = Date.parse(answer.headers.get('date') ?? '');
      if (!Number.isNaN(date)) skewMs = Date.now() - date;
      findings.push({ subject: 'upstream', isFine: true, text: `${url} answers` });
    } catch {
      const text = `${url} does not answer: look at the network, a proxy, a firewall`;
      findings.push({ subject: 'upstream', isFine: false, text });
    }
  }
  return skewMs === undefined ? findings : [...findings, toClockFinding(skewMs)];
}

function toClockFinding(skewMs: number): Finding {
  const subject = 'clock';
  if (Math.abs(skewMs) <= CLOCK_TOLERANCE_MS) return { subject, isFine: true, text: 'agrees with the service' };
  const amount = `${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead' : 'behind'}`;
  return { subject, isFine: false, text: `this clock is ${amount}: set it, links and tokens depend on it` };
}

/** What the service allows each kind of login, as far as it is published. */
const LIMITS: Readonly<Record<TokenKind, string>> = {
  open: '3 downloads at a time, links live 15 minutes, 4 listings and 1 link a second: alidav keeps to them',
  app: 'none are published; alidav makes 8 listings and 4 links a second at most, 16 downloads at a time',
  page: 'as for the app; every byte passes through alidav, for its links cannot be handed on',
};

async function examineLogin(config: Config): Promise<Finding[]> {
  const subject = 'login';
  let connection: Connection | undefined;
  try {
    if (await findsNoAccount(config)) {
      return [{ subject, isFine: true, text: 'none yet: the demo is served; "alidav login" stores an account' }];
    }
    connection = await connectQuietly(config.settings);
    const account: Finding = { subject, isFine: true, text: await describeAccount(connection) };
    const kind = connection.account.identity?.kind;
    return kind ? [account, { subject: 'limits', isFine: true, text: LIMITS[kind] }] : [account];
  } catch (error) {
    if (error instanceof ConfigError) return toFindings(subject, error);
    return [{ subject, isFine: false, text: error instanceof Error ? error.message : String(error) }];
  } finally {
    await connection?.close();
  }
}
