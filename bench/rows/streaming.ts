import { type ClientRequest, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, inTurn, time } from '../measure.ts';
import type { Row } from '../row.ts';
import { type Server, type Service, type Stage, withServer } from '../stage.ts';

const STREAMED_BYTES = 512 * 2 ** 20;
const SLOW_READERS = 16;

/** Streaming through us against a bare proxy of the same upstream, and what slow readers cost. */
export async function benchStreaming({ service, bare }: Stage): Promise<Row[]> {
  await service.plant({ name: 'streamed.bin', sparse_size: 2 * 2 ** 30 });
  return [await benchThroughput(service, bare), await benchSlowReaders(service)];
}

async function benchThroughput(service: Service, bare: Server): Promise<Row> {
  return withServer(service, { ALIDAV_DELIVERY: 'stream' }, async (server) => {
    const range = `bytes=0-${STREAMED_BYTES - 1}`;
    const upstream = await findLink(service);
    const bytesPerMs = async (url: string) => {
      const connection = createConnection();
      const { totalMs, bytes } = await time(connection, { url, headers: { range } });
      connection.destroy();
      if (bytes !== STREAMED_BYTES) throw new Error(`${bytes} bytes of ${STREAMED_BYTES}`);
      return bytes / totalMs;
    };
    // Three processes share the cores, so single pairs differ by a third.
    const { ratio } = await inTurn(
      15,
      () => bytesPerMs(`${server.url}/streamed.bin`),
      () => bytesPerMs(`${bare.url}/proxy?upstream=${encodeURIComponent(upstream)}`),
    );
    return {
      name: 'streaming 512 MiB',
      compares: 'throughput / bare proxy of the same upstream',
      figure: ratio,
      unit: '×',
      bound: 0.85,
      better: 'higher',
    };
  });
}

async function benchSlowReaders(service: Service): Promise<Row> {
  return withServer(service, { ALIDAV_DELIVERY: 'stream' }, async (server) => {
    return {
      name: `${SLOW_READERS} slow readers of 2 GiB: memory`,
      compares: 'highest RSS over 20 s',
      figure: (await measureSlowReaders(`${server.url}/streamed.bin`, server)) / 2 ** 20,
      unit: 'MB',
      bound: 130,
      better: 'lower',
    };
  });
}

/** A link to the streamed file, as the service gives it to a client of its own. */
function findLink(service: Service): Promise<string> {
  return withServer(service, { ALIDAV_DELIVERY: 'redirect' }, async (server) => {
    const answer = await fetch(`${server.url}/streamed.bin`, { redirect: 'manual' });
    return answer.headers.get('location') ?? '';
  });
}

async function measureSlowReaders(url: string, server: Server): Promise<number> {
  const readers: ClientRequest[] = Array.from({ length: SLOW_READERS }, () =>
    get(url, { agent: false }, (answer) => {
      answer.on('error', () => undefined);
      answer.on('data', () => {
        answer.pause();
        setTimeout(() => answer.resume(), 20);
      });
    }).on('error', () => undefined),
  );
  let highest = 0;
  for (let second = 0; second < 20; second++) {
    await sleep(1_000);
    highest = Math.max(highest, server.memory().rss);
  }
  for (const reader of readers) reader.destroy();
  return highest;
}
