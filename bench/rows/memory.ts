import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, time } from '../measure.ts';
import { plantFiles, propfind, propfindFiles } from '../propfind.ts';
import type { Row } from '../row.ts';
import { type Stage, withServer } from '../stage.ts';

const CACHED = [50_000, 49_999];
const SETTLING_MS = 5_000;

/** Resident memory of a process that has nothing to do, and of one that remembers large folders. */
export async function benchMemory({ service }: Stage): Promise<Row[]> {
  for (const count of CACHED) await plantFiles(service, count);
  return withServer(service, {}, async (server) => {
    const rss = async () => {
      await sleep(SETTLING_MS);
      return server.memory().rss / 2 ** 20;
    };
    await time(createConnection(), propfind(`${server.url}/`));
    const idle = await rss();
    for (const count of CACHED) await time(createConnection(), propfindFiles(server.url, count));
    return [
      { name: 'idle', compares: 'RSS', figure: idle, unit: 'MB', bound: 120, better: 'lower' },
      {
        name: '100,000 entries cached',
        compares: 'RSS beyond the idle one',
        figure: (await rss()) - idle,
        unit: 'MB',
        bound: 110,
        better: 'lower',
      },
    ];
  });
}
