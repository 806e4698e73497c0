import { createConnection, time } from '../measure.ts';
import { propfind } from '../propfind.ts';
import type { Row } from '../row.ts';
import { type Stage, withServer } from '../stage.ts';

const ENTRIES = 2_000;
const PAGES = ENTRIES / 200;

/** How many calls the account pays for what people do. */
export async function benchCalls({ service }: Stage): Promise<Row[]> {
  const counted = await service.plant({ name: 'counted' });
  await service.plant({ parent_file_id: counted, name: 'a#.txt', text: '', count: ENTRIES });
  await service.plant({ name: 'film.mp4', sparse_size: 2 ** 30 });
  return withServer(service, { ALIDAV_DELIVERY: 'stream' }, async (server) => {
    const connection = createConnection();
    await time(connection, propfind(`${server.url}/`));
    const during = async (work: () => Promise<unknown>) => {
      const before = await service.calls();
      await work();
      return (await service.calls()) - before;
    };
    const row = (name: string, figure: number, bound: number): Row => ({
      name,
      compares: 'calls to the API',
      figure,
      unit: 'calls',
      bound,
      better: 'lower',
    });
    const sixteen = <T>(work: () => Promise<T>) => Promise.all(Array.from({ length: 16 }, work));
    return [
      row(
        `cold folder of ${ENTRIES} entries, asked for 16 times at once`,
        await during(() => sixteen(() => time(createConnection(), propfind(`${server.url}/counted/`)))),
        PAGES,
      ),
      row('the same folder warm', await during(() => time(connection, propfind(`${server.url}/counted/`))), 0),
      row('HEAD', await during(() => time(connection, { url: `${server.url}/film.mp4`, method: 'HEAD' })), 0),
      row(
        "a player's 200 seeks in one file",
        await during(async () => {
          for (let seek = 0; seek < 200; seek++) {
            const first = (seek * 5_000_011) % 2 ** 30;
            const headers = { Range: `bytes=${first}-${first + 1023}` };
            await time(connection, { url: `${server.url}/film.mp4`, headers });
          }
        }),
        1,
      ),
    ];
  });
}
