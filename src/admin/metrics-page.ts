import type { ServerResponse } from 'node:http';
import type { MetricsText } from './metrics/metrics.ts';

/** What Prometheus scrapes. */
export async function writeMetrics(response: ServerResponse, { contentType, render }: MetricsText): Promise<void> {
  const bytes = Buffer.from(await render());
  response.writeHead(200, {
    'Content-Type': contentType,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
  });
  response.end(bytes);
}
