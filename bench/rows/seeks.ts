import { get, type IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, percentile, time } from '../measure.ts';
import type { Row } from '../row.ts';
import { ORDINARY_ACCOUNT, type Stage, withServer } from '../stage.ts';

const SEEKS = 200;
const FILE_BYTES = 20 * 2 ** 30;
/** Every so many seeks the storage host is asked whether the one before has left. */
const LEAVINGS = 20;

/** A player that jumps about in a film. */
export async function benchSeeks({ service }: Stage): Promise<Row[]> {
  await service.plant({ name: 'film.mkv', sparse_size: FILE_BYTES });
  return withServer(
    service,
    { ALIDAV_DELIVERY: 'stream' },
    async (server) => {
      const url = `${server.url}/film.mkv`;
      await time(createConnection(), { url, headers: { Range: `bytes=${FILE_BYTES / 2}-${FILE_BYTES / 2}` } });
      const waitsMs: number[] = [];
      let mostOpen = 0;
      for (let seek = 1; seek <= SEEKS; seek++) {
        const first = Math.floor(Math.random() * (FILE_BYTES - 2 ** 20));
        waitsMs.push(await firstByteMs(url, first));
        if (seek % (SEEKS / LEAVINGS) > 0) continue;
        await sleep(200);
        mostOpen = Math.max(mostOpen, (await service.bodies()).open);
      }
      const { refused } = await service.bodies();
      return [
        {
          name: `${SEEKS} random seeks in a file of 20 GiB`,
          compares: "to the first byte, 95 of 100, beyond the storage host's own 40 ms",
          figure: percentile(waitsMs, 95) - Number(ORDINARY_ACCOUNT.storageLatencyMs),
          unit: 'ms',
          bound: 50,
          better: 'lower',
        },
        {
          name: '200 ms after a client left',
          compares: `bodies that are still open, at most of ${LEAVINGS} times`,
          figure: mostOpen,
          unit: 'bodies',
          bound: 0,
          better: 'lower',
        },
        {
          name: `${SEEKS} random seeks: refusals`,
          compares: 'of the storage host',
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

/** Opens the file at a byte, and leaves with the first that comes. */
function firstByteMs(url: string, first: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const onAnswer = (answer: IncomingMessage) => {
      if (answer.statusCode !== 206) reject(new Error(`a seek was answered ${answer.statusCode}`));
      answer.on('error', () => undefined);
      answer.once('data', () => {
        resolve(performance.now() - started);
        request.destroy();
      });
    };
    const request = get(url, { agent: false, headers: { Range: `bytes=${first}-` } }, onAnswer);
    request.on('error', reject);
  });
}
