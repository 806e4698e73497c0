import { parseArgs } from 'node:util';
import { type Emulator, type EmulatorOptions, startEmulator } from './emulator.ts';
import { isSettingName } from './settings.ts';

const USAGE = `usage: emulator [--host ADDRESS] [--port N] [--content demo|empty] [--limits real|none]
                [--latency-ms N] [--access-token-ttl-s N] [--link-ttl-s N] [--set NAME=JSON]...`;

/** Prints where it listens and what signs in as one line of JSON; ends on SIGTERM and SIGINT. */
async function main(): Promise<void> {
  let emulator: Emulator;
  try {
    emulator = await startEmulator(readOptions());
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  const { apiUrl, authUrl, openUrl, storageUrl, controlUrl, refreshTokens, client, userId, drives } = emulator;
  const line = { apiUrl, authUrl, openUrl, storageUrl, controlUrl, refreshTokens, client, userId, drives };
  console.log(JSON.stringify(line));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void emulator.close());
}

/** Settings come by flags of their own or by `--set`; `startEmulator` checks their values. */
function readOptions(): EmulatorOptions {
  const { values } = parseArgs({
    options: {
      host: { type: 'string' },
      port: { type: 'string', default: '0' },
      content: { type: 'string', default: 'demo' },
      limits: { type: 'string' },
      'latency-ms': { type: 'string' },
      'access-token-ttl-s': { type: 'string' },
      'link-ttl-s': { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
    },
  });
  const { content } = values;
  const port = Number(values.port);
  if (content !== 'demo' && content !== 'empty') throw new Error('--content must be demo or empty.');
  if (!Number.isInteger(port) || port < 0 || port > 65_531) throw new Error('--port must be a number from 0 to 65531.');
  const settings: Record<string, unknown> = Object.fromEntries(values.set.map(readSetting));
  if (values.limits !== undefined) settings.limits = values.limits;
  if (values['latency-ms'] !== undefined) settings.latencyMs = Number(values['latency-ms']);
  if (values['access-token-ttl-s'] !== undefined)
    settings.accessTokenTtlMs = Number(values['access-token-ttl-s']) * 1000;
  if (values['link-ttl-s'] !== undefined) settings.linkTtlMs = Number(values['link-ttl-s']) * 1000;
  return { ...settings, content, port, ...(values.host !== undefined && { host: values.host }) };
}

/** `linkTtlMs=2000`, `limits=real`: the value is JSON, or else the word itself. */
function readSetting(text: string): [string, unknown] {
  const [name = '', ...rest] = text.split('=');
  const value = rest.join('=');
  if (!isSettingName(name)) throw new Error(`There is no setting ${name}.`);
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value];
  }
}

await main();
