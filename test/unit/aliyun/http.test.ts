import type { RequestListener } from 'node:http';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { createJsonHttp } from '../../../src/aliyun/http.ts';
import { readJson, type ScriptedServer, sendJson, startScriptedServer } from './scripted-server.ts';

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.close();
});

async function post(answer: RequestListener, options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  server = await startScriptedServer(answer);
  const http = createJsonHttp({ timeoutMs: options.timeoutMs ?? 5000, userAgent: 'alidav/test' });
  return http.post(`${server.url}/path`, { a: 1 }, { Authorization: 'Bearer SECRET' }, options.signal);
}

describe('createJsonHttp', () => {
  it('posts JSON and reads JSON', async () => {
    const answer = await post(async (request, response) => {
      sendJson(response, 201, { got: await readJson(request), agent: request.headers['user-agent'] });
    });
    expect(answer).toMatchObject({ status: 201, json: { got: { a: 1 }, agent: 'alidav/test' } });
    expect(answer.headers['content-type']).toBe('application/json');
  });

  it.each([
    ['a refusal', 403, '{"code":"Forbidden"}', { code: 'Forbidden' }],
    ['a redirect', 302, '', undefined],
    ['a web page', 502, '<html>', undefined],
    ['half a JSON', 200, '{"items":[', undefined],
  ])('takes %s for an answer', async (_, status, text, json) => {
    const answer = await post((_request, response) => {
      response.writeHead(status, { Location: '/elsewhere' }).end(text);
    });
    expect(answer).toMatchObject({ status, text });
    expect(answer.json).toEqual(json);
    expect(server?.requests).toHaveLength(1);
  });

  it.each([
    ['a reset', (socketOf) => socketOf().destroy()],
    [
      'a body cut short',
      (_socketOf, response) => void response.writeHead(200, { 'Content-Length': '9' }).write('{"a":'),
    ],
    ['silence', () => {}],
    ['a body that drips for ever', (_socketOf, response) => dripInto(response)],
  ] satisfies [string, (socketOf: () => { destroy(): void }, response: Parameters<RequestListener>[1]) => void][])(
    '%s is unavailable, and not never-sent',
    async (name, act) => {
      const call = post(
        (request, response) => {
          act(() => request.socket, response);
          if (name === 'a body cut short') setTimeout(() => request.socket.destroy(), 20);
        },
        { timeoutMs: 200 },
      );
      const error = await call.catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'unavailable', neverSent: false });
      expect(inspect(error, { depth: 10 })).not.toContain('SECRET');
    },
  );

  it('tells a refused connection, which cannot have had an effect', async () => {
    const http = createJsonHttp({ timeoutMs: 1000, userAgent: 'alidav/test' });
    await expect(http.post('http://127.0.0.1:1/', {}, {})).rejects.toMatchObject({
      code: 'unavailable',
      neverSent: true,
    });
  });

  it('gives up when the caller does', async () => {
    const controller = new AbortController();
    const call = post(() => controller.abort(), { signal: controller.signal });
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
    await expect(post(() => {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});

function dripInto(response: Parameters<RequestListener>[1]): void {
  response.writeHead(200);
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
}
