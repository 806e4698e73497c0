import { performance } from 'node:perf_hooks';
import { createConnection, inTurn, median, type RequestSpec, time } from '../measure.ts';
import type { Row } from '../row.ts';
import { type Server, type Service, withServer } from '../stage.ts';

const FINDER_BODY =
  '<?xml version="1.0" encoding="utf-8"?>\n<D:propfind xmlns:D="DAV:">\n<D:prop>\n<D:getlastmodified/>\n<D:getcontentlength/>\n<D:creationdate/>\n<D:resourcetype/>\n</D:prop>\n</D:propfind>\n';

/** PROPFIND of cached folders against a server that renders the same XML from an array. */
export async function benchListing(service: Service, bare: Server): Promise<Row[]> {
  const drive_id = String((service.ready.drives as Record<string, unknown>).backup);
  for (const count of [10_000, 50_000]) {
    const { file_id } = await service.control('entries', { drive_id, name: `files-${count}` });
    await service.control('entries', { drive_id, parent_file_id: file_id, name: 'file-#.txt', text: '', count });
  }
  return withServer(service, {}, async (server) => {
    const propfind = (count: number, body = ''): RequestSpec => ({
      url: `${server.url}/files-${count}/`,
      method: 'PROPFIND',
      headers: { Depth: '1', 'Content-Length': String(Buffer.byteLength(body)) },
      body,
    });
    const connection = createConnection();
    for (const count of [10_000, 50_000]) await time(connection, propfind(count));

    const rows: Row[] = [];
    for (const [name, body, path] of [
      ['empty body', '', '/allprop'],
      ["Finder's body", FINDER_BODY, '/finder'],
    ] as const) {
      const firstBytes: number[] = [];
      const { ratio } = await inTurn(
        15,
        async () => {
          const timing = await time(connection, propfind(10_000, body));
          firstBytes.push(timing.firstByteMs);
          return timing.totalMs;
        },
        async () => (await time(connection, { url: `${bare.url}${path}?count=10000` })).totalMs,
      );
      const what = `PROPFIND Depth 1, 10,000 entries, ${name}`;
      rows.push(
        { name: what, compares: 'time / bare server', figure: ratio, unit: '×', bound: 1.7, better: 'lower' },
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
    rows.push(await benchNeighbour(server, propfind(50_000)), {
      name: 'PROPFIND Depth 1, 50,000 entries: memory',
      compares: "the process's peak RSS",
      figure: server.memory().peak / 2 ** 20,
      unit: 'MB',
      bound: 170,
      better: 'lower',
    });
    return rows;
  });
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
