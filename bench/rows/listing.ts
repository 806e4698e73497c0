import { performance } from 'node:perf_hooks';
import { createConnection, inTurn, median, type RequestSpec, time } from '../measure.ts';
import { FINDER_BODY, plantFiles, propfindFiles } from '../propfind.ts';
import type { Row } from '../row.ts';
import { type Server, type Stage, withServer } from '../stage.ts';

const COUNTS = [10_000, 50_000];

/** PROPFIND of cached folders against a server that renders the same XML from an array. */
export async function benchListing({ service, bare, size }: Stage): Promise<Row[]> {
  for (const count of COUNTS) await plantFiles(service, count);
  return withServer(service, {}, async (server) => {
    const connection = createConnection();
    for (const count of COUNTS) await time(connection, propfindFiles(server.url, count));
    const rounds = size === 'short' ? 5 : 15;
    const rows = await benchCount(server, bare, 10_000, rounds);
    rows.push(await benchNeighbour(server, propfindFiles(server.url, 50_000)), {
      name: 'PROPFIND Depth 1, 50,000 entries: memory',
      compares: "the process's peak RSS",
      figure: server.memory().peak / 2 ** 20,
      unit: 'MB',
      bound: 170,
      better: 'lower',
    });
    rows.push(...(await benchCount(server, bare, 50_000, rounds)));
    return rows;
  });
}

async function benchCount(server: Server, bare: Server, count: number, rounds: number): Promise<Row[]> {
  const connection = createConnection();
  const rows: Row[] = [];
  for (const [name, body, path] of [
    ['empty body', '', '/allprop'],
    ["Finder's body", FINDER_BODY, '/finder'],
  ] as const) {
    const firstBytes: number[] = [];
    const { ratio } = await inTurn(
      rounds,
      async () => {
        const timing = await time(connection, propfindFiles(server.url, count, body));
        firstBytes.push(timing.firstByteMs);
        return timing.totalMs;
      },
      async () => (await time(connection, { url: `${bare.url}${path}?count=${count}` })).totalMs,
    );
    const what = `PROPFIND Depth 1, ${count.toLocaleString('en')} entries, ${name}`;
    rows.push(
      { name: what, compares: 'time / bare server', figure: ratio, unit: '×', bound: 1.5, better: 'lower' },
      {
        name: `${what}: first byte`,
        compares: 'median',
        figure: median(firstBytes),
        unit: 'ms',
        bound: 20,
        better: 'lower',
      },
    );
  }
  return rows;
}

/** How long a neighbour waits at worst for an OPTIONS while a huge listing is rendered. */
async function benchNeighbour(server: Server, listing: RequestSpec): Promise<Row> {
  const [own, other] = [createConnection(), createConnection()];
  const worst: number[] = [];
  for (let round = 0; round < 5; round++) {
    let rendering = true;
    const rendered = time(own, listing).finally(() => {
      rendering = false;
    });
    let longest = 0;
    while (rendering) {
      const started = performance.now();
      await time(other, { url: `${server.url}/`, method: 'OPTIONS' });
      longest = Math.max(longest, performance.now() - started);
    }
    await rendered;
    worst.push(longest);
  }
  return {
    name: 'OPTIONS during a PROPFIND of 50,000 entries',
    compares: 'the longest wait of a rendering, median of 5',
    figure: median(worst),
    unit: 'ms',
    bound: 60,
    better: 'lower',
  };
}
