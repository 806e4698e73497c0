import { inTurn, requestsPerSecond } from '../measure.ts';
import type { Row } from '../row.ts';
import { type Stage, withServer } from '../stage.ts';

/** Redirects on a cached link against a server that does nothing else. */
export async function benchRedirect({ service, bare }: Stage): Promise<Row[]> {
  await service.plant({ name: 'redirected.bin', sparse_size: 2 ** 30 });
  return withServer(service, { ALIDAV_DELIVERY: 'redirect' }, async (server) => {
    const { ratio } = await inTurn(
      3,
      () => requestsPerSecond(`${server.url}/redirected.bin`, 302, 32, 2_000),
      () => requestsPerSecond(`${bare.url}/redirect`, 302, 32, 2_000),
    );
    return [
      {
        name: '302 on a cached link',
        compares: 'requests a second / bare server, 32 connections',
        figure: ratio,
        unit: '×',
        bound: 0.2,
        better: 'higher',
      },
    ];
  });
}
