import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAdmin, PROBE_PATHS } from '../../../src/admin/admin.ts';
import type { Readiness } from '../../../src/admin/ready.ts';

const METRICS = { contentType: 'text/plain; version=0.0.4; charset=utf-8', render: async () => 'a 1\n' };

let server: Server;
afterEach(() => {
  server.close();
});

async function ask(target: string, readiness: Readiness, method = 'GET'): Promise<Response> {
  // A status knows more than it may show here.
  const status = { ...readiness, userId: 'u-hidden', accessTokenExpiresAt: 1 };
  const handle = createAdmin({ getReadiness: () => status, metrics: METRICS });
  server = createServer((request, response) => void handle(request, response, request.url ?? ''));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${target}`, { method });
}

const READY: Readiness = { state: 'ready', message: 'fine' };

describe('health', () => {
  it.each(['starting', 'ready', 'offline', 'dead'] as const)('is 200 while the account is %s', async (state) => {
    const answer = await ask('/.alidav/health', { state, message: '' });
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
});

describe('ready', () => {
  it('is 200 when the account works', async () => {
    const answer = await ask('/.alidav/ready', READY);
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ready' }]);
  });

  it.each(['starting', 'offline', 'dead'] as const)('is 503 with the reason while it is %s', async (state) => {
    const answer = await ask('/.alidav/ready', { state, message: 'Sign in again.' });
    expect([answer.status, await answer.json()]).toEqual([503, { status: state, reason: 'Sign in again.' }]);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('metrics', () => {
  it('are text of their own kind, kept by no cache', async () => {
    const answer = await ask('/.alidav/metrics', READY);
    expect([answer.status, await answer.text()]).toEqual([200, 'a 1\n']);
    expect(answer.headers.get('content-type')).toBe(METRICS.contentType);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
});

describe('admin', () => {
  it.each(PROBE_PATHS)('answers HEAD of %s without a body', async (path) => {
    const answer = await ask(path, READY, 'HEAD');
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(0);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])('refuses %s', async (method) => {
    for (const path of ['/.alidav/ready', '/.alidav/metrics']) {
      const answer = await ask(path, READY, method);
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
      server.close();
    }
  });

  it.each(['/.alidav', '/.alidav/metrics/', '/.alidav/constructor'])('has nothing at %s', async (path) => {
    const answer = await ask(path, READY);
    expect(answer.status).toBe(404);
  });
});
