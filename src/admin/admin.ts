import type { IncomingMessage, ServerResponse } from 'node:http';
import { writeHealth } from './health.ts';
import { writeJson } from './json.ts';
import { type Readiness, writeReady } from './ready.ts';

const HEALTH_PATH = '/.alidav/health';
const READY_PATH = '/.alidav/ready';

/** Asked for by orchestrators, which have no credentials. */
export const OPEN_ADMIN_PATHS: readonly string[] = [HEALTH_PATH, READY_PATH];

export interface AdminDeps {
  /** Tells what is known, without asking the service. */
  getReadiness(): Readiness;
}

/** Answers what lives under `/.alidav/`; `path` is decoded. */
export function createAdmin({ getReadiness }: AdminDeps) {
  const pages = new Map<string, (response: ServerResponse) => void>([
    [HEALTH_PATH, writeHealth],
    [READY_PATH, (response) => writeReady(response, getReadiness())],
  ]);

  return async (request: IncomingMessage, response: ServerResponse, path: string): Promise<void> => {
    const page = pages.get(path);
    if (!page) writeJson(response, 404, { error: 'There is nothing here.' });
    else if (request.method === 'GET' || request.method === 'HEAD') page(response);
    else writeJson(response, 405, { error: 'Only GET and HEAD work here.' }, { Allow: 'GET, HEAD' });
  };
}
