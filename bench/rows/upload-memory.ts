import { type ClientRequest, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, time } from '../measure.ts';
import type { Row } from '../row.ts';
import { type Server, type Service, type Stage, startServer } from '../stage.ts';

const AT_ONCE = 10;
const READ_BYTES = 2 ** 30;
/** Of each reader: as slow as a film. */
const PAUSE_MS = 20;
const SAMPLE_MS = 250;

/** What ten large uploads beside ten slow readers cost, with little memory to collect in. */
export async function benchUploadMemory({ service, size }: Stage): Promise<Row[]> {
  const sizeBytes = (size === 'short' ? 256 : 1024) * 2 ** 20;
  await service.plant({ name: 'read.bin', sparse_size: READ_BYTES });
  const flags = ['--max-old-space-size=128'];
  const server = await startServer(service, 'app', { ALIDAV_DELIVERY: 'stream' }, flags);
  try {
    const { peak, growth } = await measure(service, server, sizeBytes);
    const name = `${AT_ONCE} PUTs of ${sizeBytes / 2 ** 20} MiB beside ${AT_ONCE} slow GETs`;
    return [
      { name: `${name}: memory`, compares: 'highest RSS', figure: peak, unit: 'MB', bound: 200, better: 'lower' },
      {
        name: `${name}: growth`,
        compares: "RSS, the last quarter's mean less the second's",
        figure: growth,
        unit: 'MB',
        bound: 10,
        better: 'lower',
      },
    ];
  } finally {
    await server.stop();
  }
}

/** MB. */
async function measure(service: Service, server: Server, sizeBytes: number): Promise<{ peak: number; growth: number }> {
  const readers = Array.from({ length: AT_ONCE }, () => readSlowly(`${server.url}/read.bin`));
  const samples: number[] = [];
  let isOver = false;
  const uploads = Promise.all(
    Array.from({ length: AT_ONCE }, (_, index) => put(`${server.url}/written-${index}.bin`, sizeBytes)),
  ).finally(() => {
    isOver = true;
  });
  // Its failure is seen where it is awaited.
  uploads.catch(() => undefined);
  while (!isOver) {
    await sleep(SAMPLE_MS);
    samples.push(server.memory().rss / 2 ** 20);
  }
  for (const reader of readers) reader.destroy();
  await uploads;
  for (let index = 0; index < AT_ONCE; index++) {
    await service.control('delete', { drive_id: service.driveId, path: `/written-${index}.bin` });
  }
  const quarter = Math.floor(samples.length / 4);
  return {
    peak: server.memory().peak / 2 ** 20,
    growth: mean(samples.slice(-quarter)) - mean(samples.slice(quarter, 2 * quarter)),
  };
}

function readSlowly(url: string): ClientRequest {
  return get(url, { agent: false }, (answer) => {
    answer.on('error', () => undefined);
    answer.on('data', () => {
      answer.pause();
      setTimeout(() => answer.resume(), PAUSE_MS);
    });
  }).on('error', () => undefined);
}

async function put(url: string, bodyBytes: number): Promise<void> {
  const connection = createConnection();
  const { status } = await time(connection, { url, method: 'PUT', bodyBytes });
  connection.destroy();
  if (status !== 201) throw new Error(`${url} answered a PUT with ${status}`);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
