import { mkdtemp, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { type App, createApp } from '../app.ts';
import { type Config, withDemoSettings } from '../config/load.ts';
import type { Settings } from '../config/schema.ts';
import { createLogger, type Logger } from '../log.ts';
import { findsNoAccount } from './finds-no-account.ts';
import { readVersion } from './help.ts';
import { findOutsideAddress, formatStartScreen } from './start-screen.ts';

/** How long running answers may take once the process is told to end, and the process itself. */
const GRACE_MS = 9_000;
const END_WITHIN_MS = 10_000;
const NAME_WITHIN_MS = 3_000;

/** Serves until SIGTERM or SIGINT. @returns the exit code */
export async function serve(config: Config, command: 'serve' | 'demo'): Promise<number> {
  const isDemo = command === 'demo' || (await findsNoAccount(config));
  const log = createLogger(config.settings);
  const stopSignal = waitForSignal();
  const demo = isDemo ? await startDemo(config.settings) : undefined;
  try {
    const settings = demo?.settings ?? config.settings;
    const app = await createApp({ settings, version: readVersion(), log });
    try {
      const { url } = await app.start();
      await announce(app, url, settings, isDemo, log);
      const signal = await stopSignal;
      log.info({ signal }, 'stopping');
      // What still waits for the service then is cut off as by a power cut, which loses nothing that is stored.
      setTimeout(() => process.exit(0), END_WITHIN_MS).unref();
    } finally {
      await app.stop(GRACE_MS);
    }
  } finally {
    await demo?.close();
  }
  return 0;
}

/**
 * The demo's account lives as long as its service, so its state does too, in a folder that no other demo shares: all of
 * them have the same user.
 */
async function startDemo(settings: Settings): Promise<{ settings: Settings; close(): Promise<void> }> {
  const stateDir = await mkdtemp(path.join(tmpdir(), 'alidav-demo-'));
  // Only a demo pays for loading it.
  const { startEmulator } = await import('../emulator/emulator.ts');
  const emulator = await startEmulator();
  return {
    settings: {
      // Of the official API, whose links live 15 minutes: browsers are streamed to, and so show files in place.
      ...withDemoSettings(settings),
      state_dir: stateDir,
      api_url: emulator.apiUrl,
      auth_url: emulator.authUrl,
      open_url: emulator.openUrl,
      client_id: emulator.client.id,
      client_secret: emulator.client.secret,
      refresh_token: emulator.refreshTokens.open,
    },
    async close() {
      await emulator.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** Tells scripts on stdout, at whatever log level, and people on stderr, if that is a terminal. */
async function announce(app: App, url: string, settings: Settings, isDemo: boolean, log: Logger): Promise<void> {
  const served = isDemo ? 'the embedded demo drive' : 'an AliyunDrive account';
  log.child({}, { level: 'info' }).info({ url, served }, 'listening');
  if (!process.stderr.isTTY) return;
  const account = isDemo ? served : `${served}: ${await describeAccount(app)}`;
  const outsideAddress = findOutsideAddress(networkInterfaces());
  const facts = { version: readVersion(), url, served: account, isDemo, settings, outsideAddress };
  process.stderr.write(formatStartScreen(facts));
}

/** Whose account it is, or why that is not known; a person waits for it for a moment, not longer. */
async function describeAccount({ connection: { drive, account } }: App): Promise<string> {
  try {
    const { nickName, userId } = await drive.fetchAccount(AbortSignal.timeout(NAME_WITHIN_MS));
    return `${nickName} (${userId})`;
  } catch {
    return account.status().message ?? 'not signed in yet, AliyunDrive does not answer';
  }
}

function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  });
}
