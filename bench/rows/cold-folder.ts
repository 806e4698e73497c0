import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, median, type Timing, time } from '../measure.ts';
import { plantFiles, propfind, propfindFiles } from '../propfind.ts';
import type { Row } from '../row.ts';
import { LISTS_PER_SECOND, type Stage, startServer } from '../stage.ts';

const PAGE_MS = 100;
const RESTARTS = 5;

export const COLD_FOLDER_SERVICE: Readonly<Record<string, unknown>> = { limits: 'real', latencyMs: PAGE_MS };

/** A huge folder that nobody has seen yet, under the open API's limits, and the same after a restart. */
export async function benchColdFolder({ service, size }: Stage): Promise<Row[]> {
  const entries = size === 'short' ? 4_000 : 20_000;
  await plantFiles(service, entries);
  let server = await startServer(service, 'open');
  try {
    const timeListing = async (): Promise<Timing> => {
      const chunks: Buffer[] = [];
      const onData = (chunk: Buffer) => chunks.push(chunk);
      const timing = await time(createConnection(), { ...propfindFiles(server.url, entries), onData });
      const responses = Buffer.concat(chunks).toString().split('<D:response>').length - 1;
      if (responses !== entries + 1) throw new Error(`${responses} responses for ${entries} entries and their folder`);
      return timing;
    };
    // The login and the way to the folder are not the folder's, nor is the pause that is due after a listing.
    await time(createConnection(), propfind(`${server.url}/`));
    await sleep(1000);
    const before = await service.calls();
    const cold = await timeListing();
    const pages = (await service.calls()) - before;
    const afterRestart: number[] = [];
    for (let restart = 0; restart < RESTARTS; restart++) {
      server = await server.restart();
      afterRestart.push((await timeListing()).totalMs);
    }
    const relisted = (await service.calls()) - before - pages;
    const name = `cold folder of ${entries.toLocaleString('en')} entries, ${PAGE_MS} ms a page`;
    return [
      {
        name: `${name}: first byte`,
        compares: "longer than a page's time",
        figure: cold.firstByteMs - PAGE_MS,
        unit: 'ms',
        bound: 100,
        better: 'lower',
      },
      {
        name: `${name}: whole`,
        compares: `time / ${pages} pages at ${LISTS_PER_SECOND} a second`,
        figure: cold.totalMs / ((pages / LISTS_PER_SECOND) * 1000),
        unit: '×',
        bound: 1.1,
        better: 'lower',
      },
      {
        name: `${entries.toLocaleString('en')} entries after a restart`,
        compares: `the first PROPFIND of the new process, median of ${RESTARTS}`,
        figure: median(afterRestart),
        unit: 'ms',
        bound: 200,
        better: 'lower',
      },
      {
        name: `${entries.toLocaleString('en')} entries after a restart: calls`,
        compares: 'calls to the API',
        figure: relisted,
        unit: 'calls',
        bound: 0,
        better: 'lower',
      },
    ];
  } finally {
    await server.stop();
  }
}
