import { get, type IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, time } from '../measure.ts';
import type { Row } from '../row.ts';
import { type OwnServer, type Stage, withServer } from '../stage.ts';

const GIB = 2 ** 30;
const READERS = 8;

/** What an ordinary account's narrow connections bring one reader, and eight. */
export async function benchReading({ service, size }: Stage): Promise<Row[]> {
  for (let film = 0; film < READERS; film++) await service.plant({ name: `film-${film}.mkv`, sparse_size: 20 * GIB });
  return withServer(
    service,
    { ALIDAV_DELIVERY: 'stream' },
    async (server) => {
      const rows = [await benchOneReader(server, size === 'short' ? 15_000_000 : 60_000_000)];
      rows.push(...(await benchEightReaders(server, size === 'short' ? 15 : 40)));
      const { peakOpen, refused } = await service.bodies();
      return [
        ...rows,
        {
          name: 'bodies at the storage host at a time',
          compares: 'at most, of one reader and of eight',
          figure: peakOpen,
          unit: 'bodies',
          bound: 3,
          better: 'lower',
        },
        {
          name: 'bodies that the storage host refused',
          compares: 'of one reader and of eight',
          figure: refused,
          unit: 'bodies',
          bound: 0,
          better: 'lower',
        },
      ];
    },
    'open',
  );
}

async function benchOneReader({ url }: OwnServer, bytes: number): Promise<Row> {
  const headers = { Range: `bytes=0-${bytes - 1}` };
  const timing = await time(createConnection(), { url: `${url}/film-0.mkv`, headers });
  if (timing.bytes !== bytes) throw new Error(`${timing.bytes} bytes of ${bytes}`);
  return {
    name: `one reader of ${bytes / 1e6} MB`,
    compares: 'over connections of 500 KB/s each, from the request to the last byte',
    figure: bytes / 1e3 / timing.totalMs,
    unit: 'MB/s',
    bound: 1.4,
    better: 'higher',
  };
}

/** Eight readers of eight films whose links are known: the service gives out one a second. */
async function benchEightReaders({ url }: OwnServer, seconds: number): Promise<Row[]> {
  for (let film = 0; film < READERS; film++) {
    await time(createConnection(), { url: `${url}/film-${film}.mkv`, headers: { Range: `bytes=${GIB}-${GIB}` } });
  }
  const waitsMs: number[] = [];
  const wrong: (number | undefined)[] = [];
  const leaving = Array.from({ length: READERS }, (_, film) => {
    let lastAt = performance.now();
    const note = () => {
      waitsMs.push(performance.now() - lastAt);
      lastAt = performance.now();
    };
    const onAnswer = (answer: IncomingMessage) => {
      if (answer.statusCode !== 200) wrong.push(answer.statusCode);
      answer.on('data', note).on('error', () => wrong.push(undefined));
    };
    const request = get(`${url}/film-${film}.mkv`, { agent: false }, onAnswer).on('error', () => wrong.push(undefined));
    return () => {
      request.removeAllListeners('error').on('error', () => undefined);
      note();
      request.destroy();
    };
  });
  await sleep(seconds * 1000);
  const errors = wrong.length;
  for (const leave of leaving) leave();
  return [
    {
      name: `${READERS} readers of ${READERS} films`,
      compares: `the longest that one of them waited for a byte, over ${seconds} s`,
      figure: Math.max(...waitsMs) / 1000,
      unit: 's',
      bound: 5,
      better: 'lower',
    },
    {
      name: `${READERS} readers: errors`,
      compares: 'answers other than 200, or broken off',
      figure: errors,
      unit: 'answers',
      bound: 0,
      better: 'lower',
    },
  ];
}
