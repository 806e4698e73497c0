import { performance } from 'node:perf_hooks';
import { atATime, createConnection, time } from '../measure.ts';
import { propfind } from '../propfind.ts';
import type { Row } from '../row.ts';
import { LISTS_PER_SECOND, type Stage, withServer } from '../stage.ts';

const AT_ONCE = 64;
const FOLDERS = { short: 40, usual: 200, full: 2_000 } as const;

/** A walk over many folders, as indexers and sync clients do, under the open API's limits; and the same again. */
export async function benchWalk({ service, size }: Stage): Promise<Row[]> {
  const count = FOLDERS[size];
  const targets = Array.from({ length: count }, (_, index) => `/folder-${index}/`);
  await atATime(8, targets, async (target) => {
    const parent_file_id = await service.plant({ name: target.slice(1, -1) });
    await service.plant({ parent_file_id, name: 'a#.txt', text: '', count: 3 });
  });
  return withServer(
    service,
    {},
    async (server) => {
      let errors = 0;
      const walk = async () => {
        await atATime(AT_ONCE, targets, async (target) => {
          const { status } = await time(createConnection(), propfind(`${server.url}${target}`));
          if (status !== 207) errors += 1;
        });
      };
      await time(createConnection(), propfind(`${server.url}/`));
      const started = performance.now();
      await walk();
      const seconds = (performance.now() - started) / 1000;
      const before = await service.calls();
      await walk();
      const again = (await service.calls()) - before;
      const name = `walk of ${count} folders, ${AT_ONCE} at a time`;
      return [
        {
          name,
          compares: `time / ${LISTS_PER_SECOND} listings a second`,
          figure: seconds / (count / LISTS_PER_SECOND),
          unit: '×',
          bound: 1.1,
          better: 'lower',
        },
        {
          name: `${name}: over the limit`,
          compares: 'calls that the service refused',
          figure: await service.overLimit(),
          unit: 'calls',
          bound: 0,
          better: 'lower',
        },
        {
          name: `${name}: errors`,
          compares: 'answers to the client',
          figure: errors,
          unit: 'answers',
          bound: 0,
          better: 'lower',
        },
        {
          name: `${name}, the second time`,
          compares: 'calls to the API, ALIDAV_LIST_FRESH_S=3600',
          figure: again,
          unit: 'calls',
          bound: 0,
          better: 'lower',
        },
      ];
    },
    'open',
  );
}
