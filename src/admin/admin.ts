import type { IncomingMessage, ServerResponse } from 'node:http';
import { writeHealth } from './health.ts';
import { writeJson } from './json.ts';
import type { MetricsText } from './metrics/metrics.ts';
import { writeMetrics } from './metrics-page.ts';
import { type Readiness, writeReady } from './ready.ts';

const HEALTH_PATH = '/.alidav/health';
const READY_PATH = '/.alidav/ready';
const METRICS_PATH = '/.alidav/metrics';

/** Asked for by orchestrators, which have no credentials. */
export const OPEN_ADMIN_PATHS: readonly string[] = [HEALTH_PATH, READY_PATH];

/** Asked for by machines every few seconds, and so neither logged nor counted like requests of clients. */
export const PROBE_PATHS: readonly string[] = [...OPEN_ADMIN_PATHS, METRICS_PATH];

export interface AdminDeps {
  /** Tells what is known, without asking the service. */
  getReadiness(): Readiness;
  readonly metrics: MetricsText;
}

/** Answers what lives under `/.alidav/`; `path` is decoded. */
export function createAdmin({ getReadiness, metrics }: AdminDeps) {
  const pages = new Map<string, (response: ServerResponse) => void | Promise<void>>([
    [HEALTH_PATH, writeHealth],
    [READY_PATH, (response) => writeReady(response, getReadiness())],
    [METRICS_PATH, (response) => writeMetrics(response, metrics)],
  ]);

  return async (request: IncomingMessage, response: ServerResponse, path: string): Promise<void> => {
    const page = pages.get(path);
    if (!page) writeJson(response, 404, { error: 'There is nothing here.' });
    else if (request.method === 'GET' || request.method === 'HEAD') await page(response);
    else writeJson(response, 405, { error: 'Only GET and HEAD work here.' }, { Allow: 'GET, HEAD' });
  };
}
