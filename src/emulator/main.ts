import { parseArgs } from 'node:util';
import { type EmulatorOptions, startEmulator } from './emulator.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string' },
    port: { type: 'string' },
    content: { type: 'string' },
    limits: { type: 'string' },
    'latency-ms': { type: 'string' },
    'access-token-ttl-s': { type: 'string' },
    'link-ttl-s': { type: 'string' },
  },
});

const emulator = await startEmulator(readOptions());
process.once('SIGTERM', () => void emulator.close());
process.once('SIGINT', () => void emulator.close());
const { apiUrl, authUrl, openUrl, storageUrl, controlUrl, refreshTokens, client, userId, drives } = emulator;
console.log(
  JSON.stringify({ apiUrl, authUrl, openUrl, storageUrl, controlUrl, refreshTokens, client, userId, drives }),
);

function readOptions(): EmulatorOptions {
  const number = (text: string | undefined, factor = 1) => (text === undefined ? undefined : Number(text) * factor);
  const options = {
    host: values.host,
    port: number(values.port),
    content: values.content,
    limits: values.limits,
    latencyMs: number(values['latency-ms']),
    accessTokenTtlMs: number(values['access-token-ttl-s'], 1000),
    linkTtlMs: number(values['link-ttl-s'], 1000),
  };
  // startEmulator checks the values of its settings itself.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as EmulatorOptions;
}
