import { describe, expect, it } from 'vitest';
import { runCrashes } from './run-crashes.ts';

/** In every run of the tests; `npm run test:crash` takes more. */
const KILLS = Number(process.env.CRASH_KILLS ?? 30);
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const KINDS = ['app', 'open', 'page'] as const;

describe(`a server that is killed while it is written to (CRASH_SEED=${SEED})`, () => {
  it.concurrent.each(KINDS)(
    'loses, doubles and damages nothing over a login of kind %s',
    { timeout: KILLS * 20_000 },
    async (kind) => {
      const kills = Math.ceil(KILLS / KINDS.length);
      const report = await runCrashes({ kills, seed: SEED, kind });
      process.stdout.write(`${JSON.stringify({ kind, seed: SEED, ...report })}\n`);
      expect(report.problems).toEqual([]);
      expect(report.changes).toBeGreaterThan(kills);
    },
  );
});
