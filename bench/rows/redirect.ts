import { inTurn, requestsPerSecond } from '../measure.ts';
import type { Row } from '../row.ts';
import { type Server, type Service, withServer } from '../stage.ts';

/** Redirects on a cached link against a server that does nothing else. */
export async function benchRedirect(service: Service, bare: Server): Promise<Row[]> {
  const drive_id = String((service.ready.drives as Record<string, unknown>).backup);
  await service.control('entries', { drive_id, name: 'redirected.bin', sparse_size: 2 ** 30 });
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
        bound: 0.15,
        better: 'higher',
      },
    ];
  });
}
