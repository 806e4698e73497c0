import { performance } from 'node:perf_hooks';
import { atATime, createConnection, time } from '../measure.ts';
import { propfind } from '../propfind.ts';
import type { Row } from '../row.ts';
import { type Service, type Stage, withServer } from '../stage.ts';

const AT_ONCE = 70;
const FILES = { short: 40, usual: 200, full: 2_000 } as const;
const FILE_BYTES = 700 * 2 ** 20;
const END_BYTES = 64 * 1024;

/** A media library that looks at both ends of every film, and again the next day. */
export async function benchScan({ service, size }: Stage): Promise<Row[]> {
  const count = FILES[size];
  await service.plant({ name: 'film-#.mkv', sparse_size: FILE_BYTES, count });
  return withServer(service, {}, async (server) => {
    await time(createConnection(), propfind(`${server.url}/`));
    const films = Array.from({ length: count }, (_, index) => `/film-${String(index + 1).padStart(5, '0')}.mkv`);
    const scan = () => atATime(AT_ONCE, films, (film) => look(`${server.url}${film}`));
    const firstMs = await elapsedMs(scan);
    const before = await countAll(service);
    const secondMs = await elapsedMs(scan);
    const name = `second scan of a library of ${count} films, ${AT_ONCE} at a time`;
    return [
      {
        name,
        compares: 'calls to the API and bodies of the storage host',
        figure: (await countAll(service)) - before,
        unit: 'calls',
        bound: 0,
        better: 'lower',
      },
      {
        name: `${name}: time`,
        compares: 'time / that of the first, which waits for links at our own pace',
        figure: secondMs / firstMs,
        unit: '×',
        bound: 0.2,
        better: 'lower',
      },
    ];
  });
}

/** HEAD, then the first and the last 64 KiB. */
async function look(url: string): Promise<void> {
  const connection = createConnection();
  await time(connection, { url, method: 'HEAD' });
  for (const range of [`bytes=0-${END_BYTES - 1}`, `bytes=-${END_BYTES}`]) {
    const { status, bytes } = await time(connection, { url, headers: { Range: range } });
    if (status !== 206 || bytes !== END_BYTES) throw new Error(`${range} of ${url}: ${status}, ${bytes} bytes`);
  }
  connection.destroy();
}

async function countAll(service: Service): Promise<number> {
  return (await service.calls()) + (await service.calls('storage'));
}

async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
